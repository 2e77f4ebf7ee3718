import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readDatabase } from './database.ts';
import { readDocument } from './document.ts';
import { readIdentityKey } from './identityKey.ts';
import { readLnd } from './lnd.ts';
import {
  readAcceptance,
  readAddress,
  readLimits,
  readLock,
  readLogging,
  readRoutingPolicy,
} from './operation.ts';
import type { ConfigProblem } from './problem.ts';
import { readRouteHints } from './routeHints.ts';
import { Findings, Section } from './section.ts';
import type { LnmuxConfig } from './types.ts';

export { type ConfigProblem, formatProblem } from './problem.ts';
export { Secret } from './secret.ts';
export type * from './types.ts';

export type ConfigResult =
  | { readonly ok: true; readonly config: LnmuxConfig; readonly warnings: readonly ConfigProblem[] }
  | {
      readonly ok: false;
      readonly problems: readonly ConfigProblem[];
      readonly warnings: readonly ConfigProblem[];
    };

export interface LoadOptions {
  /** Path of the YAML file, as the operator gave it: problems name it that way. */
  readonly path: string;
  /** Whether a key that does not exist is a problem (true) or just a warning. */
  readonly strict: boolean;
  readonly env: NodeJS.ProcessEnv;
}

function readConfig(root: Section, { env, path }: LoadOptions): LnmuxConfig {
  const instrumentationAddress = readAddress(root, 'instrumentationAddress', 'localhost:2112');
  const lnd = readLnd(root.section('lnd'), root);
  const config: LnmuxConfig = {
    lnd,
    db: readDatabase(root.section('db'), env, resolve(path)),
    identityKey: readIdentityKey(root, env, lnd.network),
    autoSettle: root.boolean('autoSettle', false),
    listenAddress: readAddress(root, 'listenAddress', 'localhost:19090'),
    instrumentationAddress,
    healthAddress: readAddress(root, 'healthAddress', instrumentationAddress),
    logging: readLogging(root.section('logging')),
    distributedLock: readLock(root.section('distributedLock'), env),
    routingPolicy: readRoutingPolicy(root.section('routingPolicy')),
    routeHints: readRouteHints(root),
    acceptance: readAcceptance(root),
    limits: readLimits(root.section('limits')),
  };
  root.finish();
  return config;
}

/** Decodes the text of a configuration file. All problems are found at once; nothing is thrown. */
export function decodeConfig(text: string, options: LoadOptions): ConfigResult {
  const findings = new Findings(options.path, options.strict);
  const { root, problems } = readDocument(text, options.path);
  // What a broken file says after the first fault can't be trusted: more problems would only confuse.
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, 1), warnings: [] };
  const config = readConfig(new Section(root, '', findings), options);
  const byLine = (a: ConfigProblem, b: ConfigProblem) => (a.line ?? 0) - (b.line ?? 0);
  const warnings = findings.warnings.sort(byLine);
  if (findings.problems.length > 0) return { ok: false, problems: findings.problems.sort(byLine), warnings };
  return { ok: true, config, warnings };
}

function unreadable(path: string, error: unknown): ConfigProblem {
  const code = (error as NodeJS.ErrnoException).code;
  const known: Readonly<Record<string, string>> = {
    ENOENT: 'no such file; give the path with -c (lnmux.yml.example shows every key)',
    EACCES: 'not permitted to read it; check its owner and mode',
    EISDIR: 'a folder, not a file; give the path of the file with -c',
  };
  return { source: path, line: undefined, key: '', message: known[code ?? ''] ?? `can't be read (${code})` };
}

/** Reads and decodes the configuration file, with overrides from the environment. */
export function loadConfig(options: LoadOptions): ConfigResult {
  let text: string;
  try {
    text = readFileSync(options.path, 'utf8');
  } catch (error) {
    return { ok: false, problems: [unreadable(options.path, error)], warnings: [] };
  }
  return decodeConfig(text, options);
}
