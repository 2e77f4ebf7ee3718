import type { NodeId } from './hash.ts';

const TOP_BIT = 1n << 63n;

/**
 * Short channel id of the virtual channel between a cluster node and lnmux: the last eight bytes of the
 * node's key with the top bit set. Invoices that are out there carry it, so the formula never changes.
 */
export function virtualChannelId(nodeId: NodeId): bigint {
  return BigInt(`0x${nodeId.slice(-16)}`) | TOP_BIT;
}
