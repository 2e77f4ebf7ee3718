import { hash } from 'node:crypto';
import { type NodeId, paymentHashFromBytes } from '../../domain/hash.ts';
import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { ReplyTimes } from '../measures/replyTimes.ts';
import type { HtlcAnswer, InterceptorStream, LndHtlcOffer } from '../ports/lndClient.ts';
import type { Log } from '../ports/log.ts';
import type { HtlcOffer, LndFailureCode } from '../ports/nodeLink.ts';
import { AnswerQueue } from './answerQueue.ts';
import { OfferBook, type OpenOffer } from './offerBook.ts';
import type { NodeLinkCounters } from './status.ts';

/** Length of an encrypted failure (BOLT 4); lnd ends the stream for any other. */
const FAILURE_ONION_BYTES = 292;

export interface InterceptionDeps {
  readonly nodeId: NodeId;
  readonly virtualChannel: bigint;
  readonly log: Log;
  readonly counters: NodeLinkCounters;
  readonly replyTimes: ReplyTimes;
  /** An HTLC for us. */
  readonly offered: (offer: HtlcOffer) => void;
  /** The stream can't be written to any more. */
  readonly broken: (reason: string) => void;
}

/**
 * One interceptor stream: sorts what lnd offers, and sees to it that nothing is answered that would end the
 * stream for every other HTLC of the node (lnd closes it on any answer that it can't use).
 */
export class Interception {
  readonly #deps: InterceptionDeps;
  readonly #book = new OfferBook();
  #queue: AnswerQueue | undefined;
  #height: number;
  #finished = false;

  /** `height` is the node's present one. Nothing is offered before {@link attach}. */
  constructor(deps: InterceptionDeps, height: number) {
    this.#deps = deps;
    this.#height = height;
  }

  get held(): number {
    return this.#book.size;
  }

  get queued(): number {
    return this.#queue?.length ?? 0;
  }

  attach(stream: InterceptorStream): void {
    this.#queue = new AnswerQueue(stream);
  }

