import type { Job, JobResult, PgBoss, QueueOptions } from 'pg-boss';
import type { InvoiceEvent } from '../../actors/ports/invoiceEvents.ts';
import type { WebhookQueue } from '../../actors/ports/webhookQueue.ts';
import { bodyOf, deliver } from '../webhooks/delivery.ts';
import type { JobDatabase } from './jobDatabase.ts';
import type { JobRunnerOptions, WebhookTarget } from './options.ts';

/** Attempts at once for one webhook. */
const BATCH = 50;
/** Of all webhooks together: one that catches up leaves most of the processor to payments. */
const MOST_PER_SECOND = 500;
const DAY_S = 86_400;
/** Delivered jobs are of no more use; a while is left to look at them. */
const DELIVERED_S = 600;
/** Whatever waits for longer is deleted: far beyond the day after which a delivery is given up. */
const LONGEST_WAIT_S = 30 * DAY_S;
/** Deliveries that were given up are kept so long for whoever wants to see them. */
const GIVEN_UP_S = 14 * DAY_S;
const GIVEN_UP = 'lnmux.webhooks.given-up';

interface DeliveryJob {
  readonly webhook: string;
  readonly sequence: string;
  readonly body: string;
}

const queueOf = (webhook: string) => `lnmux.webhook.${webhook}`;

/** A new webhook begins at the end. One that was away for so long that events were deleted goes on after those. */
const PLACE = `INSERT INTO lnmux.webhooks AS w (name, cursor)
  SELECT $1, c.last FROM lnmux.event_counter c, lnmux.leader l WHERE c.id = 1 AND l.id = 1 AND l.epoch = $2::bigint
  ON CONFLICT (name) DO UPDATE
    SET cursor = greatest(w.cursor, (SELECT deleted FROM lnmux.event_retention WHERE id = 1))
  RETURNING cursor::text`;

/**
 * Only from the place where the events were read: of two who read the same, one moves it. The leader row is not locked:
 * a transaction that stands still must not keep the next leader from taking over.
 */
const MOVE = `UPDATE lnmux.webhooks SET cursor = $3::bigint WHERE name = $1 AND cursor = $2::bigint
  AND EXISTS (SELECT FROM lnmux.leader WHERE id = 1 AND epoch = $4::bigint) RETURNING name`;

/** Jobs of webhooks: a queue for each, so that one that is slow or dead holds up no other. */
export class WebhookJobs implements WebhookQueue {
  readonly #boss: PgBoss;
  readonly #db: JobDatabase;
  readonly #options: JobRunnerOptions;
  readonly #stop: AbortSignal;
  readonly #workers = new Map<string, string>();

  /** `stop` ends attempts that are under way. */
  constructor(boss: PgBoss, db: JobDatabase, options: JobRunnerOptions, stop: AbortSignal) {
    this.#boss = boss;
    this.#db = db;
    this.#options = options;
    this.#stop = stop;
  }

