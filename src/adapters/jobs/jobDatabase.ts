import pg from 'pg';
import type { Db } from 'pg-boss';
import type { Log } from '../../actors/ports/log.ts';
import { clientConfig, type PostgresTarget } from '../postgres/dsn.ts';
import { describeSqlError } from '../postgres/sqlErrors.ts';

/** One for the statements of jobs and one for a transaction: none of it is in a hurry. */
const CONNECTIONS = 2;
/** Without an answer a connection is given up: one that died silently would be waited for all day. */
const ANSWER_MS = 60_000;
/** A process that stands still in the middle of a transaction must not keep the next leader waiting. */
const IDLE_IN_TRANSACTION_MS = 5_000;
/** A connection that is just being made is not waited for. */
const CLOSE_MS = 1_000;

/** The connections of pg-boss and of what goes with its jobs. They are made when they are needed. */
export class JobDatabase implements Db {
  readonly #pool: pg.Pool;
  readonly #clients = new Set<pg.PoolClient>();

  constructor(target: PostgresTarget, log: Log) {
    const role = 'lnmux jobs';
    this.#pool = new pg.Pool({
      ...clientConfig(target, role),
      max: CONNECTIONS,
      query_timeout: ANSWER_MS,
      statement_timeout: ANSWER_MS - 5_000,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
    });
    this.#pool.on('connect', (client) => {
      this.#clients.add(client);
      client.on('error', () => {});
    });
    this.#pool.on('remove', (client) => this.#clients.delete(client));
    this.#pool.on('error', (error) => {
      if (!this.#pool.ending) log.warn({ role, error: describeSqlError(error) }, 'database connection lost');
    });
  }

  executeSql(text: string, values?: unknown[]): Promise<{ rows: Record<string, unknown>[] }> {
    return this.#pool.query(text, values);
  }

  /** Commits when `work` gives true, rolls back when it gives false or rejects. */
  async transaction(work: (tx: Db) => Promise<boolean>): Promise<boolean> {
    const client = await this.#pool.connect();
    try {
      await client.query('BEGIN');
      const done = await work({ executeSql: (text, values) => client.query(text, values) });
      await client.query(done ? 'COMMIT' : 'ROLLBACK');
      client.release();
      return done;
    } catch (error) {
      // Nobody knows what it has become: the connection takes the transaction with it.
      client.release(true);
      throw error;
    }
  }

  /** Ends what is idle in order, and cuts what still waits for an answer. */
  async close(): Promise<void> {
    const ended = this.#pool.end();
    for (const client of this.#clients) void (client as unknown as pg.Client).end().catch(() => {});
    const limit = Promise.withResolvers<void>();
    const timer = setTimeout(limit.resolve, CLOSE_MS);
    await Promise.race([ended.catch(() => {}), limit.promise]);
    clearTimeout(timer);
  }
}
