import type { ClientConfig } from 'pg';

/** Where and how to connect. Never log it: it holds the password. */
export interface PostgresTarget {
  /** Host name or address; a directory (leading slash) means the Unix socket in it. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** `false`: no TLS. Otherwise TLS, with or without checking the certificate (and the host name). */
  readonly tls: false | { readonly verify: 'nothing' | 'authority' | 'full' };
  readonly applicationName: string | undefined;
  readonly connectTimeoutMs: number;
}

/** The DSN is not one that we take. The message never holds the DSN or a part of its credentials. */
export class DsnError extends Error {
  override readonly name = 'DsnError';
}

const TLS_OF_MODE: Readonly<Record<string, PostgresTarget['tls']>> = {
  disable: false,
  allow: { verify: 'nothing' },
  prefer: { verify: 'nothing' },
  require: { verify: 'nothing' },
  'verify-ca': { verify: 'authority' },
  'verify-full': { verify: 'full' },
};
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

/**
 * Reads a DSN by the Go program's rules: schemes postgres and postgresql; user `postgres` by default; port 5432; a
 * database name is required; without sslmode TLS is used but the certificate is not checked; parameters sslmode,
 * application_name, connect_timeout (seconds) and no others. In addition `host`, a directory with the server's Unix
 * socket, as the embedded server needs it.
 *
 * @throws DsnError
 */
export function parseDsn(dsn: string): PostgresTarget {
  let url: URL;
  try {
    url = new URL(dsn);
  } catch {
    throw new DsnError('db.dsn is not a URL: expected postgres://user:password@host:port/database');
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new DsnError(`db.dsn: scheme must be postgres or postgresql`);
  }
  const database = decoded(url.pathname.slice(1), 'database name');
  if (database === '') throw new DsnError('db.dsn: the database name is missing');
  const parameters = parametersOf(url);
  const socket = parameters.get('host');
  if (socket !== undefined && !socket.startsWith('/')) {
    throw new DsnError('db.dsn: parameter host must be the directory of a Unix socket');
  }
  const mode = parameters.get('sslmode');
  const tls = mode === undefined ? { verify: 'nothing' as const } : TLS_OF_MODE[mode];
  if (tls === undefined) {
    throw new DsnError(`db.dsn: sslmode must be one of ${Object.keys(TLS_OF_MODE).join(', ')}`);
  }
  return {
    host: socket ?? (url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, '')),
    port: url.port === '' ? 5432 : Number(url.port),
    user: decoded(url.username, 'user') || 'postgres',
    password: url.password === '' ? undefined : decoded(url.password, 'password'),
    database,
    tls: socket === undefined ? tls : false,
    applicationName: parameters.get('application_name'),
    connectTimeoutMs: timeoutOf(parameters.get('connect_timeout')),
  };
}

function parametersOf(url: URL): Map<string, string> {
  const known = ['sslmode', 'application_name', 'connect_timeout', 'host'];
  const found = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    // The name could be a piece of a password with an unescaped question mark in it: it is not repeated.
    if (!known.includes(name)) {
      throw new DsnError(
        'db.dsn: only sslmode, application_name and connect_timeout are allowed as parameters',
      );
    }
    found.set(name, value);
  }
  return found;
}

function timeoutOf(text: string | undefined): number {
  if (text === undefined) return DEFAULT_CONNECT_TIMEOUT_MS;
  const seconds = Number(text);
  if (!/^\d+$/.test(text) || seconds > 86_400) {
    throw new DsnError('db.dsn: connect_timeout must be a whole number of seconds');
  }
  return seconds === 0 ? DEFAULT_CONNECT_TIMEOUT_MS : seconds * 1000;
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new DsnError(`db.dsn: the ${what} is not properly percent-encoded`);
  }
}

/** The same for node-postgres. `role` is the application name where the DSN gives none. */
export function clientConfig(target: PostgresTarget, role: string): ClientConfig {
  const { verify } = target.tls === false ? { verify: 'nothing' as const } : target.tls;
  const checked = verify === 'authority' ? { checkServerIdentity: () => undefined } : {};
  return {
    host: target.host,
    port: target.port,
    user: target.user,
    password: target.password ?? '',
    database: target.database,
    application_name: target.applicationName ?? role,
    connectionTimeoutMillis: target.connectTimeoutMs,
    keepAlive: true,
    ssl: target.tls === false ? false : { rejectUnauthorized: verify !== 'nothing', ...checked },
  };
}
