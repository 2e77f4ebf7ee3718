import type { NodeId, PaymentHash } from '../../domain/hash.ts';
import type { CircuitKey, HtlcKey, PartId } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';
import type { Part } from '../../domain/part.ts';
import type { NodeLink } from '../ports/nodeLink.ts';
import type { Candidate } from './admission.ts';
import type { HeldPart } from './entries.ts';
import { SecretSlab } from './secretSlab.ts';

/** Every HTLC of ours that is not over, by its key, with its secrets. */
export class HeldHtlcs {
  readonly #parts = new Map<PartId, HeldPart>();
  readonly #slab = new SecretSlab();
  /** HTLCs with a durable decision and no recorded end: what a node is asked about when it connects. */
  readonly #unresolved = new Map<NodeId, Map<PartId, CircuitKey>>();
  readonly #byNode = new Map<NodeId, { count: number; msat: bigint }>();

  get size(): number {
    return this.#parts.size;
  }

  countOf(nodeId: NodeId): number {
    return this.#byNode.get(nodeId)?.count ?? 0;
  }

  msatOf(nodeId: NodeId): bigint {
    return this.#byNode.get(nodeId)?.msat ?? 0n;
  }

  all(): Iterable<HeldPart> {
    return this.#parts.values();
  }

  get(id: PartId): HeldPart | undefined {
    return this.#parts.get(id);
  }

  hold({ part, paymentHash, sharedSecret, paymentAddr, feeMsat }: Candidate): HeldPart {
    const slot = this.#slab.store(sharedSecret, paymentAddr);
    return this.#add({ part, paymentHash, slot, feeMsat, set: undefined });
  }

  /** A part that came back from the database: no secrets of the onion are known. */
  restore(part: Part, paymentHash: PaymentHash, feeMsat: Msat | undefined): HeldPart {
    return this.#add({ part, paymentHash, slot: undefined, feeMsat, set: undefined });
  }

  release(id: PartId): void {
    const held = this.#drop(id);
    if (held) this.resolved(held.part.key, id);
  }

  /** View of the onion's shared secret; only for use during the call. */
  sharedSecret(id: PartId): Uint8Array | undefined {
    const slot = this.#parts.get(id)?.slot;
    return slot === undefined ? undefined : this.#slab.sharedSecret(slot);
  }

  paymentAddr(id: PartId): Uint8Array | undefined {
    const slot = this.#parts.get(id)?.slot;
    return slot === undefined ? undefined : this.#slab.paymentAddr(slot);
  }

  decided(key: HtlcKey, id: PartId): void {
    const node = this.#unresolved.get(key.nodeId);
    if (node) node.set(id, key);
    else this.#unresolved.set(key.nodeId, new Map([[id, key]]));
  }

  resolved(key: HtlcKey, id: PartId): void {
    this.#unresolved.get(key.nodeId)?.delete(id);
  }

  isUnresolved(nodeId: NodeId, id: PartId): boolean {
    return this.#unresolved.get(nodeId)?.has(id) ?? false;
  }

  unresolvedNodes(): Iterable<NodeId> {
    return this.#unresolved.keys();
  }

  unresolved(nodeId: NodeId): Iterable<CircuitKey> {
    return this.#unresolved.get(nodeId)?.values() ?? [];
  }

  /** HTLCs without a durable decision that `link` does not offer. */
  *missing(nodeId: NodeId, link: Pick<NodeLink, 'awaitsAnswer'> | undefined): Iterable<CircuitKey> {
    if (!link || this.countOf(nodeId) === 0) return;
    for (const { part, over } of this.#parts.values()) {
      const { key, id } = part;
      if (key.nodeId !== nodeId || over || this.isUnresolved(nodeId, id) || link.awaitsAnswer(key)) continue;
      yield { chanId: key.chanId, htlcId: key.htlcId };
    }
  }

  #drop(id: PartId): HeldPart | undefined {
    const held = this.#parts.get(id);
    if (!held) return undefined;
    this.#parts.delete(id);
    if (held.slot !== undefined) this.#slab.release(held.slot);
    this.#count(held.part, -1);
    return held;
  }

  #add(held: HeldPart): HeldPart {
    this.#drop(held.part.id);
    this.#parts.set(held.part.id, held);
    this.#count(held.part, 1);
    return held;
  }

  #count({ key, amountMsat }: Part, by: 1 | -1): void {
    const node = this.#byNode.get(key.nodeId) ?? { count: 0, msat: 0n };
    node.count += by;
    if (by > 0) node.msat += amountMsat;
    else node.msat -= amountMsat;
    this.#byNode.set(key.nodeId, node);
  }
}
