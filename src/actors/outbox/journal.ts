import type { Clock } from '../ports/clock.ts';
import type { DecisionStore, JournalLine } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';

const FLUSH_MS = 100;
const MAX_BATCH = 2_000;

/**
 * Audit lines of transitions that decide nothing. They are written behind the decisions, in batches, and a flood
 * of them is bounded: what does not fit is counted, and the count is written instead.
 */
export class Journal {
  readonly #store: DecisionStore;
  readonly #epoch: bigint;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #maxLines: number;
  #lines: JournalLine[] = [];
  #dropped = 0;
  #height = 0;
  #writtenHeight = 0;
  #timer: unknown;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly store: DecisionStore;
    readonly epoch: bigint;
    readonly clock: Clock;
    readonly log: Log;
    readonly maxLines: number;
  }) {
    this.#store = options.store;
    this.#epoch = options.epoch;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#maxLines = options.maxLines;
  }

  append(line: JournalLine): void {
    if (this.#lines.length >= this.#maxLines) {
      this.#dropped += 1;
      return;
    }
    this.#lines.push(line);
    this.#schedule();
  }

  /** Records the highest block height seen, so that a new leader starts from it. */
  height(height: number): void {
    if (height <= this.#height) return;
    this.#height = height;
    this.#schedule();
  }

  /** Writes what is left; resolves when that is done or has failed. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.#write());
    }, FLUSH_MS);
  }

  async #write(): Promise<void> {
    const lines = this.#lines.splice(0, MAX_BATCH);
    if (this.#dropped > 0) {
      lines.push({
        machine: 'invoice',
        from: '',
        event: 'journal.dropped',
        to: '',
        details: { lines: this.#dropped },
        paymentHash: undefined,
        setId: undefined,
        at: this.#clock.now(),
      });
      this.#dropped = 0;
    }
    if (lines.length === 0 && this.#height === this.#writtenHeight) return;
    const height = this.#height;
    try {
      const outcome = await this.#store.journal(this.#epoch, lines, height);
      if (outcome.kind === 'acknowledged') this.#writtenHeight = height;
      // An unclear write is not repeated: a line that is missing harms less than a story told twice.
      else if (outcome.kind === 'failed') this.#lines.unshift(...lines.slice(0, this.#maxLines));
      if (outcome.kind === 'failed' || outcome.kind === 'ambiguous') {
        this.#log.warn({ outcome: outcome.kind, error: outcome.error }, 'Journal write failed');
      }
    } catch (error) {
      this.#log.warn({ error: String(error) }, 'Journal write failed');
    }
    if (this.#lines.length > 0) this.#schedule();
  }
}
