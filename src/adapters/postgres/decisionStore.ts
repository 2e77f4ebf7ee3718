import pg from 'pg';
import type { DecisionStore, LeadershipStore } from '../../actors/ports/decisionStore.ts';
import type { Log } from '../../actors/ports/log.ts';
import type { NodeStore } from '../../actors/ports/nodeStore.ts';
import { decide } from './decide.ts';
import { clientConfig, type PostgresTarget } from './dsn.ts';
import { finalise } from './finalise.ts';
import { finaliseStatement } from './finaliseStatement.ts';
import { journal } from './journal.ts';
import { leadershipStore } from './leadershipStore.ts';
import { nodeStore } from './nodeStore.ts';
import {
  type Read,
  readByHash,
  readEvents,
  readEventsAfter,
  readHashes,
  readLastEvent,
  readList,
  readRecovery,
} from './reads.ts';
import { checkDatabase, DatabaseSettingsError, SchemaVersionError } from './settingsCheck.ts';
import { describeSqlError, verdictOf } from './sqlErrors.ts';
import { typesOf } from './sqlTypes.ts';
import { readStatusTypes } from './statusTypes.ts';
import { WriterConnection } from './writerConnection.ts';

export interface PostgresStoreOptions {
  readonly target: PostgresTarget;
  readonly log: Log;
  /** Milliseconds without an answer after which the outcome of a statement is open. Default 10,000. */
  readonly timeoutMs?: number;
  readonly pool?: PoolOptions;
}

/** The connections for reading, beside the four that write. */
export interface PoolOptions {
  /** At most so many. Default 2. */
  readonly readers?: number;
  /** So many are kept although nothing uses them. Default 0. */
  readonly minIdle?: number;
  /** An idle one is closed after this; undefined means never. */
  readonly idleTimeoutMs?: number | undefined;
  /** One that is older is replaced after its next use; undefined means never. */
  readonly maxAgeMs?: number | undefined;
  /** How long a read waits for one. Default: as long as a connection may take to be made. */
  readonly waitMs?: number;
}

/** Decisions, finals, the journal and leadership have a connection each. */
export const WRITERS = 4;

/** A new leader reads everything that is not final; that may take its time. */
const RECOVERY_TIMEOUT_MS = 120_000;

/** Somebody waits for a report, but not for ever. */
const REPORT_TIMEOUT_MS = 25_000;

/** The durable memory in PostgreSQL: all its ports, and the way to let go of it. */
export interface PostgresStore extends DecisionStore, LeadershipStore, NodeStore {
  /** For connections that are none of the store's. */
  readonly target: PostgresTarget;
  /** Resolves when the database answers; rejects with DatabaseReadError. For probes. */
  ping(): Promise<void>;
  /** Waits for what is under way and disconnects. */
  close(): Promise<void>;
}

/** Reads fail with this: text without row contents. */
export class DatabaseReadError extends Error {
  override readonly name = 'DatabaseReadError';
}

