import { OutboxMeasures } from '../measures/outboxMeasures.ts';
import { Pace } from '../pace.ts';
import type { Clock } from '../ports/clock.ts';
import type { BatchOutcome } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';

/** What became of one submitted item. `ambiguous` is a report on the way: one of the others follows. */
export type CommitOutcome<R> =
  | { readonly kind: 'done'; readonly result: R }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'fenced' };

export interface GroupCommitOptions<T, R> {
  readonly name: string;
  readonly write: (batch: readonly T[]) => Promise<BatchOutcome<R>>;
  readonly clock: Clock;
  readonly log: Log;
  /** Items in one statement; what is over waits for the next. */
  readonly maxBatch: number;
  /** From the start of one batch to the start of the next, at least; see {@link Pace}. */
  readonly paceMs: number;
  /** The first item after a pause waits for company as well: for what nobody waits for. */
  readonly gathers: boolean;
  /** Whether a certain failure is retried here until it succeeds (finals), or reported to the submitter. */
  readonly retryFailures: boolean;
  readonly onFenced: () => void;
  /** What it has seen is added here. */
  readonly measures?: OutboxMeasures;
}

interface Pending<T, R> {
  readonly item: T;
  readonly done: (outcome: CommitOutcome<R>) => void;
  readonly submittedAt: number;
}

const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 2_000;

/**
 * One writer for many decisions: what queues up while a batch is being written forms the next batch, so that
 * throughput does not depend on one flush per payment.
 *
 * Batches are written one at a time, and callbacks are called in the order of submission. A batch without a clean
 * acknowledgement is submitted again, unchanged, until there is one: a failure of the second try says nothing
 * about the first.
 */
export class GroupCommit<T, R> {
  readonly #options: GroupCommitOptions<T, R>;
  readonly #measures: OutboxMeasures;
  readonly #pace: Pace;
  #queue: Pending<T, R>[] = [];
  #writing = false;
  #scheduled = false;
  #stopped = false;
  #idle: (() => void)[] = [];

  constructor(options: GroupCommitOptions<T, R>) {
    this.#options = options;
    this.#measures = options.measures ?? new OutboxMeasures();
    this.#pace = new Pace(options.clock, options.paceMs);
  }

  /** Items that are submitted and not yet decided. */
  get depth(): number {
    return this.#queue.length;
  }

  /** For how long the oldest of them has been waiting, in milliseconds. */
  get lagMs(): number {
    const [oldest] = this.#queue;
    return oldest ? Math.max(0, this.#options.clock.now() - oldest.submittedAt) : 0;
  }

  submit(item: T, done: (outcome: CommitOutcome<R>) => void): void {
    if (this.#stopped) {
      done({ kind: 'failed', reason: 'shutting down' });
      return;
    }
    this.#queue.push({ item, done, submittedAt: this.#options.clock.now() });
    this.#schedule();
  }

  /** Resolves when everything submitted so far is decided. */
  drained(): Promise<void> {
    if (!this.#writing && this.#queue.length === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Takes nothing new. Undecided items stay undecided: their outcome belongs to the next leader. */
  stop(): void {
    this.#stopped = true;
  }

  #schedule(): void {
    if (this.#scheduled || this.#writing) return;
    this.#scheduled = true;
    this.#pace.schedule(() => {
      this.#scheduled = false;
      void this.#run();
    }, this.#wait);
  }

  /** Milliseconds until the next batch should start. */
  get #wait(): number {
    const { gathers, paceMs, maxBatch } = this.#options;
    if (this.#queue.length >= maxBatch) return 0;
    return gathers ? paceMs : this.#pace.early;
  }

  async #run(): Promise<void> {
    if (this.#writing) return;
    this.#writing = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, this.#options.maxBatch);
      this.#pace.started(batch.length);
      const written = await this.#write(batch);
      this.#queue.splice(0, batch.length);
      if (!written || this.#wait > 0) break;
    }
    this.#writing = false;
    if (this.#queue.length > 0 && !this.#stopped) this.#schedule();
    else for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** True when the batch is decided; false when this process must not write any more. */
  async #write(batch: readonly Pending<T, R>[]): Promise<boolean> {
    const items = batch.map((p) => p.item);
    const { clock } = this.#options;
    const startedAt = clock.now();
    let ambiguous = false;
    for (let attempt = 0; ; attempt += 1) {
      const outcome = await this.#attempt(items);
      if (outcome.kind === 'acknowledged') {
        this.#measures.commitSeconds.observeMs(clock.now() - startedAt);
        this.#measures.batchSize.observe(items.length);
        for (const [i, pending] of batch.entries()) {
          this.#tell(pending, { kind: 'done', result: outcome.results[i] as R });
        }
        return true;
      }
      if (outcome.kind === 'fenced') {
        this.#stopped = true;
        for (const pending of [...batch, ...this.#queue.splice(batch.length)]) {
          this.#tell(pending, { kind: 'fenced' });
        }
        this.#options.onFenced();
        return false;
      }
      if (outcome.kind === 'failed') this.#measures.failed += 1;
      else this.#measures.ambiguous += 1;
      if (outcome.kind === 'failed' && !ambiguous && !this.#options.retryFailures) {
        for (const pending of batch) this.#tell(pending, { kind: 'failed', reason: outcome.error });
        return true;
      }
      if (outcome.kind === 'ambiguous' && !ambiguous) {
        ambiguous = true;
        for (const pending of batch) this.#tell(pending, { kind: 'ambiguous' });
      }
      if (this.#stopped) return false;
      this.#options.log.warn(
        {
          outbox: this.#options.name,
          outcome: outcome.kind,
          error: outcome.error,
          attempt,
          items: items.length,
        },
        'Outbox write not acknowledged, submitting it again',
      );
      await this.#pause(Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** attempt));
    }
  }

  async #attempt(items: readonly T[]): Promise<BatchOutcome<R>> {
    try {
      return await this.#options.write(items);
    } catch (error) {
      // A store that throws has not said what happened: that is what ambiguous means.
      return { kind: 'ambiguous', error: error instanceof Error ? error.message : String(error) };
    }
  }

  #tell(pending: Pending<T, R>, outcome: CommitOutcome<R>): void {
    try {
      pending.done(outcome);
    } catch (error) {
      this.#options.log.error({ outbox: this.#options.name, error: String(error) }, 'Outbox callback failed');
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#options.clock.setTimeout(resolve, ms));
  }
}