  /**
   * Resumes a foreign HTLC at once; hands over one of ours. On-chain offers of foreign HTLCs get silence: lnd
   * would end the stream for a resume, and watches the chain by itself.
   */
  offer(raw: LndHtlcOffer): void {
    const onChain = raw.autoFailHeight === 0 || raw.autoFailHeight === raw.incomingExpiry;
    if (onChain) this.#deps.counters.forgotten += this.#queue?.forget(raw.key) ?? 0;
    if (raw.outgoingRequestedChanId !== this.#deps.virtualChannel) this.#resume(raw, onChain);
    else if (!this.#finished) this.#handOver(raw, onChain);
  }

  #handOver(raw: LndHtlcOffer, onChain: boolean): void {
    this.#deps.counters.offered++;
    if (onChain) this.#deps.counters.onChain++;
    if (this.#isGivenBack(raw.autoFailHeight)) {
      this.#book.remove(raw.key);
      this.#deps.counters.forgotten++;
      return;
    }
    const paymentHash = paymentHashFromBytes(raw.paymentHash);
    if (!paymentHash) {
      this.#failMalformed(raw, onChain);
      return;
    }
    this.#book.add(raw.key, {
      paymentHash,
      autoFailHeight: raw.autoFailHeight,
      onChain,
      offeredAt: this.#deps.replyTimes.now(),
    });
    this.#deps.offered({
      key: { nodeId: this.#deps.nodeId, chanId: raw.key.chanId, htlcId: raw.key.htlcId },
      paymentHash,
      incomingAmountMsat: raw.incomingAmountMsat,
      outgoingAmountMsat: raw.outgoingAmountMsat,
      incomingExpiry: raw.incomingExpiry,
      outgoingExpiry: raw.outgoingExpiry,
      autoFailHeight: raw.autoFailHeight,
      onChain,
      onionBlob: raw.onionBlob,
    });
  }

  drained(): void {
    this.#attempt(() => this.#queue?.drained());
  }

  /** A block: forgets what lnd gives back at this height. */
  heightChanged(height: number): void {
    this.#height = height;
    const late = this.#book.forgetUntil(height) + (this.#queue?.forgetUntil(height) ?? 0);
    if (late === 0) return;
    this.#deps.counters.forgotten += late;
    this.#deps.log.warn({ height, count: late }, 'HTLCs were given back by lnd before they were answered');
  }

  /** lnd has ended this HTLC, although it offered it: an answer would be in vain, also one that is on its way. */
  forget(key: CircuitKey): void {
    this.#deps.counters.forgotten += this.#queue?.forget(key) ?? 0;
    if (!this.#book.get(key)) return;
    this.#book.remove(key);
    this.#deps.counters.forgotten++;
  }

  awaitsAnswer(key: CircuitKey): boolean {
    return this.#book.get(key) !== undefined;
  }

  /** False, and nothing sent, where lnd would end the stream. */
  settle(key: CircuitKey, preimage: Uint8Array): boolean {
    const offer = this.#book.get(key);
    if (!offer) return this.#refuse(key, 'settle of an HTLC that does not await an answer');
    if (preimage.length !== 32 || hash('sha256', preimage, 'hex') !== offer.paymentHash) {
      return this.#refuse(key, 'settle with a preimage that does not belong to the payment hash');
    }
    this.#deps.counters.settled++;
    return this.#answer({ action: 'settle', key, preimage }, offer);
  }

  fail(key: CircuitKey, failureOnion: Uint8Array): boolean {
    const offer = this.#failable(key);
    if (!offer) return false;
    if (failureOnion.length !== FAILURE_ONION_BYTES) {
      return this.#refuse(key, `failure onion of ${failureOnion.length} bytes`);
    }
    this.#deps.counters.failed++;
    return this.#answer({ action: 'fail', key, failureOnion }, offer);
  }

  failWithCode(key: CircuitKey, code: LndFailureCode): boolean {
    const offer = this.#failable(key);
    if (!offer) return false;
    this.#deps.counters.failed++;
    return this.#answer({ action: 'failWithCode', key, code }, offer);
  }

  /** Sends what was answered and half-closes. */
  finish(): void {
    this.#finished = true;
    this.#book.clear();
    this.#attempt(() => this.#queue?.finish());
  }

  #resume(raw: LndHtlcOffer, onChain: boolean): void {
    if (onChain) {
      this.#deps.counters.ignored++;
      return;
    }
    if (this.#isGivenBack(raw.autoFailHeight)) {
      this.#deps.counters.forgotten++;
      return;
    }
    if (this.#finished) return;
    this.#deps.counters.resumed++;
    this.#write({ action: 'resume', key: raw.key }, raw.autoFailHeight);
  }

  /** Our height may be ahead of the part of lnd that holds the HTLC: it will give it back by itself. */
  #isGivenBack(autoFailHeight: number): boolean {
    return autoFailHeight > 0 && autoFailHeight <= this.#height;
  }

  #failMalformed(raw: LndHtlcOffer, onChain: boolean): void {
    this.#deps.log.error(
      { bytes: raw.paymentHash.length },
      'HTLC with a payment hash that is not 32 bytes long',
    );
    // It may have been offered in good order before.
    const known = this.#book.get(raw.key);
    if (onChain) {
      if (known) this.#book.add(raw.key, { ...known, autoFailHeight: raw.autoFailHeight, onChain });
      return;
    }
    // This is its answer, and there is no second one.
    this.#book.remove(raw.key);
    this.#deps.counters.failed++;
    this.#write(
      { action: 'failWithCode', key: raw.key, code: 'temporary_channel_failure' },
      raw.autoFailHeight,
    );
  }

  #failable(key: CircuitKey): OpenOffer | undefined {
    const offer = this.#book.get(key);
    if (!offer) this.#refuse(key, 'fail of an HTLC that does not await an answer');
    else if (offer.onChain) this.#refuse(key, 'fail of an HTLC that is on chain');
    return offer?.onChain ? undefined : offer;
  }

  #refuse(key: CircuitKey, why: string): false {
    this.#deps.counters.refusedAnswers++;
    this.#deps.log.warn(
      { circuitKey: `${key.chanId}:${key.htlcId}`, why },
      'Answer not sent, because lnd would end the stream for it',
    );
    return false;
  }

  #answer(answer: HtlcAnswer, offer: OpenOffer): boolean {
    this.#book.remove(answer.key);
    this.#deps.replyTimes.answered(answer.action === 'settle', offer.offeredAt);
    return this.#write(answer, offer.autoFailHeight);
  }

  #write(answer: HtlcAnswer, autoFailHeight: number): boolean {
    return this.#attempt(() => this.#queue?.put(answer, autoFailHeight));
  }

  #attempt(write: () => void): boolean {
    try {
      write();
      return true;
    } catch (error) {
      this.#deps.broken(`cannot send: ${error instanceof Error ? error.message : String(error)}`);
      return false;
    }
  }
}
