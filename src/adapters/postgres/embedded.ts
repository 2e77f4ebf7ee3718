import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import type { Log } from '../../actors/ports/log.ts';
import {
  EmbeddedPostgresError,
  type ServerUser,
  serverBinaries,
  serverUser,
  unreachable,
} from './embeddedBinaries.ts';
import { stopLeftover } from './embeddedLeftover.ts';
import { takeOwnership } from './embeddedOwner.ts';

export { EmbeddedPostgresError } from './embeddedBinaries.ts';
export { DataDirectoryInUseError } from './embeddedOwner.ts';

/** How to start it. */
export interface EmbeddedPostgresOptions {
  /** Holds everything: the cluster, its socket. Made when it is missing; survives restarts. */
  readonly dataDir: string;
  readonly log: Log;
  /** Only as root: the unprivileged user of the server. By default the first of lnmux, postgres, nobody. */
  readonly user?: string;
  /** Further server settings, `name: value`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A running server. */
export interface EmbeddedPostgres {
  /** Superuser `postgres` on database `lnmux`, over a Unix socket in a directory that only its owner can enter. */
  readonly dsn: string;
  /** Process id of the server. */
  readonly pid: number;
  /** Fast shutdown: open transactions are rolled back, committed ones are safe. Idempotent. */
  stop(): Promise<void>;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
}

const DATABASE = 'lnmux';
/** Not named like our schema: the default search path begins with the schema of the user's name. */
const SUPERUSER = 'postgres';
const PORT = 5432;
/** sun_path is 108 bytes on Linux and 104 on macOS, with the file name and a zero byte. */
const LONGEST_SOCKET_DIR = 103 - '/.s.PGSQL.5432.lock'.length;
const START_TIMEOUT_MS = 60_000;
const run = promisify(execFile);

/**
 * The shell turns into the server (same process id) and leaves a watcher behind, which reads the pipe that the
 * daemon holds open. When the daemon ends, however it ends, the pipe closes and the watcher asks the server to
 * shut down: if it is still this one, by its lock file. The watcher is nobody's child, so that the server does not
 * hear of its end. Everything but the server is built into the shell.
 */
const SUPERVISOR = `
pid=$$
( ( while read -r _; do :; done
    read -r first < "$1/postmaster.pid" && [ "$first" = "$pid" ] && kill -INT "$pid"
  ) <&3 3<&- >/dev/null 2>&1 & )
server=$2; shift 2
exec "$server" "$@" </dev/null 3<&-
`;

/**
 * Starts a PostgreSQL server of our own on `dataDir`: the default where no DSN is given. What an earlier daemon may
 * have left running on the same directory is stopped first. Only one living process can have it.
 *
 * @throws DataDirectoryInUseError, EmbeddedPostgresError
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const dataDir = resolve(options.dataDir);
  const user = await serverUser(options.user);
  await makeDataDir(dataDir, user);
  const owner = await takeOwnership(dataDir);
  try {
    const { bin, major } = await serverBinaries(join(dataDir, 'bin'), user);
    const cluster = join(dataDir, `pg${major}`);
    await refuseOtherMajor(dataDir, major);
    if (!(await exists(join(cluster, 'PG_VERSION')))) await createCluster(bin, cluster, user);
    else await stopLeftover(cluster, join(bin, 'pg_ctl'), identity(user), options.log);
    const socketDir = await makeSocketDir(dataDir, user);
    const server = await launch(bin, cluster, socketDir, user, options);
    try {
      await createDatabase(socketDir);
    } catch (error) {
      await server.stop();
      throw error;
    }
    return server;
  } catch (error) {
    await owner.release();
    throw error;
  }

  async function launch(
    bin: string,
    cluster: string,
    socketDir: string,
    runAs: ServerUser | undefined,
    { log, settings }: EmbeddedPostgresOptions,
  ): Promise<EmbeddedPostgres> {
    const child = spawn('/bin/sh', supervisorArgs(bin, cluster, socketDir, settings), {
      ...identity(runAs),
      cwd: '/',
      // Its own session: Ctrl-C in the daemon's terminal is for the daemon, which stops the database last.
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
    });
    const ended = new Promise<void>((done) => child.once('exit', () => done())).then(async () => {
      await owner.release();
      if (!socketDir.startsWith(dataDir)) await rm(socketDir, { recursive: true, force: true });
    });
    let stopping = false;
    const tail = forwardLog(child, log, () => stopping);
    await untilReady(child, cluster, tail);
    // The watcher, the server and its pipes alone shall not keep our process alive.
    child.unref();
    const pid = child.pid!;
    return {
      dsn: dsnOf(socketDir),
      pid,
      ended,
      async stop() {
        stopping = true;
        child.ref();
        if (child.exitCode === null && child.signalCode === null) child.kill('SIGINT');
        await ended;
        for (const pipe of child.stdio) pipe?.destroy();
      },
    };
  }
}

function dsnOf(socketDir: string): string {
  return `postgres://${SUPERUSER}@localhost:${PORT}/${DATABASE}?host=${encodeURIComponent(socketDir)}&sslmode=disable`;
}

function supervisorArgs(
  bin: string,
  cluster: string,
  socketDir: string,
  settings: Readonly<Record<string, string>> = {},
): string[] {
  const all = {
    listen_addresses: '',
    port: String(PORT),
    unix_socket_directories: socketDir,
    unix_socket_permissions: '0700',
    // Error details quote whole rows, preimages included: they stay out of the log.
    log_error_verbosity: 'terse',
    log_min_error_statement: 'panic',
    max_connections: '40',
    shared_buffers: `${sharedBuffersMb(availableMemory())}MB`,
    // Each checkpoint makes the next write of every page a whole one: under load they should be minutes apart.
    max_wal_size: '4GB',
    ...settings,
  };
  const flags = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return ['-c', SUPERVISOR, 'lnmux-postgres', cluster, join(bin, 'postgres'), '-D', cluster, ...flags];
}

/** What this process may use: a container or a unit file may allow less than the machine has. */
function availableMemory(): number {
  const limit = process.constrainedMemory();
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem();
}

/** An eighth of the memory, within reason: payments touch pages of all indexes at random. */
function sharedBuffersMb(memoryBytes: number): number {
  return Math.round(Math.min(1_024, Math.max(128, memoryBytes / 2 ** 20 / 8)));
}

function identity(user: ServerUser | undefined): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  // No PGDATA, PGPORT or locale of whoever started the daemon may change the server.
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };
  return user ? { uid: user.uid, gid: user.gid, env } : { env };
}

