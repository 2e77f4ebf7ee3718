import type { PaymentHash } from '../../domain/hash.ts';
import type { CircuitKey } from '../../domain/htlcKey.ts';

/** An HTLC that lnd waits for us to answer. */
export interface OpenOffer {
  readonly paymentHash: PaymentHash;
  /** From this block on lnd has given it back; 0 for old versions' on-chain offers, gone with the next block. */
  readonly autoFailHeight: number;
  readonly onChain: boolean;
  /** When it came, for measurement. */
  readonly offeredAt: number;
}

/**
 * What is offered on one interceptor stream and not answered yet. An HTLC leaves it with its answer, so that a
 * second answer, which would end the stream for every HTLC, is impossible; an HTLC that lnd offers again after
 * the answer (a flapping link) comes back in.
 *
 * Maps nested by channel and HTLC id, keyed by bigint: no key text is built, about 120 bytes per held HTLC.
 */
export class OfferBook {
  readonly #channels = new Map<bigint, Map<bigint, OpenOffer>>();
  #size = 0;
  /** No entry fails below this height: most blocks need no sweep. */
  #lowest = Number.POSITIVE_INFINITY;

  get size(): number {
    return this.#size;
  }

  add(key: CircuitKey, offer: OpenOffer): void {
    let channel = this.#channels.get(key.chanId);
    if (!channel) {
      channel = new Map();
      this.#channels.set(key.chanId, channel);
    }
    const before = channel.size;
    channel.set(key.htlcId, offer);
    this.#size += channel.size - before;
    if (offer.autoFailHeight < this.#lowest) this.#lowest = offer.autoFailHeight;
  }

  get(key: CircuitKey): OpenOffer | undefined {
    return this.#channels.get(key.chanId)?.get(key.htlcId);
  }

  /** The HTLC is answered. */
  remove(key: CircuitKey): void {
    const channel = this.#channels.get(key.chanId);
    if (!channel?.delete(key.htlcId)) return;
    this.#size--;
    if (channel.size === 0) this.#channels.delete(key.chanId);
  }

  /** Forgets what lnd has given back by `height`: an answer would come too late. How many those were. */
  forgetUntil(height: number): number {
    if (height < this.#lowest) return 0;
    const before = this.#size;
    this.#lowest = Number.POSITIVE_INFINITY;
    for (const [chanId, channel] of this.#channels) {
      for (const [htlcId, offer] of channel) {
        if (offer.autoFailHeight <= height) {
          channel.delete(htlcId);
          this.#size--;
        } else if (offer.autoFailHeight < this.#lowest) {
          this.#lowest = offer.autoFailHeight;
        }
      }
      if (channel.size === 0) this.#channels.delete(chanId);
    }
    return before - this.#size;
  }

  clear(): void {
    this.#channels.clear();
    this.#size = 0;
    this.#lowest = Number.POSITIVE_INFINITY;
  }
}
