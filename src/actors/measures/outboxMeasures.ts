import { Distribution, ITEMS, WRITE_SECONDS } from './distribution.ts';

/** What one outbox has seen since the start. */
export class OutboxMeasures {
  /** Acknowledged batches: from the first try to the acknowledgement. */
  readonly commitSeconds = new Distribution(WRITE_SECONDS);
  readonly batchSize = new Distribution(ITEMS);
  /** Tries that certainly wrote nothing. */
  failed = 0;
  /** Tries without a clean answer. */
  ambiguous = 0;
}
