import { dirname, resolve } from 'node:path';
import { parseDsn } from '../../adapters/postgres/dsn.ts';
import { formatDuration } from './duration.ts';
import { Secret } from './secret.ts';
import { isWorldReadable } from './secretFile.ts';
import { findSecret } from './secretSource.ts';
import type { Section } from './section.ts';
import { HIDDEN } from './setting.ts';
import type { DatabaseConfig } from './types.ts';

export const DSN_VARIABLE = 'LNMUX_PERSISTENCE_POSTGRES_DSN';

/** One process settles payments in batches; more connections than this only queue elsewhere. */
const DEFAULT_POOL_SIZE = 10;

const DATA_DIR = '.lnmux/postgres';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

const EXAMPLE = 'postgres://user:password@host:5432/database';

/** What is wrong with a DSN, without any part of it: it holds the password. */
function dsnProblem(dsn: string): string | undefined {
  // A secret that is missing by mistake must not start an empty database of our own: decisions live in it.
  if (dsn === '') return 'is empty; give the URL of the database, or remove it for the embedded one';
  if (!URL.canParse(dsn)) return `not a URL; write ${EXAMPLE}`;
  const url = new URL(dsn);
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    return `must start with postgres:// or postgresql://; write ${EXAMPLE}`;
  }
  if (url.pathname.replace(/^\/+/, '') === '') return `names no database; write ${EXAMPLE}`;
  try {
    parseDsn(dsn);
    return undefined;
  } catch (error) {
    return (error as Error).message.replace(/^db\.dsn:? /, '');
  }
}

/** The DSN without its password. */
function maskedDsn(dsn: string): string {
  const url = new URL(dsn);
  if (url.password !== '') url.password = '***';
  return url.href;
}

/** Modes in which the server's certificate is checked, or in which the operator said that there is to be none. */
const DELIBERATE_SSL_MODES = new Set(['verify-ca', 'verify-full', 'disable']);

function isLocal(host: string): boolean {
  return host === '' || host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

function readDsn(section: Section, env: NodeJS.ProcessEnv, configPath: string): Secret<string> | undefined {
  const secret = findSecret(section, { name: 'dsn', variable: DSN_VARIABLE, env, configPath });
  if (secret === 'missing' || secret === 'problem') return undefined;
  const { text: dsn } = secret;
  const problem = dsnProblem(dsn);
  if (problem !== undefined) {
    secret.note(HIDDEN);
    secret.problem(problem);
    return undefined;
  }
  secret.note(maskedDsn(dsn));
  const url = new URL(dsn);
  const mode = url.searchParams.get('sslmode') ?? '';
  if (!DELIBERATE_SSL_MODES.has(mode) && !isLocal(url.hostname)) {
    const what = "the database's certificate is not verified and preimages travel on this link";
    secret.warning(`${what}; add ?sslmode=verify-full`);
  }
  if (url.password !== '' && isWorldReadable(secret.file?.mode)) {
    secret.warning('everybody on this machine can read it, with the password; chmod 600 it');
  }
  return new Secret(dsn);
}

/** Zero means the default and a negative value "never", as in the Go program's pool. */
function readAge(section: Section, name: string, fallbackMs: number | undefined): number | undefined {
  const fallbackText = fallbackMs === undefined ? 'never' : formatDuration(fallbackMs);
  const range = { fallbackMs: 0, minMs: -YEAR_MS, maxMs: 10 * YEAR_MS, fallbackText };
  const millis = section.duration(name, range);
  if (section.unnoted(name)?.startsWith('-')) return undefined;
  return millis === 0 ? fallbackMs : millis;
}

export function readDatabase(section: Section, env: NodeJS.ProcessEnv, configPath: string): DatabaseConfig {
  const dsn = readDsn(section, env, configPath);
  // Relative to the file, not to wherever the daemon happens to be started: there must be one database.
  const dataDir = resolve(dirname(configPath), section.text('dataDir', DATA_DIR) || DATA_DIR);
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
