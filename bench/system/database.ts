import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import pg from 'pg';
import { clientConfig, type PostgresTarget, parseDsn } from '../../src/adapters/postgres/dsn.ts';
import { startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';
import { Migrator } from '../../src/adapters/postgres/migrate.ts';
import { silentLog } from './silentLog.ts';
import type { Workspace } from './workspace.ts';

/** What durability means here; everything else is PostgreSQL's default. */
const DURABLE = { fsync: 'on', synchronous_commit: 'on', full_page_writes: 'on' };
const COMMITS_TIMED = 300;

/** A database of its own on the server of this run. */
export interface BenchDatabase {
  readonly name: string;
  readonly dsn: string;
  readonly target: PostgresTarget;
  drop(): Promise<void>;
}

/** The PostgreSQL server of this run. */
export interface DatabaseServer {
  readonly pid: number;
  readonly version: string;
  /** Median of one-row commits one after the other, microseconds: what the disk's flush costs. */
  readonly commitUs: number;
  /** A new database with the schema of a version, the newest by default. */
  create(name: string, version?: number): Promise<BenchDatabase>;
}

/** Starts a server of the bench's own in its folder. */
export async function startDatabaseServer(workspace: Workspace): Promise<DatabaseServer> {
  const dataDir = workspace.path('postgres');
  await mkdir(dataDir, { recursive: true });
  const server = await startEmbeddedPostgres({ dataDir, log: silentLog, settings: DURABLE });
  workspace.defer(() => server.stop());
  const target = parseDsn(server.dsn);
  const { version, commitUs } = await withClient(target, async (client) => ({
    version: await provenDurable(client),
    commitUs: await timeCommits(client),
  }));
  return {
    pid: server.pid,
    version,
    commitUs,
    async create(name, schemaVersion) {
      const own = { ...target, database: name };
      await withClient(target, (client) => client.query(`CREATE DATABASE ${name}`));
      await new Migrator(own).up(schemaVersion);
      return {
        name,
        target: own,
        dsn: server.dsn.replace('/lnmux?', `/${name}?`),
        drop: () =>
          withClient(target, async (client) => {
            await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
          }),
      };
    },
  };
}

/** Runs with a connection that ends with the run. */
export async function withClient<T>(
  target: PostgresTarget,
  run: (client: pg.Client) => Promise<T>,
): Promise<T> {
  const client = new pg.Client(clientConfig(target, 'bench'));
  client.on('error', () => {});
  await client.connect();
  try {
    return await run(client);
  } finally {
    await client.end();
  }
}

async function provenDurable(client: pg.Client): Promise<string> {
  for (const name of Object.keys(DURABLE)) {
    const { rows } = await client.query(`SHOW ${name}`);
    if (rows[0][name] !== 'on')
      throw new Error(`${name} is ${rows[0][name]}: the figures would mean nothing`);
  }
  return (await client.query('SHOW server_version')).rows[0].server_version;
}

async function timeCommits(client: pg.Client): Promise<number> {
  await client.query('CREATE TABLE commit_time (n integer)');
  const times: number[] = [];
  for (let i = 0; i < COMMITS_TIMED; i++) {
    const start = performance.now();
    await client.query('INSERT INTO commit_time VALUES (1)');
    times.push((performance.now() - start) * 1000);
  }
  await client.query('DROP TABLE commit_time');
  return times.sort((a, b) => a - b)[COMMITS_TIMED / 2]!;
}

/** Type of the file system that a path is on: a RAM disk would flush nothing. */
export function fileSystemOf(path: string): string {
  let best = { mount: '', type: 'unknown' };
  for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
    const [, mount, type] = line.split(' ');
    if (mount === undefined || type === undefined || mount.length < best.mount.length) continue;
    if (path === mount || path.startsWith(mount === '/' ? '/' : `${mount}/`)) best = { mount, type };
  }
  return best.type;
}
