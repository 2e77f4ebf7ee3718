import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { CancelResult, SettleResult } from '../ports/application.ts';
import type { StoredInvoice } from '../ports/decisionStore.ts';
import { type DormantDecisions, setIdOfStored } from './dormant.ts';
import { callKey, type EffectWorld } from './effects.ts';
import type { InvoiceActors } from './invoiceActors.ts';

const DATABASE_AWAY = 'the database can not be reached';

/**
 * Settle and cancel calls: asked of the invoice's actor where there is one, and of its row otherwise. Both answers
 * are functions of what is decided, so that repeated, late and concurrent calls agree.
 */
export class ApplicationCalls {
  readonly #world: EffectWorld;
  readonly #actors: () => InvoiceActors;
  readonly #dormant: DormantDecisions;
  #stopped = false;

  constructor(
    world: EffectWorld,
    access: { readonly actors: () => InvoiceActors; readonly dormant: DormantDecisions },
  ) {
    this.#world = world;
    this.#actors = access.actors;
    this.#dormant = access.dormant;
  }

  async settle(hash: PaymentHash, setId: SetId): Promise<SettleResult> {
    if (this.#world.options.autoSettle)
      return { result: 'unavailable', reason: 'lnmux is in auto-settle mode' };
    if (this.#stopped) return { result: 'unavailable', reason: 'lnmux is shutting down' };
    const entry = this.#actors().get(hash);
    if (entry) {
      const late = 'the database has not answered in time; call again with the same set id';
      const answer = this.#world.settleCalls.wait(callKey(entry, setId), { result: 'unknown', reason: late });
      this.#actors().requestSettle(entry, setId);
      return answer;
    }
    const row = await this.#row(hash);
    // Parts may have come while the row was read: what was read is older than what the actor knows.
    if (this.#actors().get(hash)) return this.settle(hash, setId);
    if (row === 'unavailable') return { result: 'unavailable', reason: DATABASE_AWAY };
    if (!row || setIdOfStored(row) !== setId) return { result: 'not_found' };
    if (row.status !== 'FAILED') return { result: 'requested' };
    return {
      result: 'failed_precondition',
      reason: `the invoice has failed: ${row.cause ?? 'unknown cause'}`,
    };
  }

  async cancel(hash: PaymentHash, setId: SetId): Promise<CancelResult> {
    if (this.#stopped) return { result: 'unavailable', reason: 'lnmux is shutting down' };
    const entry = this.#actors().get(hash);
    if (entry) {
      const late =
        'the cancellation is not durable yet and is being retried; the set can not be settled any more';
      const answer = this.#world.cancelCalls.wait(callKey(entry, setId), {
        result: 'unavailable',
        reason: late,
      });
      this.#actors().requestCancel(entry, setId);
      return answer;
    }
    const row = await this.#row(hash);
    if (this.#actors().get(hash)) return this.cancel(hash, setId);
    if (row === 'unavailable') return { result: 'unavailable', reason: DATABASE_AWAY };
    if (!row || setIdOfStored(row) !== setId) return { result: 'not_found' };
    return { result: 'settle_already_requested' };
  }

  /** Takes no further call; those that wait are answered by {@link answerAll} at the latest. */
  stop(): void {
    this.#stopped = true;
  }

  answerAll(reason: string): void {
    // What still waits now has been submitted, or is about to be: it may be written yet.
    this.#world.settleCalls.answerAll({ result: 'unknown', reason });
    this.#world.cancelCalls.answerAll({ result: 'unavailable', reason });
  }

  async #row(hash: PaymentHash): Promise<StoredInvoice | undefined | 'unavailable'> {
    const dormant = this.#dormant.byHash(hash);
    if (dormant) return dormant;
    try {
      const [row] = await this.#world.options.store.invoicesByHash([hash]);
      return row;
    } catch (error) {
      this.#world.log.warn({ hash, error: String(error) }, 'Invoice lookup failed');
      return 'unavailable';
    }
  }
}
