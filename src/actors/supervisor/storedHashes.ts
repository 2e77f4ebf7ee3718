import type { PaymentHash } from '../../domain/hash.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import { HashFilter } from './hashFilter.ts';

const PAGE = 2_000;
/** Between two pages: a million rows take ten seconds or so, and payments hardly notice. */
const PAUSE_MS = 10;
const RETRY_MS = 1_000;

export interface StoredHashesOptions {
  readonly store: Pick<DecisionStore, 'storedHashes'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Which payment hashes may have a row, so that the part of a new payment need not wait for the database to say that
 * there is none.
 *
 * Why "none" can be trusted: only a leader writes rows; none of an earlier one can appear any more once this one's epoch
 * is committed, which is before the first page is read; and its own it notes before it writes them. Rows of a later leader
 * it does not see, but by then it can decide nothing.
 */
export class StoredHashes {
  readonly #options: StoredHashesOptions;
  readonly #filter = new HashFilter();
  #complete = false;
  #timer: unknown;
  #stopped = false;

  constructor(options: StoredHashesOptions) {
    this.#options = options;
  }

  /** A row of this hash is about to be written. */
  note(hash: PaymentHash): void {
    this.#filter.add(hash);
  }

  /** False: there is no row. Until all are read, every hash may have one. */
  mayHave(hash: PaymentHash): boolean {
    return !this.#complete || this.#filter.mayHave(hash);
  }

  /** Reads them all, page by page, beside the payments. */
  load(): void {
    void this.#read(0n, this.#options.clock.now());
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  async #read(after: bigint, since: number): Promise<void> {
    const { store, clock, log } = this.#options;
    try {
      const { hashes, last } = await store.storedHashes(after, PAGE);
      if (this.#stopped) return;
      for (const hash of hashes) this.#filter.add(hash);
      if (hashes.length === PAGE) return this.#later(last, since, PAUSE_MS);
      this.#complete = true;
      log.info({ hashes: this.#filter.size, ms: clock.now() - since }, 'Stored payment hashes are known');
    } catch (error) {
      if (this.#stopped) return;
      log.warn({ error: String(error) }, 'Stored payment hashes could not be read, trying again');
      this.#later(after, since, RETRY_MS);
    }
  }

  #later(after: bigint, since: number, ms: number): void {
    this.#timer = this.#options.clock.setTimeout(() => void this.#read(after, since), ms);
  }
}
