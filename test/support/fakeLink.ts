import type {
  HtlcOffer,
  LndFailureCode,
  NodeLink,
  NodeLinkListener,
} from '../../src/actors/ports/nodeLink.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import { type CircuitKey, type PartId, partIdOf } from '../../src/domain/htlcKey.ts';

/** What was answered to one HTLC. */
export type Answer =
  | { readonly kind: 'settle'; readonly id: PartId; readonly preimage: string }
  | { readonly kind: 'fail'; readonly id: PartId; readonly onion: Uint8Array }
  | { readonly kind: 'code'; readonly id: PartId; readonly code: LndFailureCode };

/**
 * A node link with the lnd behind it, in memory. An answered HTLC stays at the node until {@link process}; an
 * answer that was not processed is lost with the stream, and the HTLC is offered again.
 */
export class FakeLink implements NodeLink {
  readonly nodeId: NodeId;
  readonly listener: NodeLinkListener;
  /** Every answer that was sent, in order. */
  readonly answers: Answer[] = [];
  /** HTLCs that the node holds, answered or not. */
  readonly held = new Map<PartId, HtlcOffer>();
  /** How HTLCs ended. */
  readonly finals = new Map<PartId, boolean>();
  /** Called before an answer leaves: where invariants are looked at. */
  onAnswer: (answer: Answer, offer: HtlcOffer) => void = () => {};
  streamId = 0;
  ready = false;
  readonly #open = new Map<PartId, HtlcOffer>();
  readonly #sent = new Map<PartId, Answer>();
  #streams = 0;

  constructor(nodeId: NodeId, listener: NodeLinkListener) {
    this.nodeId = nodeId;
    this.listener = listener;
  }

  get connected(): boolean {
    return this.streamId !== 0;
  }

  /** Opens a stream: reports what became final meanwhile, then offers everything held again. */
  connect(): void {
    if (this.connected) return;
    this.#streams += 1;
    this.streamId = this.#streams;
    this.ready = true;
    for (const key of [...this.listener.unresolved(this.nodeId)]) {
      const settled = this.finals.get(this.#id(key));
      if (settled !== undefined) this.#report(key, settled);
    }
    this.listener.connected(this);
    this.listener.readinessChanged(this);
    for (const offer of [...this.held.values()]) this.#handOver(offer);
  }

  /** The stream breaks; answers that the node has not taken in are lost. */
  disconnect(): void {
    if (!this.connected) return;
    this.streamId = 0;
    this.ready = false;
    this.#open.clear();
    this.#sent.clear();
    this.listener.disconnected(this, 'test');
    this.listener.readinessChanged(this);
  }

  setReady(ready: boolean): void {
    this.ready = ready;
    this.listener.readinessChanged(this);
  }

  /** An HTLC comes in. */
  offer(offer: HtlcOffer): void {
    this.held.set(partIdOf(offer.key), offer);
    if (this.connected) this.#handOver(offer);
  }

  /** A flapping channel: the node offers what it holds once more, on the same stream. */
  offerAgain(id: PartId, changes: Partial<HtlcOffer> = {}): void {
    const offer = this.held.get(id);
    if (offer) this.offer({ ...offer, ...changes });
  }

  /** The node takes in what was answered: those HTLCs are final. `times` reports of each reach us. */
  process(times = 1): void {
    for (const [id, answer] of [...this.#sent]) {
      this.#sent.delete(id);
      this.resolve(id, answer.kind === 'settle', times);
    }
  }

  /** An HTLC ends, by our answer or without it. */
  resolve(id: PartId, settled: boolean, times = 1): void {
    const offer = this.held.get(id);
    if (!offer) return;
    this.held.delete(id);
    this.#open.delete(id);
    this.finals.set(id, settled);
    if (!this.connected) return;
    for (let i = 0; i < times; i += 1) this.#report(offer.key, settled);
  }

  block(height: number): void {
    for (const [id, { autoFailHeight }] of this.#open) if (autoFailHeight <= height) this.#open.delete(id);
    this.listener.heightChanged(this, height);
  }

  settle(key: CircuitKey, preimage: Uint8Array): boolean {
    return this.#answer(key, { kind: 'settle', id: this.#id(key), preimage: hex(preimage) });
  }

  fail(key: CircuitKey, failureOnion: Uint8Array): boolean {
    if (this.#open.get(this.#id(key))?.onChain) return false;
    return this.#answer(key, { kind: 'fail', id: this.#id(key), onion: Uint8Array.from(failureOnion) });
  }

  failWithCode(key: CircuitKey, code: LndFailureCode): boolean {
    if (this.#open.get(this.#id(key))?.onChain) return false;
    return this.#answer(key, { kind: 'code', id: this.#id(key), code });
  }

  awaitsAnswer(key: CircuitKey): boolean {
    return this.#open.has(this.#id(key));
  }

  answersTo(id: PartId): readonly Answer[] {
    return this.answers.filter((answer) => answer.id === id);
  }

  #answer(key: CircuitKey, answer: Answer): boolean {
    const offer = this.#open.get(answer.id);
    if (!offer) return false;
    this.onAnswer(answer, offer);
    this.#open.delete(this.#id(key));
    this.#sent.set(answer.id, answer);
    this.answers.push(answer);
    return true;
  }

  #handOver(offer: HtlcOffer): void {
    this.#open.set(partIdOf(offer.key), offer);
    const onionBlob = Uint8Array.from(offer.onionBlob);
    this.listener.offered(this, { ...offer, onionBlob });
    // The onion is lent for the call only: the memory belongs to the next message now.
    onionBlob.fill(0xee);
  }

  #report(key: CircuitKey, settled: boolean): void {
    this.listener.finalised(this, {
      key: { nodeId: this.nodeId, chanId: key.chanId, htlcId: key.htlcId },
      settled,
      offChain: true,
    });
  }

  #id(key: CircuitKey): PartId {
    return partIdOf({ nodeId: this.nodeId, chanId: key.chanId, htlcId: key.htlcId });
  }
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
