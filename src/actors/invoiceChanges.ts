import type { PaymentHash } from '../domain/hash.ts';

/** Hears that an invoice may stand differently now, or (with `ended`) that nothing more will be heard. */
export type ChangeListener = (ended: boolean) => void;

/**
 * Who wants to know when an invoice changes. Nothing is said of how: whoever hears looks for himself, so that no
 * change can be told in the wrong order, twice, or too late to matter.
 *
 * Listeners are called in the middle of a statechart's turn: they take note, and look later.
 */
export class InvoiceChanges {
  readonly #listeners = new Map<PaymentHash, Set<ChangeListener>>();
  #closed = false;

  get size(): number {
    let size = 0;
    for (const listeners of this.#listeners.values()) size += listeners.size;
    return size;
  }

  /** Listens until the returned function is called. */
  listen(hash: PaymentHash, listener: ChangeListener): () => void {
    if (this.#closed) {
      listener(true);
      return () => {};
    }
    const listeners = this.#listeners.get(hash);
    if (listeners) listeners.add(listener);
    else this.#listeners.set(hash, new Set([listener]));
    return () => this.#remove(hash, listener);
  }

  changed(hash: PaymentHash): void {
    for (const listener of this.#listeners.get(hash) ?? []) listener(false);
  }

  /** Ends all listening, now and later. */
  close(): void {
    this.#closed = true;
    const all = [...this.#listeners.values()].flatMap((listeners) => [...listeners]);
    this.#listeners.clear();
    for (const listener of all) listener(true);
  }

  #remove(hash: PaymentHash, listener: ChangeListener): void {
    const listeners = this.#listeners.get(hash);
    listeners?.delete(listener);
    if (listeners?.size === 0) this.#listeners.delete(hash);
  }
}