/** Passes the server's log on and keeps its last lines for an error message. Being told to stop is no trouble of its. */
function forwardLog(child: ChildProcess, log: Log, isStopping: () => boolean): () => string {
  const last: string[] = [];
  let rest = '';
  child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      last.push(line);
      if (last.length > 8) last.shift();
      const isEnd = isStopping() && line.includes('terminating connection due to administrator command');
      if (/\b(PANIC|FATAL|ERROR):/.test(line) && !isEnd) log.warn({ postgres: line }, 'embedded PostgreSQL');
      else log.debug({ postgres: line }, 'embedded PostgreSQL');
    }
  });
  for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.();
  return () => last.join('\n');
}

/** Waits for the eighth line of postmaster.pid to say `ready`, as pg_ctl does. */
async function untilReady(child: ChildProcess, cluster: string, tail: () => string): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  for (;;) {
    const lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
    if (lines[0] === String(child.pid) && lines[7]?.trim() === 'ready') return;
    if (failure || child.exitCode !== null || child.signalCode !== null) {
      throw new EmbeddedPostgresError(`embedded PostgreSQL did not start: ${failure?.message ?? tail()}`);
    }
    if (performance.now() > deadline) {
      child.kill('SIGQUIT');
      throw new EmbeddedPostgresError(`embedded PostgreSQL was not ready in time: ${tail()}`);
    }
    await new Promise((wake) => setTimeout(wake, 15));
  }
}

/** initdb into a neighbour that is renamed when complete: a kill in between leaves no half cluster behind. */
async function createCluster(bin: string, cluster: string, user: ServerUser | undefined): Promise<void> {
  const draft = `${cluster}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  if (user) await chown(draft, user.uid, user.gid);
  const flags = ['--username', SUPERUSER, '--encoding', 'UTF8', '--locale', 'C', '--data-checksums'];
  // Trust is safe: the socket lies in a directory of mode 0700, and there is no TCP.
  flags.push('--auth-local', 'trust', '--auth-host', 'reject');
  try {
    await run(join(bin, 'initdb'), ['--pgdata', draft, ...flags], { ...identity(user), cwd: '/' });
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new EmbeddedPostgresError(`initdb failed: ${(stderr || message).trim()}`);
  }
  await rename(draft, cluster);
}

/** Data of another major version needs pg_upgrade or a dump; starting an empty cluster beside it would lose sight of it. */
async function refuseOtherMajor(dataDir: string, major: number): Promise<void> {
  const marker = join(dataDir, 'major');
  const found = (await readFile(marker, 'utf8').catch(() => '')).trim();
  if (found !== '' && found !== String(major)) {
    throw new EmbeddedPostgresError(
      `${dataDir} holds data of PostgreSQL ${found}, but this program brings PostgreSQL ${major}: dump and restore it`,
    );
  }
  if (found === '') await writeFile(marker, `${major}\n`);
}

async function makeSocketDir(dataDir: string, user: ServerUser | undefined): Promise<string> {
  const inside = join(dataDir, 'run');
  let dir = inside;
  if (Buffer.byteLength(inside) <= LONGEST_SOCKET_DIR) {
    // The socket's lock file of a killed server would be taken for a living one's.
    await rm(inside, { recursive: true, force: true });
    await mkdir(inside, { mode: 0o700 });
  } else dir = await mkdtemp(join(tmpdir(), 'lnmux-'));
  await chmod(dir, 0o700);
  if (user) await chown(dir, user.uid, user.gid);
  return dir;
}

async function createDatabase(socketDir: string): Promise<void> {
  const client = new pg.Client({ host: socketDir, port: PORT, user: SUPERUSER, database: 'postgres' });
  client.on('error', () => {});
  await client.connect();
  try {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (found.rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  } finally {
    await client.end();
  }
}

/** Folders above it that have to be made too can be passed by the server's user, whatever the umask is. */
async function makeDataDir(dataDir: string, user: ServerUser | undefined): Promise<void> {
  const above = dirname(dataDir);
  const first = await mkdir(above, { recursive: true, mode: user ? 0o711 : 0o700 });
  if (user && first !== undefined) {
    for (let made = above; made.length >= first.length; made = dirname(made)) await chmod(made, 0o711);
  }
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  if (user) await giveTo(dataDir, user);
}

async function giveTo(dataDir: string, user: ServerUser): Promise<void> {
  await chown(dataDir, user.uid, user.gid);
  const barrier = await unreachable(dataDir, user);
  if (barrier !== undefined) {
    throw new EmbeddedPostgresError(
      `user ${user.name}, who runs the database, can't reach ${dataDir}: ${barrier} is closed to him`,
    );
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
