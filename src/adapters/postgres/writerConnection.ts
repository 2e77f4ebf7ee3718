import pg from 'pg';
import type { Log } from '../../actors/ports/log.ts';
import { clientConfig, type PostgresTarget } from './dsn.ts';
import { describeSqlError, verdictOf } from './sqlErrors.ts';
import { typesOf } from './sqlTypes.ts';

/** A prepared statement with its parameters, in node-postgres' form. Rows come as arrays. */
export interface Statement {
  /** Name of the prepared statement; the same name always has the same text. */
  readonly name: string;
  readonly text: string;
  readonly values: readonly unknown[];
}

export type StatementResult =
  | { readonly kind: 'rows'; readonly rows: readonly (readonly unknown[])[] }
  /** Not written. `badData`: a value or a constraint is at fault, so the same statement fails for ever. */
  | {
      readonly kind: 'failed';
      readonly error: string;
      readonly retryable: boolean;
      readonly badData: boolean;
    }
  /** May be written or not. The connection is gone. */
  | { readonly kind: 'ambiguous'; readonly error: string };

export interface WriterOptions {
  /** After so long without an answer the outcome is open and the connection is destroyed. */
  readonly timeoutMs: number;
  readonly log: Log;
}

/**
 * Planner settings of connections that write: every statement there is a batch of index look-ups, its plan is made
 * once, and a plan made from stale statistics must not walk a table of millions of rows.
 */
const SESSION = [
  'SET enable_seqscan = off',
  'SET enable_mergejoin = off',
  'SET jit = off',
  'SET max_parallel_workers_per_gather = 0',
  "SET plan_cache_mode = 'force_generic_plan'",
];

const BACKOFF_FIRST_MS = 50;
const BACKOFF_MOST_MS = 2_000;

/**
 * One connection that runs one autocommitted statement after the other. It connects when it is needed, again after
 * a loss, and waits longer after each vain attempt. A connection whose last outcome is open is destroyed, never
 * used again.
 */
export class WriterConnection {
  readonly #target: PostgresTarget;
  readonly #role: string;
  readonly #options: WriterOptions;
  #client: pg.Client | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #vainAttempts = 0;
  #nextAttemptAt = 0;
  #closed = false;

  constructor(target: PostgresTarget, role: string, options: WriterOptions) {
    this.#target = target;
    this.#role = role;
    this.#options = options;
  }

  /** Never rejects. Calls run in the order they are made. */
  run(statement: Statement): Promise<StatementResult> {
    const result = this.#queue.then(() => this.#run(statement));
    this.#queue = result;
    return result;
  }

  /** Waits for what is running and disconnects. Later calls fail. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#queue;
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  async #run(statement: Statement): Promise<StatementResult> {
    let client: pg.Client;
    try {
      client = this.#client ?? (await this.#connect());
    } catch (error) {
      // Nothing was sent.
      const text = `cannot connect: ${describeSqlError(error)}`;
      return { kind: 'failed', error: text, retryable: !this.#closed, badData: false };
    }
    const result = await this.#send(client, statement);
    if (result.kind === 'ambiguous') this.#destroy(client, result.error);
    return result;
  }

  async #send(client: pg.Client, statement: Statement): Promise<StatementResult> {
    let timer: NodeJS.Timeout | undefined;
    let notice: string | undefined;
    const onNotice = (message: { readonly message?: string | undefined }) => {
      notice ??= message.message ?? 'notice';
    };
    client.on('notice', onNotice);
    try {
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error('no answer in time')), this.#options.timeoutMs);
      });
      const query = { ...statement, values: [...statement.values], rowMode: 'array' as const };
      const answer = await Promise.race([client.query<unknown[]>(query), timeout]);
      // A cancelled wait for a standby reports success, with a warning as the only trace.
      if (notice !== undefined) return { kind: 'ambiguous', error: `committed with a notice: ${notice}` };
      return { kind: 'rows', rows: answer.rows };
    } catch (error) {
      const verdict = verdictOf(error);
      return { ...verdict, error: describeSqlError(error) };
    } finally {
      clearTimeout(timer);
      client.removeListener('notice', onNotice);
    }
  }

  async #connect(): Promise<pg.Client> {
    const wait = this.#nextAttemptAt - performance.now();
    if (wait > 0) await new Promise((wake) => setTimeout(wake, wait));
    if (this.#closed) throw new Error('closed');
    const client = new pg.Client({
      ...clientConfig(this.#target, `lnmux ${this.#role}`),
      // The server gives up first: a clean "rolled back" is better than an open outcome.
      statement_timeout: Math.ceil(this.#options.timeoutMs * 0.8),
      types: typesOf,
    });
    client.on('error', (error) => this.#destroy(client, describeSqlError(error)));
    client.on('end', () => this.#destroy(client, 'connection ended'));
    try {
      await client.connect();
      const session = { text: SESSION.join(';'), query_timeout: this.#options.timeoutMs };
      await client.query(session);
    } catch (error) {
      discard(client);
      this.#vainAttempts++;
      const pause = Math.min(BACKOFF_FIRST_MS * 2 ** (this.#vainAttempts - 1), BACKOFF_MOST_MS);
      this.#nextAttemptAt = performance.now() + pause;
      throw error;
    }
    this.#vainAttempts = 0;
    this.#client = client;
    return client;
  }

  #destroy(client: pg.Client, error: string): void {
    discard(client);
    if (this.#client !== client) return;
    this.#client = undefined;
    if (!this.#closed) {
      this.#options.log.warn({ role: this.#role, error }, 'database connection destroyed');
    }
  }
}

/** Ends a connection without asking the server: it might not answer any more. */
function discard(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
