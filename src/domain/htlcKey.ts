import type { NodeId } from './hash.ts';

/** lnd's circuit key: unique on one node only (routerrpc.CircuitKey). Both are u64. */
export interface CircuitKey {
  readonly chanId: bigint;
  readonly htlcId: bigint;
}

/** Our name of an HTLC: two nodes of one cluster may share a channel, so the node belongs to it. */
export interface HtlcKey extends CircuitKey {
  readonly nodeId: NodeId;
}

/** An {@link HtlcKey} as text, `node:chan:htlc`: map key, log field, id of a part in the statecharts. */
export type PartId = string & { readonly __partId: never };

export function partIdOf(key: HtlcKey): PartId {
  return `${key.nodeId}:${key.chanId}:${key.htlcId}` as PartId;
}

/** Ascending by node key (bytewise), then channel id, then htlc id, both unsigned. */
export function compareHtlcKeys(a: HtlcKey, b: HtlcKey): number {
  if (a.nodeId !== b.nodeId) return a.nodeId < b.nodeId ? -1 : 1;
  if (a.chanId !== b.chanId) return a.chanId < b.chanId ? -1 : 1;
  if (a.htlcId !== b.htlcId) return a.htlcId < b.htlcId ? -1 : 1;
  return 0;
}
