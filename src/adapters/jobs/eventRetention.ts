import type { PgBoss } from 'pg-boss';
import type { JobDatabase } from './jobDatabase.ts';
import type { JobRunnerOptions } from './options.ts';

const QUEUE = 'lnmux.retention';
/** At a minute at which not everybody's jobs begin. */
const HOURLY = '17 * * * *';
/** Lines of one statement: a fraction of a second each. */
const BATCH = 5_000;
/** The database is there for payments in the first place. */
const PAUSE_MS = 200;
/** An hour's work ends before the next one begins, and goes on there. */
const LONGEST_RUN_MS = 50 * 60_000;
const EXPIRE_S = 3_600;

/**
 * Looks at the next $2 lines after $1 and deletes those that are older than $3 (unix ms) and of no invoice that is still
 * to be settled. Not beyond what a webhook of $4 has read, and not after another leader than $5 took over. The status is
 * asked line by line: there is no index for it, and a join might read all invoices. Rows: the last line that was looked
 * at, null when there was none; how many were old; how many are gone.
 */
const DELETE = `WITH looked AS MATERIALIZED (
  SELECT e.seq, e.at < to_timestamp($3::float8 / 1000) AS old, e.hash FROM lnmux.events e
  WHERE e.seq > $1::bigint
    AND e.seq <= (SELECT coalesce(min(w.cursor), 9223372036854775807) FROM lnmux.webhooks w WHERE w.name = ANY($4::text[]))
    AND EXISTS (SELECT FROM lnmux.leader WHERE id = 1 AND epoch = $5::bigint)
  ORDER BY e.seq LIMIT $2
), gone AS (
  DELETE FROM lnmux.events d WHERE d.seq = ANY(ARRAY(
    SELECT l.seq FROM looked l WHERE l.old AND (
      SELECT i.status::text FROM lnmux.invoices i WHERE i.hash = l.hash) IS DISTINCT FROM 'SETTLE_REQUESTED'))
  RETURNING d.seq
), noted AS (
  UPDATE lnmux.event_retention r SET deleted = greatest(r.deleted, g.last)
  FROM (SELECT max(seq) AS last FROM gone) g WHERE r.id = 1 AND g.last IS NOT NULL
)
SELECT (SELECT max(seq) FROM looked)::text AS last, (SELECT count(*) FROM looked WHERE old)::int AS old,
  (SELECT count(*) FROM gone)::int AS gone`;

/** Deletes old lines of the events table, once an hour. */
export class EventRetention {
  readonly #boss: PgBoss;
  readonly #db: JobDatabase;
  readonly #options: JobRunnerOptions;
  readonly #stop: AbortSignal;

  constructor(boss: PgBoss, db: JobDatabase, options: JobRunnerOptions, stop: AbortSignal) {
    this.#boss = boss;
    this.#db = db;
    this.#options = options;
    this.#stop = stop;
  }

  /** To be called when every webhook has its place: before that, nothing says what it has not read. */
  async start(): Promise<void> {
    const { keepEventsMs, paces } = this.#options;
    if (keepEventsMs === undefined) {
      await this.#boss.unschedule(QUEUE);
      return;
    }
    const options = { retryLimit: 0, expireInSeconds: EXPIRE_S, deleteAfterSeconds: 7 * 86_400 };
    await this.#boss.createQueue(QUEUE, options);
    await this.#boss.work(QUEUE, { pollingIntervalSeconds: paces.poll * 5 }, () => this.run(keepEventsMs));
    await this.#boss.schedule(QUEUE, HOURLY);
  }

  /** Deletes until nothing that it looks at is old. How many lines are gone. */
  async run(keepMs: number): Promise<number> {
    const { clock, webhooks, epoch, counts, log } = this.#options;
    const begun = clock.now();
    const names = webhooks.map(({ name }) => name);
    let [last, deleted] = ['0', 0];
    while (!this.#stop.aborted && clock.now() - begun < LONGEST_RUN_MS) {
      const values = [last, BATCH, begun - keepMs, names, epoch.toString()];
      const { rows } = await this.#db.executeSql(DELETE, values);
      const looked = rows[0] as { last: string | null; old: number; gone: number };
      deleted += looked.gone;
      counts.deletedEvents += looked.gone;
      if (looked.last === null || looked.old === 0) break;
      last = looked.last;
      await new Promise<void>((resolve) => clock.setTimeout(resolve, PAUSE_MS));
    }
    if (deleted > 0) log.info({ lines: deleted }, 'Old events deleted');
    return deleted;
  }
}
