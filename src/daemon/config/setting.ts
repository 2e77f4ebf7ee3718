/** What one key came to be, for people. Secrets are never in it. */
export interface Setting {
  /** The block that the key is in, such as `lnd.nodes[0]`; empty at the top. */
  readonly block: string;
  readonly name: string;
  /** `block`: it has keys of its own. `unknown`: no such key. */
  readonly origin: 'file' | 'default' | 'environment' | 'block' | 'unknown';
  /** Line in the file, from 1; undefined when it is not in the file. */
  readonly line: number | undefined;
  /** As it may be shown; undefined when it has none. */
  readonly value: string | undefined;
  /** The environment variable, or the file of a secret, that the value comes from. */
  readonly from?: string;
  /** Something worth knowing beside the value. */
  readonly remark?: string;
}

/** How a secret is shown. */
export const HIDDEN = '<hidden>';

/** Lower-case hex of 33 bytes is a public key, as it is written all over the file. */
const PUBLIC_KEY = /^0[23][0-9a-fA-F]{64}$/;

/**
 * A value as the explanation of a file may show it: what looks like a key, a token or a password inside of a URL is
 * hidden, because a secret may have been written under the wrong key.
 */
export function visible(value: string): string {
  if (PUBLIC_KEY.test(value)) return value;
  return value
    .replace(/[0-9a-fA-F]{32,}|[0-9a-zA-Z+=]{40,}/g, HIDDEN)
    .replace(/:\/\/[^@/]*@/g, `://${HIDDEN}@`)
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
