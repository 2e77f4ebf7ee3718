import { createHash } from 'node:crypto';
import type { HtlcAnswer, LndHtlcOffer } from '../../../src/actors/ports/lndClient.ts';
import type { CircuitKey } from '../../../src/domain/htlcKey.ts';
import { OURS } from '../../../test/nodeLink/rig.ts';
import { must } from '../engine/target.ts';

interface Held {
  readonly offer: LndHtlcOffer;
  readonly onChain: boolean;
}

/** What lnd makes of the answers on one interceptor stream: the rules for which it ends the stream. */
export class LinkModel {
  readonly #held = new Map<string, Held>();

  offered(offer: LndHtlcOffer): void {
    const onChain = offer.autoFailHeight === 0 || offer.autoFailHeight === offer.incomingExpiry;
    const before = this.#held.get(idOf(offer.key));
    // lnd knows the HTLC by its key; a hash that is none changes nothing about it.
    const known = before && offer.paymentHash.length !== 32 ? before.offer : offer;
    this.#held.set(idOf(offer.key), { offer: known, onChain });
  }

  isHeld(key: CircuitKey): boolean {
    return this.#held.has(idOf(key));
  }

  answered(answer: HtlcAnswer): void {
    const held = this.#held.get(idOf(answer.key));
    must(held !== undefined, `${answer.action} of an HTLC that is not held`);
    const ours = held.offer.outgoingRequestedChanId === OURS;
    must((answer.action === 'resume') === !ours, `${answer.action} of ${ours ? 'ours' : 'a foreign HTLC'}`);
    must(answer.action === 'settle' || !held.onChain, `${answer.action} of an HTLC that is on chain`);
    if (answer.action === 'fail') must(answer.failureOnion.length === 292, 'a failure onion has 292 bytes');
    if (answer.action === 'settle') {
      const hash = createHash('sha256').update(answer.preimage).digest();
      must(hash.equals(held.offer.paymentHash), 'the preimage belongs to the payment hash');
    }
    this.#held.delete(idOf(answer.key));
  }
}

const idOf = ({ chanId, htlcId }: CircuitKey) => `${chanId}:${htlcId}`;
