import { execFileSync, spawn } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clientConfig, parseDsn } from '../../src/adapters/postgres/dsn.ts';
import {
  DataDirectoryInUseError,
  type EmbeddedPostgres,
  startEmbeddedPostgres,
} from '../../src/adapters/postgres/embedded.ts';
import { isAlive } from '../../src/adapters/postgres/embeddedOwner.ts';
import { Migrator } from '../../src/adapters/postgres/migrate.ts';
import { checkDatabase, DatabaseSettingsError } from '../../src/adapters/postgres/settingsCheck.ts';
import { silentLog } from '../support/silentLog.ts';

let dataDir: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'lnmux-embedded-'));
});

afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const start = (settings = {}) => startEmbeddedPostgres({ dataDir, log: silentLog, settings });

async function query(server: EmbeddedPostgres, sql: string): Promise<unknown[]> {
  const client = new pg.Client(clientConfig(parseDsn(server.dsn), 'test'));
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Process ids of servers (and watchers) on our data directory. */
function processes(): number[] {
  const list = execFileSync('ps', ['-eo', 'pid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  const ours = list
    .map((line) => line.trim().split(/\s+/))
    .filter(([, stat]) => stat && !stat.startsWith('Z'));
  return ours
    .filter((fields) => fields.slice(2).join(' ').includes(`${dataDir}/pg`))
    .map(([pid]) => Number(pid));
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('condition not met in time');
    await new Promise((wake) => setTimeout(wake, 20));
  }
}

/** A process that starts the server and says its process id, then waits to be killed. */
async function daemonWithServer(): Promise<{ daemon: number; kill: () => void; server: number }> {
  const module = new URL('../../src/adapters/postgres/embedded.ts', import.meta.url).href;
  const script = `
    const { startEmbeddedPostgres } = await import(${JSON.stringify(module)});
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const server = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, log });
    console.log(server.pid);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const server = await new Promise<number>((done, failed) => {
    child.stdout.once('data', (data: Buffer) => done(Number(data.toString())));
    child.once('exit', () => failed(new Error('the daemon did not start')));
  });
  return { daemon: child.pid!, kill: () => child.kill('SIGKILL'), server };
}

test('starts on a new directory, keeps its data over a restart, refuses a second user meanwhile', async () => {
  const first = await start();
  await query(first, 'CREATE TABLE kept (n int)');
  const [found] = await query(
    first,
    `SELECT current_setting('server_encoding') AS encoding, current_setting('data_checksums') AS checksums,
      current_setting('listen_addresses') AS tcp`,
  );
  expect(found).toEqual({ encoding: 'UTF8', checksums: 'on', tcp: '' });
  await expect(start()).rejects.toThrow(DataDirectoryInUseError);
  await expect(start()).rejects.toThrow(`in use by process ${process.pid}`);
  await first.stop();
  await first.stop();
  expect(await isAlive(first.pid)).toBe(false);
  const second = await start();
  expect(await query(second, 'SELECT count(*)::int AS n FROM kept')).toEqual([{ n: 0 }]);
  await second.stop();
  await until(() => processes().length === 0);
});

test('makes the folders above its own, and can pass them', async () => {
  const top = await mkdtemp(join(tmpdir(), 'lnmux-embedded-'));
  await chmod(top, 0o755);
  const umask = process.umask(0o077);
  try {
    const own = join(top, 'lnmux', 'state', 'postgres');
    const server = await startEmbeddedPostgres({ dataDir: own, log: silentLog });
    await server.stop();
    expect((await stat(own)).mode & 0o777).toBe(0o700);
  } finally {
    process.umask(umask);
    await rm(top, { recursive: true, force: true });
  }
});

test('the settings check passes its defaults and names what is unsafe', async () => {
  const server = await start({ fsync: 'off', synchronous_commit: 'off' });
  const client = new pg.Client(clientConfig(parseDsn(server.dsn), 'test'));
  await client.connect();
  try {
    await expect(checkDatabase(client)).rejects.toThrow(DatabaseSettingsError);
    await expect(checkDatabase(client)).rejects.toThrow(/^fsync is off.*; synchronous_commit is off/);
  } finally {
    await client.end();
    await server.stop();
  }
  const safe = await start();
  const checked = new pg.Client(clientConfig(parseDsn(safe.dsn), 'test'));
  await checked.connect();
  try {
    await expect(checkDatabase(checked)).rejects.toThrow(
      /at version 0, this program needs \d+: run "lnmuxd migrate up"/,
    );
    await new Migrator(parseDsn(safe.dsn)).up();
    await checkDatabase(checked);
    await new Migrator(parseDsn(safe.dsn)).setVersion(99);
    await expect(checkDatabase(checked)).rejects.toThrow(/newer than the \d+ of/);
  } finally {
    await checked.end();
    await safe.stop();
  }
});

test('kill -9 of the daemon leaves no process behind', async () => {
  const { kill, server } = await daemonWithServer();
  expect(processes()).toContain(server);
  kill();
  await until(() => processes().length === 0);
  const next = await start();
  await next.stop();
});

test('a server that was left behind without its watcher is taken over', async () => {
  const { kill, server } = await daemonWithServer();
  // The watcher first, so that nobody stops the server; then the daemon.
  for (const pid of processes()) if (pid !== server) process.kill(pid, 'SIGKILL');
  kill();
  await new Promise((wake) => setTimeout(wake, 300));
  expect(await isAlive(server)).toBe(true);
  const next = await start();
  expect(await isAlive(server)).toBe(false);
  await next.stop();
});

test('kill -9 of everything, lock files and all, does not keep it from starting', async () => {
  const { kill, server } = await daemonWithServer();
  // The server last: the daemon would see it end, and tidy up.
  for (const pid of processes()) if (pid !== server) process.kill(pid, 'SIGKILL');
  kill();
  process.kill(server, 'SIGKILL');
  await until(() => processes().length === 0);
  expect(await readFile(join(dataDir, 'owner'), 'utf8')).not.toBe('');
  const next = await start();
  expect(await query(next, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await next.stop();
  await until(() => processes().length === 0);
});

test('the end of the server is told, and its directory is free again', async () => {
  const server = await start();
  process.kill(server.pid, 'SIGINT');
  await server.ended;
  const next = await start();
  await next.stop();
});
