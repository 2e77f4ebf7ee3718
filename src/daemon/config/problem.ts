/** One thing that is wrong with the configuration. The text never holds a value that may be secret. */
export interface ConfigProblem {
  /** The file, or the name of the environment variable. */
  readonly source: string;
  /** Line in the file, from 1. */
  readonly line: number | undefined;
  /** The key, such as `lnd.nodes[0].pubKey`; empty when it is about the file. */
  readonly key: string;
  /** What is wrong, then what to write. */
  readonly message: string;
}

/**
 * One line: `lnmux.yml:12: lnd.network: unsupported network "foo"; write …`. Keys are shown as they are written,
 * so control characters in them are escaped: they could break the line or command the terminal.
 */
export function formatProblem({ source, line, key, message }: ConfigProblem): string {
  return [line === undefined ? source : `${source}:${line}`, key, message]
    .filter((part) => part !== '')
    .join(': ')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Whoever mistypes `regtest` or `30s` stays below it; hardly any password does. */
const LONGEST_SHOWN = 16;

/**
 * A value as a message may show it. Long words and URLs are left out: a secret that was written under the wrong key
 * must not end up on a screen.
 */
export function shown(value: string): string {
  if (value.length > LONGEST_SHOWN || value.includes('://') || value.includes('@')) return 'the value';
  return JSON.stringify(value);
}
