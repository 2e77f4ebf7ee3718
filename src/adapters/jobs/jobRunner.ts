import { PgBoss } from 'pg-boss';
import { describeSqlError } from '../postgres/sqlErrors.ts';
import { EventRetention } from './eventRetention.ts';
import { JobDatabase } from './jobDatabase.ts';
import type { JobRunnerOptions } from './options.ts';
import { WebhookJobs } from './webhookJobs.ts';

/** How long the end waits for attempts under way, then for the database, before it cuts them. */
const ATTEMPTS_MS = 2_000;
const STOP_MS = 4_000;
/** Finished jobs go soon: there may be thousands a second. */
const MAINTENANCE_S = 300;
/** How often pg-boss looks after dependencies among jobs, of which there are none here. */
const UNUSED_S = 3_600;

/** pg-boss, with the queues of this program: on the leader only, and only where there is something to do. */
export class JobRunner {
  readonly webhooks: WebhookJobs;
  readonly retention: EventRetention;
  readonly #options: JobRunnerOptions;
  readonly #boss: PgBoss;
  readonly #db: JobDatabase;
  readonly #abort = new AbortController();
  #counting: unknown;
  #stopping = false;

  constructor(options: JobRunnerOptions) {
    const { target, log, paces, keepEventsMs } = options;
    this.#options = options;
    this.#db = new JobDatabase(target, log);
    this.#boss = new PgBoss({
      db: this.#db,
      schema: 'pgboss',
      schedule: keepEventsMs !== undefined,
      superviseIntervalSeconds: paces.supervise,
      monitorIntervalSeconds: paces.supervise,
      maintenanceIntervalSeconds: MAINTENANCE_S,
      flowIntervalSeconds: UNUSED_S,
      registerInstance: false,
      monitorVacuum: false,
    });
    this.#boss.on('error', (error) => this.#complain(error));
    this.#boss.on('warning', ({ message }) => log.warn({ from: 'pg-boss' }, message));
    this.webhooks = new WebhookJobs(this.#boss, this.#db, options, this.#abort.signal);
    this.retention = new EventRetention(this.#boss, this.#db, options, this.#abort.signal);
  }

  /** Rejects when it can't now; then it is to be stopped, and another one may be tried later. */
  async start(): Promise<void> {
    const { webhooks } = this.#options;
    await this.#boss.start();
    for (const { name } of webhooks) await this.webhooks.place(name);
    await this.webhooks.start();
    await this.retention.start();
    this.#count();
  }

  /** What is under way gets a moment. What is cut then is found by the next leader, and tried again. */
  async stop(): Promise<void> {
    const { clock } = this.#options;
    this.#stopping = true;
    clock.clearTimeout(this.#counting);
    const cut = clock.setTimeout(() => this.#abort.abort(), ATTEMPTS_MS);
    const late = Promise.withResolvers<void>();
    const limit = clock.setTimeout(() => late.resolve(), STOP_MS);
    const stopped = this.#boss.stop({ graceful: true, timeout: STOP_MS - 500 });
    await Promise.race([stopped.catch((error: unknown) => this.#complain(error)), late.promise]);
    clock.clearTimeout(cut);
    clock.clearTimeout(limit);
    this.#abort.abort();
    await this.#db.close();
  }

  #count(): void {
    const { clock, paces } = this.#options;
    this.#counting = clock.setTimeout(() => {
      this.webhooks
        .count()
        .catch((error: unknown) => this.#complain(error))
        .finally(() => {
          if (!this.#stopping) this.#count();
        });
    }, paces.supervise * 1_000);
  }

  /** Never what a query or its parameters say: those may hold what a row holds. */
  #complain(error: unknown): void {
    if (this.#abort.signal.aborted) return;
    const text = error instanceof Error ? describeSqlError(error) : (error as { message?: string }).message;
    this.#options.log.warn({ error: text ?? 'unknown' }, 'Jobs in the database: something went wrong');
  }
}
