import { Tally } from './tally.ts';

/** What became of deliveries, by name of the webhook, since the process started. */
export class WebhookMeasures {
  readonly names: readonly string[];
  readonly delivered: Tally;
  readonly failedAttempts: Tally;
  readonly givenUp: Tally;
  /** Jobs that wait for their delivery or its repetition, as they were counted last; nothing before. */
  waiting: ReadonlyMap<string, number> = new Map();
  /** Lines of the events table that were deleted because of their age. */
  deletedEvents = 0;

  constructor(names: readonly string[]) {
    this.names = names;
    this.delivered = new Tally(names);
    this.failedAttempts = new Tally(names);
    this.givenUp = new Tally(names);
  }
}
