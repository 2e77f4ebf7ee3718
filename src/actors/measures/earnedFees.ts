import type { NodeId } from '../../domain/hash.ts';

/** The fees for the last hop that nodes earned with parts which were recorded as settled, in millisatoshi. */
export class EarnedFees {
  readonly #msat = new Map<NodeId, bigint>();

  add(nodeId: NodeId, feeMsat: bigint): void {
    this.#msat.set(nodeId, this.of(nodeId) + feeMsat);
  }

  of(nodeId: NodeId): bigint {
    return this.#msat.get(nodeId) ?? 0n;
  }
}
