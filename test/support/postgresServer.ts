import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { clientConfig, parseDsn } from '../../src/adapters/postgres/dsn.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/adapters/postgres/embedded.ts';
import { Migrator } from '../../src/adapters/postgres/migrate.ts';
import { silentLog } from './silentLog.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Address at which test files ask for the database server of this run. */
    readonly postgresDoor: string;
  }
}

/** A server whose database `lnmux` is migrated and serves as a template. */
interface Running {
  readonly dataDir: string;
  readonly server: EmbeddedPostgres;
}

async function start(): Promise<Running> {
  const dataDir = await mkdtemp(join(tmpdir(), 'lnmux-test-'));
  const server = await startEmbeddedPostgres({
    dataDir,
    log: silentLog,
    settings: { max_connections: '100' },
  });
  const target = parseDsn(server.dsn);
  const client = new pg.Client(clientConfig({ ...target, database: 'postgres' }, 'template'));
  await client.connect();
  await client.query('CREATE DATABASE lnmux_template');
  await client.end();
  await new Migrator({ ...target, database: 'lnmux_template' }).up();
  return { dataDir, server };
}

/**
 * Global set-up of Vitest: one database server per run, started when the first test file asks for it. It ends with
 * the run; if the run is killed, the server notices and ends by itself.
 */
export default async function setup(project: {
  provide(key: 'postgresDoor', value: string): void;
}): Promise<() => Promise<void>> {
  let running: Promise<Running> | undefined;
  const door = createServer((_, response) => {
    running ??= start();
    running.then(
      ({ server }) => response.end(server.dsn),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((done) => door.listen(0, '127.0.0.1', done));
  project.provide('postgresDoor', `http://127.0.0.1:${(door.address() as AddressInfo).port}/`);
  return async () => {
    door.closeAllConnections();
    door.close();
    const found = await running?.catch(() => undefined);
    await found?.server.stop();
    if (found) await rm(found.dataDir, { recursive: true, force: true });
  };
}
