import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import {
  DatabaseReadError,
  openPostgresStore,
  type PoolOptions,
  WRITERS,
} from '../../adapters/postgres/decisionStore.ts';
import { parseDsn } from '../../adapters/postgres/dsn.ts';
import type { DatabaseConfig } from '../config/load.ts';
import { Database, Instruments, Settings } from './services.ts';
import { starting } from './startupError.ts';

/** The DSN of the configuration; without one, of the embedded PostgreSQL, which this starts and migrates. */
const dsn = Effect.gen(function* () {
  const { config, log, fatal } = yield* Settings;
  if (config.db.dsn) return config.db.dsn.reveal();
  const { dataDir } = config.db;
  log.info({ dataDir }, 'Starting the embedded PostgreSQL');
  const server = yield* Effect.acquireRelease(
    starting(async () => {
      const { startEmbeddedPostgres } = await import('../../adapters/postgres/embedded.ts');
      return startEmbeddedPostgres({ dataDir, log });
    }),
    (embedded) => Effect.promise(() => embedded.stop()),
  );
  let stopping = false;
  yield* Effect.addFinalizer(() => Effect.sync(() => (stopping = true)));
  void server.ended.then(() => {
    if (!stopping) fatal('the embedded PostgreSQL has ended by itself: see its log in the data directory');
  });
  yield* starting(async () => {
    const { Migrator } = await import('../../adapters/postgres/migrate.ts');
    const { endAbandonedLease } = await import('../../adapters/postgres/abandonedLease.ts');
    const target = parseDsn(server.dsn);
    const { from, to } = await new Migrator(target).up();
    if (from !== to) log.info({ from, to }, 'Migrated the embedded database');
    await endAbandonedLease(target);
  });
  return server.dsn;
});

/** `poolSize` counts every connection; the writers take theirs first, and one is left for reading at least. */
const poolOf = (db: DatabaseConfig): PoolOptions => ({
  readers: Math.max(1, db.poolSize - WRITERS),
  minIdle: db.minIdleConns,
  idleTimeoutMs: db.idleTimeoutMs,
  maxAgeMs: db.maxConnAgeMs,
  waitMs: db.poolTimeoutMs,
});

function sayWhatToCheck(error: unknown): never {
  if (!(error instanceof DatabaseReadError)) throw error;
  throw new Error(`${error.message}; does the server run, and is db.dsn right?`, { cause: error });
}

export const databaseLayer = Layer.effect(
  Database,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const { readiness } = yield* Instruments;
    const text = yield* dsn;
    const open = () => openPostgresStore({ target: parseDsn(text), log, pool: poolOf(config.db) });
    const store = yield* Effect.acquireRelease(
      starting(() => (config.db.dsn ? open().catch(sayWhatToCheck) : open())),
      (opened) => Effect.promise(() => opened.close()),
    );
    readiness.watchDatabase(() => store.ping());
    yield* Effect.addFinalizer(() => Effect.sync(() => readiness.stop()));
    return store;
  }),
);