  /** Makes what queues are missing and works on all. */
  async start(): Promise<void> {
    const { webhooks, paces } = this.#options;
    if (webhooks.length === 0) return;
    const polling = { pollingIntervalSeconds: paces.poll, batchSize: BATCH, burstWhenBatchFull: true };
    await this.#queue(GIVEN_UP, {
      retentionSeconds: LONGEST_WAIT_S,
      deleteAfterSeconds: GIVEN_UP_S,
      expireInSeconds: paces.attempt,
    });
    const rarely = { pollingIntervalSeconds: paces.poll * 5, batchSize: BATCH, burstWhenBatchFull: true };
    await this.#boss.work<DeliveryJob>(GIVEN_UP, rarely, async (jobs) => this.#giveUp(jobs));
    for (const webhook of webhooks) {
      const name = queueOf(webhook.name);
      await this.#queue(
        name,
        {
          retryLimit: paces.retries,
          retryDelay: paces.firstRetry,
          retryBackoff: true,
          retryDelayMax: paces.longestRetry,
          expireInSeconds: paces.attempt,
          retentionSeconds: LONGEST_WAIT_S,
          deleteAfterSeconds: DELIVERED_S,
        },
        GIVEN_UP,
      );
      const options = { ...polling, perJobResults: true } as const;
      const worker = await this.#boss.work<DeliveryJob, unknown, typeof options>(name, options, (jobs) =>
        this.#deliverAll(webhook, jobs),
      );
      this.#workers.set(webhook.name, worker);
    }
  }

  async place(webhook: string): Promise<bigint> {
    const { rows } = await this.#db.executeSql(PLACE, [webhook, this.#options.epoch.toString()]);
    if (rows[0] === undefined) throw new Error('another leader has taken over');
    return BigInt(rows[0].cursor as string);
  }

  async enqueue(
    webhook: string,
    from: bigint,
    through: bigint,
    events: readonly InvoiceEvent[],
  ): Promise<boolean> {
    const jobs = events.map((event) => {
      const data: DeliveryJob = { webhook, sequence: event.sequence.toString(), body: bodyOf(event) };
      return { data };
    });
    const moved = await this.#db.transaction(async (tx) => {
      const values = [webhook, from, through, this.#options.epoch].map(String);
      const { rows } = await tx.executeSql(MOVE, values);
      if (rows.length === 0) return false;
      if (jobs.length > 0) await this.#boss.insert(queueOf(webhook), jobs, { db: tx });
      return true;
    });
    const worker = this.#workers.get(webhook);
    if (moved && jobs.length > 0 && worker !== undefined) this.#boss.notifyWorker(worker);
    return moved;
  }

  /** Counts what waits, of each webhook: as pg-boss counted it last. */
  async count(): Promise<void> {
    const { webhooks, counts } = this.#options;
    if (webhooks.length === 0) return;
    const queues = await this.#boss.getQueues(webhooks.map(({ name }) => queueOf(name)));
    const waiting = new Map(
      queues.map(({ name, queuedCount, activeCount }) => [name, queuedCount + activeCount]),
    );
    counts.waiting = new Map(webhooks.map(({ name }) => [name, waiting.get(queueOf(name)) ?? 0]));
  }

  /** All at once; a full batch, after which the next one follows at once, takes the time of its share. */
  async #deliverAll(webhook: WebhookTarget, jobs: readonly Job<DeliveryJob>[]): Promise<JobResult[]> {
    const { clock, webhooks } = this.#options;
    const shareMs = jobs.length < BATCH ? 0 : (BATCH * webhooks.length * 1_000) / MOST_PER_SECOND;
    const share = shareMs === 0 ? undefined : new Promise<void>((wake) => clock.setTimeout(wake, shareMs));
    const results = await Promise.all(jobs.map((job) => this.#deliver(webhook, job)));
    await share;
    return results;
  }

  async #deliver(webhook: WebhookTarget, job: Job<DeliveryJob>): Promise<JobResult> {
    const { clock, counts, log } = this.#options;
    const { id, data } = job;
    const signal = AbortSignal.any([this.#stop, job.signal]);
    const { name, url, secret } = webhook;
    const fault = await deliver({ url, secret, sequence: data.sequence, body: data.body, clock, signal });
    if (fault === undefined) {
      counts.delivered.add(name);
      return { id, status: 'completed' };
    }
    if (!signal.aborted) {
      counts.failedAttempts.add(name);
      log.warn(
        { webhook: name, sequence: data.sequence, error: fault },
        'Webhook not delivered, trying again',
      );
    }
    return { id, status: 'failed', output: { reason: fault } };
  }

  #giveUp(jobs: readonly Job<DeliveryJob>[]): void {
    const { counts, log } = this.#options;
    for (const { data } of jobs) {
      counts.givenUp.add(data.webhook);
      log.error(
        { webhook: data.webhook, sequence: data.sequence },
        'Webhook given up, nobody took the event',
      );
    }
  }

  /** Also of a queue that is there: an earlier version may have made it with other numbers. */
  async #queue(name: string, options: QueueOptions, deadLetter?: string): Promise<void> {
    const all = deadLetter === undefined ? options : { ...options, deadLetter };
    await this.#boss.createQueue(name, all);
    await this.#boss.updateQueue(name, all);
  }
}
