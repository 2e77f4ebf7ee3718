import type { PaymentHash } from '../../domain/hash.ts';
import { Pace } from '../pace.ts';
import type { Clock } from '../ports/clock.ts';
import { type DecisionStore, FencedRead, type StoredInvoice } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import type { Paces } from './options.ts';
import type { StoredHashes } from './storedHashes.ts';

const MAX_BATCH = 500;
const RETRY_MS = 250;

export interface LookupOptions {
  readonly store: DecisionStore;
  readonly epoch: bigint;
  readonly clock: Clock;
  readonly log: Log;
  readonly paces: Pick<Paces, 'lookupsMs'>;
  readonly stored: Pick<StoredHashes, 'mayHave'>;
  /** Another leader has taken over: nothing is looked up any more. */
  readonly onFenced: () => void;
  /** Hears of each query that has to be asked again. */
  readonly onFailed?: () => void;
}

/**
 * Asks the database for the row of a hash that is unknown in memory, where there may be one. Hashes that come within a moment share a query,
 * one query is under way at a time, and a query that fails is asked again: an HTLC of ours waits for the answer rather than
 * being taken twice.
 */
export class InvoiceLookups {
  readonly #store: DecisionStore;
  readonly #epoch: bigint;
  readonly #onFenced: () => void;
  readonly #onFailed: (() => void) | undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #pace: Pace;
  readonly #stored: Pick<StoredHashes, 'mayHave'>;
  #waiting = new Map<PaymentHash, ((invoice: StoredInvoice | undefined) => void)[]>();
  #busy = false;
  #scheduled = false;
  #stopped = false;

  constructor({ store, epoch, clock, log, paces, stored, onFenced, onFailed }: LookupOptions) {
    this.#store = store;
    this.#epoch = epoch;
    this.#clock = clock;
    this.#log = log;
    this.#onFenced = onFenced;
    this.#onFailed = onFailed;
    this.#stored = stored;
    this.#pace = new Pace(clock, paces.lookupsMs);
  }

  get depth(): number {
    return this.#waiting.size;
  }

  /** Calls `found` at once where there can't be a row. */
  lookUp(hash: PaymentHash, found: (invoice: StoredInvoice | undefined) => void): void {
    if (!this.#stored.mayHave(hash)) return found(undefined);
    const waiting = this.#waiting.get(hash);
    if (waiting) waiting.push(found);
    else this.#waiting.set(hash, [found]);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#waiting.clear();
  }

  #schedule(): void {
    if (this.#busy || this.#scheduled || this.#stopped) return;
    this.#scheduled = true;
    this.#pace.schedule(() => {
      this.#scheduled = false;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#stopped) return;
    this.#busy = true;
    do {
      const hashes = [...this.#waiting.keys()].slice(0, MAX_BATCH);
      this.#pace.started(hashes.length);
      try {
        const rows = await this.#store.invoicesByHash(hashes, this.#epoch);
        const byHash = new Map(rows.map((row) => [row.paymentHash, row]));
        for (const hash of hashes) this.#answer(hash, byHash.get(hash));
      } catch (error) {
        if (error instanceof FencedRead) {
          this.stop();
          this.#onFenced();
          break;
        }
        this.#onFailed?.();
        this.#log.warn(
          { error: String(error), hashes: hashes.length },
          'Invoice lookup failed, asking again',
        );
        await new Promise<void>((resolve) => this.#clock.setTimeout(resolve, RETRY_MS));
      }
    } while (this.#waiting.size > 0 && !this.#stopped && this.#pace.early === 0);
    this.#busy = false;
    if (this.#waiting.size > 0) this.#schedule();
  }

  #answer(hash: PaymentHash, invoice: StoredInvoice | undefined): void {
    const waiting = this.#waiting.get(hash) ?? [];
    this.#waiting.delete(hash);
    for (const found of waiting) {
      try {
        found(invoice);
      } catch (error) {
        this.#log.error({ hash, error: String(error) }, 'Handling of a looked-up invoice failed');
      }
    }
  }
}
