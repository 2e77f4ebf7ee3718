import type { EventTail } from '../../actors/eventTail.ts';
import type { WebhookMeasures } from '../../actors/measures/webhookMeasures.ts';
import type { Clock } from '../../actors/ports/clock.ts';
import type { DecisionStore } from '../../actors/ports/decisionStore.ts';
import type { Log } from '../../actors/ports/log.ts';
import { WebhookFeed } from '../../actors/webhooks/webhookFeed.ts';
import type { JobRunner } from '../../adapters/jobs/jobRunner.ts';
import type { JobPaces } from '../../adapters/jobs/options.ts';
import type { PostgresTarget } from '../../adapters/postgres/dsn.ts';
import { describeSqlError } from '../../adapters/postgres/sqlErrors.ts';
import type { RetentionConfig, WebhookConfig } from '../config/types.ts';

/** A database that is away or refuses: payments go on without webhooks meanwhile. */
const START_AGAIN_MS = 30_000;

export interface BackgroundJobsOptions {
  readonly webhooks: readonly WebhookConfig[];
  readonly retention: RetentionConfig;
  readonly target: PostgresTarget;
  readonly store: Pick<DecisionStore, 'eventsAfter' | 'lastEvent'>;
  readonly tail: EventTail;
  readonly epoch: bigint;
  readonly clock: Clock;
  readonly log: Log;
  readonly measures: WebhookMeasures;
  /** Default: those of production. */
  readonly paces?: JobPaces;
}

/**
 * What the leader does beside payments: tells webhooks, and deletes old events. It comes up on its own, as soon as it
 * can, and nothing that goes wrong in it ends the daemon or holds up a payment.
 */
export class BackgroundJobs {
  readonly #options: BackgroundJobsOptions;
  readonly #log: Log;
  /** Also while it comes up. */
  #runner: JobRunner | undefined;
  #running = false;
  #feeds: readonly WebhookFeed[] = [];
  #timer: unknown;
  #stopped = false;

  constructor(options: BackgroundJobsOptions) {
    this.#options = options;
    this.#log = options.log;
    void this.#start();
  }

  /** Whether jobs are being worked on. */
  get running(): boolean {
    return this.#running;
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#options.clock.clearTimeout(this.#timer);
    // What reads, queues or comes up ends with its connections, if it does not end by itself.
    const feeds = Promise.all(this.#feeds.map((feed) => feed.close()));
    await this.#runner?.stop();
    await feeds;
    this.#running = false;
  }

  async #start(): Promise<void> {
    let runner: JobRunner | undefined;
    try {
      runner = await this.#newRunner();
      if (this.#stopped) return;
      this.#runner = runner;
      await runner.start();
    } catch (error) {
      if (this.#stopped) return;
      this.#log.error(
        { error: describeSqlError(error) },
        'Webhooks and retention do not start, trying again',
      );
      this.#runner = undefined;
      await runner?.stop();
      if (!this.#stopped)
        this.#timer = this.#options.clock.setTimeout(() => void this.#start(), START_AGAIN_MS);
      return;
    }
    if (this.#stopped) return;
    this.#running = true;
    const { webhooks, retention, store, tail, clock } = this.#options;
    this.#feeds = webhooks.map(
      ({ name, events }) =>
        new WebhookFeed({
          webhook: name,
          events,
          queue: runner.webhooks,
          source: { store, tail, clock },
          clock,
          log: this.#log,
        }),
    );
    const keepEventsHours = retention.eventsMs === undefined ? 'for ever' : retention.eventsMs / 3_600_000;
    this.#log.info({ webhooks: webhooks.map(({ name }) => name), keepEventsHours }, 'Webhooks and retention');
  }

  /** Loaded here: a daemon without any of this does not pay for it, nor does a standby. */
  async #newRunner(): Promise<JobRunner> {
    const { webhooks, retention, target, epoch, clock, measures, paces } = this.#options;
    const { JobRunner } = await import('../../adapters/jobs/jobRunner.ts');
    const { JOB_PACES } = await import('../../adapters/jobs/options.ts');
    return new JobRunner({
      target,
      epoch,
      webhooks: webhooks.map(({ name, url, secret }) => ({
        name,
        url: url.reveal(),
        secret: secret.reveal(),
      })),
      keepEventsMs: retention.eventsMs,
      clock,
      log: this.#log,
      counts: measures,
      paces: paces ?? JOB_PACES,
    });
  }
}
