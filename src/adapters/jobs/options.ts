import type { Clock } from '../../actors/ports/clock.ts';
import type { Log } from '../../actors/ports/log.ts';
import type { PostgresTarget } from '../postgres/dsn.ts';

/** Where a webhook is, and the key that signs for it. Never log it. */
export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  readonly secret: string;
}

interface Count {
  add(name: string): void;
}

/** What is counted, by name of the webhook. */
export interface JobCounts {
  readonly delivered: Count;
  readonly failedAttempts: Count;
  readonly givenUp: Count;
  waiting: ReadonlyMap<string, number>;
  deletedEvents: number;
}

/** How patient jobs are, in seconds. */
export interface JobPaces {
  /** How often a queue is looked at that nobody said anything about. */
  readonly poll: number;
  /** The first repetition; each further one waits twice as long, to a limit. */
  readonly firstRetry: number;
  readonly longestRetry: number;
  readonly retries: number;
  /** After so long without an outcome an attempt counts as lost, with the process that made it. */
  readonly attempt: number;
  /** How often lost attempts are looked for, and waiting jobs counted. */
  readonly supervise: number;
}

/** Twenty-one repetitions, the last ten of them two hours apart: about a day. */
export const JOB_PACES: JobPaces = {
  poll: 2,
  firstRetry: 5,
  longestRetry: 7_200,
  retries: 21,
  attempt: 30,
  supervise: 30,
};

export interface JobRunnerOptions {
  readonly target: PostgresTarget;
  /** Of the lead: whoever has lost it moves nothing and deletes nothing. */
  readonly epoch: bigint;
  readonly webhooks: readonly WebhookTarget[];
  /** How old events become; undefined: for ever. */
  readonly keepEventsMs: number | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly counts: JobCounts;
  readonly paces: JobPaces;
}
