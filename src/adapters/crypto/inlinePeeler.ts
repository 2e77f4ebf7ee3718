import type { OnionPeeler, PeelRequest, PeelResult } from '../../actors/ports/onionPeeler.ts';
import { createPeelOne } from './peelOne.ts';

/** Onions peeled before the event loop goes on: about a millisecond of work. */
const PER_TURN = 12;

interface Pending {
  readonly request: PeelRequest;
  readonly done: (result: PeelResult) => void;
}

/** Peels on the calling thread, a few onions per turn of the event loop: for machines with one core. */
export function createInlinePeeler(identityKey: Uint8Array): OnionPeeler {
  const peelOne = createPeelOne(identityKey);
  const queue: Pending[] = [];
  const drained: (() => void)[] = [];
  let scheduled = false;
  let closed = false;

  const schedule = (): void => {
    if (scheduled) return;
    scheduled = true;
    setImmediate(runTurn);
  };

  const runTurn = (): void => {
    scheduled = false;
    const turn = queue.splice(0, PER_TURN);
    if (queue.length > 0) schedule();
    for (const { request, done } of turn) done(peelOne(request));
    if (queue.length === 0) for (const resolve of drained.splice(0)) resolve();
  };

  return {
    peel(request, done) {
      if (request.paymentHash.length !== 32) throw new RangeError('a payment hash has 32 bytes');
      if (closed) {
        setImmediate(done, { ok: false, error: { code: 'peeler_unavailable' } });
        return;
      }
      const { onionBlob, paymentHash } = request;
      queue.push({
        request: { onionBlob: Uint8Array.from(onionBlob), paymentHash: Uint8Array.from(paymentHash) },
        done,
      });
      schedule();
    },
    async close() {
      closed = true;
      if (queue.length > 0) await new Promise<void>((resolve) => drained.push(resolve));
    },
  };
}
