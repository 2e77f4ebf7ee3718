import type { Clock } from '../ports/clock.ts';
import type { BatchOutcome, JournalLine } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';

const FLUSH_MS = 100;
const RETRY_MS = 1_000;
const MAX_BATCH = 2_000;

/**
 * Audit lines of transitions that decide nothing. They are written behind the decisions, in batches, and a flood
 * of them is bounded: what does not fit is counted, and the count is written instead.
 */
export class Journal {
  readonly #append: (lines: readonly JournalLine[], height: number) => Promise<BatchOutcome<never>>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #maxLines: number;
  #lines: JournalLine[] = [];
  #dropped = 0;
  /** Since the start. */
  #droppedInAll = 0;
  #height = 0;
  #writtenHeight = 0;
  #timer: unknown;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly write: (lines: readonly JournalLine[], height: number) => Promise<BatchOutcome<never>>;
    readonly clock: Clock;
    readonly log: Log;
    readonly maxLines: number;
  }) {
    this.#append = options.write;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#maxLines = options.maxLines;
  }

  /** Lines that wait to be written. */
  get depth(): number {
    return this.#lines.length;
  }

  /** Lines that were not written because too many waited, since the start. */
  get dropped(): number {
    return this.#droppedInAll;
  }

  append(line: JournalLine): void {
    if (this.#lines.length >= this.#maxLines) {
      this.#dropped += 1;
      this.#droppedInAll += 1;
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

  /** Writes what is left, without trying again; resolves when that is done or has failed. */
  async flush(): Promise<void> {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#writing = this.#writing.then(async () => {
      while (this.#isPending && (await this.#write()));
    });
    await this.#writing;
  }

  get #isPending(): boolean {
    return this.#lines.length > 0 || this.#dropped > 0 || this.#height !== this.#writtenHeight;
  }

  #schedule(ms = FLUSH_MS): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(async () => {
        const written = await this.#write();
        if (this.#isPending) this.#schedule(written ? FLUSH_MS : RETRY_MS);
      });
    }, ms);
  }

  /** Writes one batch. False when the database did not take it. */
  async #write(): Promise<boolean> {
    const lines = this.#lines.splice(0, MAX_BATCH);
    const dropped = this.#dropped;
    const height = this.#height;
    this.#dropped = 0;
    const outcome = await this.#submit(dropped > 0 ? [...lines, this.#gap(dropped)] : lines, height);
    if (outcome.kind === 'failed') this.#putBack(lines, dropped);
    // An unclear write is not repeated: a line that is missing harms less than a story told twice.
    if (outcome.kind === 'failed' || outcome.kind === 'ambiguous') {
      this.#log.warn({ outcome: outcome.kind, error: outcome.error }, 'Journal write failed');
      return false;
    }
    this.#writtenHeight = height;
    return true;
  }

  async #submit(lines: readonly JournalLine[], height: number): Promise<BatchOutcome<never>> {
    try {
      return await this.#append(lines, height);
    } catch (error) {
      return { kind: 'ambiguous', error: String(error) };
    }
  }

  #putBack(lines: readonly JournalLine[], dropped: number): void {
    this.#lines.unshift(...lines);
    const over = Math.max(0, this.#lines.length - this.#maxLines);
    this.#lines.length -= over;
    this.#dropped += dropped + over;
    this.#droppedInAll += over;
  }

  #gap(lines: number): JournalLine {
    return {
      machine: 'invoice',
      from: '',
      event: 'journal.dropped',
      to: '',
      details: { lines },
      paymentHash: undefined,
      setId: undefined,
      at: this.#clock.now(),
    };
  }
}
