import type { PaymentHash } from '../domain/hash.ts';
import type { WaitResult } from './ports/application.ts';

/** Calls that wait for an invoice to become final. Every way out removes the call: nothing is left behind. */
export class FinalStatusWaiters {
  readonly #waiting = new Map<PaymentHash, Set<(result: WaitResult) => void>>();

  get size(): number {
    let size = 0;
    for (const waiting of this.#waiting.values()) size += waiting.size;
    return size;
  }

  wait(hash: PaymentHash, signal: AbortSignal): Promise<WaitResult> {
    if (signal.aborted) return Promise.resolve({ result: 'aborted' });
    return new Promise((resolve) => {
      const done = (result: WaitResult) => {
        signal.removeEventListener('abort', onAbort);
        this.#remove(hash, done);
        resolve(result);
      };
      const onAbort = () => done({ result: 'aborted' });
      signal.addEventListener('abort', onAbort, { once: true });
      const waiting = this.#waiting.get(hash);
      if (waiting) waiting.add(done);
      else this.#waiting.set(hash, new Set([done]));
    });
  }

  /** The invoice has become final, durably. Gives the number of calls that waited for it. */
  finish(hash: PaymentHash, result: WaitResult): number {
    const waiting = [...(this.#waiting.get(hash) ?? [])];
    for (const done of waiting) done(result);
    return waiting.length;
  }

  finishAll(result: WaitResult): void {
    for (const hash of [...this.#waiting.keys()]) this.finish(hash, result);
  }

  #remove(hash: PaymentHash, done: (result: WaitResult) => void): void {
    const waiting = this.#waiting.get(hash);
    waiting?.delete(done);
    if (waiting?.size === 0) this.#waiting.delete(hash);
  }
}
