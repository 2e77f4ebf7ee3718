import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { readApi } from './api.ts';
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
  readProfilingAddress,
} from './operation.ts';
import type { ConfigProblem } from './problem.ts';
import { readRetention } from './retention.ts';
import { readRouteHints } from './routeHints.ts';
import { readRoutingPolicy } from './routingPolicy.ts';
import { Findings, Section } from './section.ts';
import type { Setting } from './setting.ts';
import { readTracing } from './tracing.ts';
import type { LnmuxConfig } from './types.ts';
import { readWebhooks } from './webhooks.ts';

export { type ConfigProblem, formatProblem } from './problem.ts';
export { Secret } from './secret.ts';
export type { Setting } from './setting.ts';
export type * from './types.ts';

interface Read {
  readonly warnings: readonly ConfigProblem[];
  /** What each key came to be; nothing where the file could not be read as YAML. */
  readonly settings: readonly Setting[];
}

export type ConfigResult =
  | (Read & { readonly ok: true; readonly config: LnmuxConfig })
  | (Read & { readonly ok: false; readonly problems: readonly ConfigProblem[] });

export interface LoadOptions {
  /** Path of the YAML file, as the operator gave it: problems name it that way. */
  readonly path: string;
  /** Whether a key that does not exist is a problem (true) or just a warning. */
  readonly strict: boolean;
  readonly env: NodeJS.ProcessEnv;
  /** Permission bits of the file; `loadConfig` finds them out. */
  readonly mode?: number | undefined;
}

function readConfig(root: Section, { env, path, mode: configMode }: LoadOptions): LnmuxConfig {
  const configPath = resolve(path);
  const instrumentationAddress = readAddress(root, 'instrumentationAddress', 'localhost:2112');
  const lnd = readLnd(root.section('lnd'), root);
  const listenAddress = readAddress(root, 'listenAddress', 'localhost:19090');
  const config: LnmuxConfig = {
    lnd,
    db: readDatabase(root.section('db'), env, configPath),
    identityKey: readIdentityKey(root, { env, configPath, configMode }, lnd.network),
    autoSettle: root.boolean('autoSettle', false),
    listenAddress,
    api: readApi(root.section('api'), root, listenAddress, resolve(path)),
    instrumentationAddress,
    healthAddress: readAddress(root, 'healthAddress', instrumentationAddress),
    profilingAddress: readProfilingAddress(root),
    logging: readLogging(root.section('logging')),
    tracing: readTracing(root.section('tracing')),
    distributedLock: readLock(root.section('distributedLock'), env),
    routingPolicy: readRoutingPolicy(root.section('routingPolicy')),
    routeHints: readRouteHints(root),
    acceptance: readAcceptance(root),
    limits: readLimits(root.section('limits')),
    webhooks: readWebhooks(root, configPath),
    retention: readRetention(root.section('retention')),
  };
  root.finish();
  return config;
}

/** Decodes the text of a configuration file. All problems are found at once; nothing is thrown. */
export function decodeConfig(text: string, options: LoadOptions): ConfigResult {
  const findings = new Findings(options.path, options.strict);
  const { root, problems } = readDocument(text, options.path);
  // What a broken file says after the first fault can't be trusted: more problems would only confuse.
  if (problems.length > 0) return { ok: false, problems: problems.slice(0, 1), warnings: [], settings: [] };
  const config = readConfig(new Section(root, '', findings), options);
  const byLine = (a: ConfigProblem, b: ConfigProblem) => (a.line ?? 0) - (b.line ?? 0);
  const warnings = findings.warnings.sort(byLine);
  const { settings } = findings;
  if (findings.problems.length > 0) {
    return { ok: false, problems: findings.problems.sort(byLine), warnings, settings };
  }
  return { ok: true, config, warnings, settings };
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
  let mode: number | undefined;
  try {
    text = readFileSync(options.path, 'utf8');
    // A pipe, such as /dev/stdin, has no readers to speak of.
    const stat = statSync(options.path);
    mode = stat.isFile() && process.platform !== 'win32' ? stat.mode & 0o777 : undefined;
  } catch (error) {
    return { ok: false, problems: [unreadable(options.path, error)], warnings: [], settings: [] };
  }
  return decodeConfig(text, { ...options, mode });
}