/**
 * Checks the database (settings that durability needs, schema version) and opens the store: one connection each for
 * decisions, finals, the journal, look-ups and leadership, and a small pool for reading. They connect when first used.
 *
 * @throws DatabaseSettingsError, SchemaVersionError, DatabaseReadError
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<PostgresStore> {
  const { target, log, timeoutMs = 10_000, pool = {} } = options;
  const types = await inspect(target, timeoutMs);
  const writer = (role: string) => new WriterConnection(target, role, { timeoutMs, log });
  const decisions = writer('decide');
  const finals = writer('finalise');
  const lines = writer('journal');
  const lookups = writer('look up');
  const finaliseText = finaliseStatement(types);
  const readPool = poolOf(target, 'lnmux read', log, readerLimits(target, pool));
  const leaderPool = poolOf(target, 'lnmux leader', log, { max: 1, statement_timeout: timeoutMs });
  const read = readOn(readPool, timeoutMs);
  return {
    target,
    decide: (epoch, batch) => decide(decisions, epoch, batch),
    finalise: (epoch, batch) => finalise(finals, finaliseText, epoch, batch),
    journal: (epoch, batch, height) => journal(lines, epoch, batch, height),
    recover: (epoch) => readRecovery(readOn(readPool, RECOVERY_TIMEOUT_MS), epoch),
    invoicesByHash: (hashes, epoch) =>
      readByHash(epoch === undefined ? read : readPrepared(lookups, 'lnmux_lookup'), hashes, epoch),
    storedHashes: (after, max) => readHashes(read, after, max),
    listInvoices: ({ sequenceStart, max }) => readList(read, sequenceStart, max),
    eventsByHash: (hash, newest) => readEvents(read, hash, newest),
    eventsAfter: (sequence, max) => readEventsAfter(read, sequence, max),
    lastEvent: () => readLastEvent(read),
    ...nodeStore(lines, read, readOn(readPool, REPORT_TIMEOUT_MS)),
    ...leadershipStore(readOn(leaderPool, timeoutMs)),
    async ping() {
      await read('SELECT 1');
    },
    async close() {
      await Promise.all([
        ...[decisions, finals, lines, lookups].map((each) => each.close()),
        readPool.end(),
        leaderPool.end(),
      ]);
    },
  };
}

async function inspect(target: PostgresTarget, timeoutMs: number) {
  const client = new pg.Client({ ...clientConfig(target, 'lnmux check'), query_timeout: timeoutMs });
  client.on('error', () => {});
  try {
    await client.connect().catch((error: unknown) => {
      throw new DatabaseReadError(`cannot connect to the database: ${describeSqlError(error)}`);
    });
    await checkDatabase(client);
    return await readStatusTypes(client);
  } catch (error) {
    if (isAnswer(error)) throw error;
    const what = verdictOf(error).kind === 'ambiguous' ? 'lost the database' : 'cannot read the database';
    throw new DatabaseReadError(`${what}: ${describeSqlError(error)}`);
  } finally {
    await client.end().catch(() => {});
  }
}

/** What already says what is wrong. */
const isAnswer = (error: unknown) =>
  [DatabaseReadError, DatabaseSettingsError, SchemaVersionError].some((kind) => error instanceof kind);

function readerLimits(target: PostgresTarget, options: PoolOptions): pg.PoolConfig {
  const { readers = 2, minIdle = 0, idleTimeoutMs, maxAgeMs, waitMs = target.connectTimeoutMs } = options;
  return {
    max: readers,
    min: Math.min(minIdle, readers),
    idleTimeoutMillis: idleTimeoutMs ?? 0,
    maxLifetimeSeconds: maxAgeMs === undefined ? 0 : Math.max(1, Math.round(maxAgeMs / 1000)),
    connectionTimeoutMillis: Math.min(target.connectTimeoutMs, waitMs),
  };
}

function poolOf(target: PostgresTarget, role: string, log: Log, limits: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool({ ...clientConfig(target, role), ...limits, types: typesOf });
  // The pool listens to idle connections only; one that is lost in the middle of a query must not end the process.
  pool.on('connect', (client) => client.on('error', () => {}));
  pool.on('error', (error) => {
    if (!pool.ending) log.warn({ role, error: describeSqlError(error) }, 'database connection lost');
  });
  return pool;
}

/**
 * Reads that every payment needs: planned once, on a connection of their own that has the planner settings of
 * batches. One statement at a time.
 */
function readPrepared(connection: WriterConnection, name: string): Read {
  return async (text, values = []) => {
    const answer = await connection.run({ name, text, values });
    if (answer.kind === 'rows') return answer.rows;
    throw new DatabaseReadError(answer.error);
  };
}

/** Without an answer in time a connection is given up: one that died silently would be waited for all day. */
function readOn(pool: pg.Pool, timeoutMs: number): Read {
  return async (text, values = []) => {
    let client: pg.PoolClient;
    try {
      client = await pool.connect();
    } catch (error) {
      throw new DatabaseReadError(`cannot connect to the database: ${describeSqlError(error)}`);
    }
    try {
      const query = { text, values: [...values], rowMode: 'array' as const, query_timeout: timeoutMs };
      const { rows } = await client.query<unknown[]>(query);
      client.release();
      return rows;
    } catch (error) {
      // Also after a time-out, when the answer may still come: a connection in that state is never used again.
      client.release(true);
      throw new DatabaseReadError(describeSqlError(error));
    }
  };
}
