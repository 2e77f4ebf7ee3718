import { dirname, resolve } from 'node:path';
import { Secret } from './secret.ts';
import type { Section } from './section.ts';
import type { DatabaseConfig } from './types.ts';

export const DSN_VARIABLE = 'LNMUX_PERSISTENCE_POSTGRES_DSN';

/** One process settles payments in batches; more connections than this only queue elsewhere. */
const DEFAULT_POOL_SIZE = 10;

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** What is wrong with a DSN, without any part of it: it holds the password. */
function dsnProblem(dsn: string): string | undefined {
  const example = 'postgres://user:password@host:5432/database';
  if (!URL.canParse(dsn)) return `not a URL; write ${example}`;
  const url = new URL(dsn);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    return `must start with postgres:// or postgresql://; write ${example}`;
  }
  if (url.pathname.replace(/^\/+/, '') === '') return `names no database; write ${example}`;
  return undefined;
}

/** Modes in which the server's certificate is checked, or in which the operator said that there is to be none. */
const DELIBERATE_SSL_MODES = new Set(['verify-ca', 'verify-full', 'disable']);

function isLocal(host: string): boolean {
  return host === '' || host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

function readDsn(section: Section, env: NodeJS.ProcessEnv): Secret<string> | undefined {
  const { findings } = section;
  const fromFile = section.text('dsn');
  const fromEnv = env[DSN_VARIABLE];
  const dsn = fromEnv ?? fromFile;
  if (dsn === undefined) return undefined;
  const key = fromEnv === undefined ? 'db.dsn' : '';
  const [line, source] = fromEnv === undefined ? [section.lineOf('dsn')] : [undefined, DSN_VARIABLE];
  if (dsn === '') {
    // A secret that is missing by mistake must not start an empty database of our own: decisions live in it.
    findings.problem(
      key,
      line,
      'is empty; give the URL of the database, or remove it for the embedded one',
      source,
    );
    return undefined;
  }
  const problem = dsnProblem(dsn);
  if (problem !== undefined) {
    findings.problem(key, line, problem, source);
    return undefined;
  }
  const url = new URL(dsn);
  const mode = url.searchParams.get('sslmode') ?? '';
  if (!DELIBERATE_SSL_MODES.has(mode) && !isLocal(url.hostname)) {
    const what = "the database's certificate is not verified and preimages travel on this link";
    findings.warning(key, line, `${what}; add ?sslmode=verify-full`, source);
  }
  return new Secret(dsn);
}

/** Zero means the default and a negative value "never", as in the Go program's pool. */
function readAge(section: Section, name: string, fallbackMs: number | undefined): number | undefined {
  const millis = section.duration(name, { fallbackMs: 0, minMs: -YEAR_MS, maxMs: 10 * YEAR_MS });
  const written = section.text(name);
  if (written?.startsWith('-')) return undefined;
  return millis === 0 ? fallbackMs : millis;
}

export function readDatabase(section: Section, env: NodeJS.ProcessEnv, configPath: string): DatabaseConfig {
  const dsn = readDsn(section, env);
  // Relative to the file, not to wherever the daemon happens to be started: there must be one database.
  const dataDir = resolve(dirname(configPath), section.text('dataDir') || '.lnmux/postgres');
  const poolSize = section.integer('poolSize', { fallback: DEFAULT_POOL_SIZE, min: 0, max: 1_000 });
  const poolTimeoutMs = section.duration('poolTimeout', { fallbackMs: 30_000, minMs: 0, maxMs: DAY_MS });
  const config: DatabaseConfig = {
    dsn,
    dataDir,
    poolSize: poolSize === 0 ? DEFAULT_POOL_SIZE : poolSize,
    minIdleConns: section.integer('minIdleConns', { fallback: 0, min: 0, max: 1_000 }),
    maxConnAgeMs: readAge(section, 'maxConnAge', undefined),
    poolTimeoutMs: poolTimeoutMs === 0 ? 30_000 : poolTimeoutMs,
    idleTimeoutMs: readAge(section, 'idleTimeout', 300_000),
  };
  if (dsn !== undefined && section.has('dataDir')) {
    section.warning('dataDir', 'not used, because there is a dsn; remove one of them');
  }
  section.finish();
  return config;
}
