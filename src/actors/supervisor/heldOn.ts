import type { NodeId } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { HeldParts } from '../ports/nodes.ts';
import type { DormantDecisions } from './dormant.ts';
import type { HeldHtlcs } from './heldHtlcs.ts';

/** Where HTLCs that are not over can be. */
export interface HeldPlaces {
  readonly held: HeldHtlcs;
  readonly dormant: DormantDecisions;
  /** Between the stream and the actors: their amounts are not known yet. */
  readonly admitting: Iterable<PartId>;
}

/** What is under way on a node, whoever decided about it. Looks at every HTLC there is: not for the hot path. */
export function heldOn(nodeId: NodeId, { held, dormant, admitting }: HeldPlaces): HeldParts {
  let parts = 0;
  let msat = 0n;
  let lastHeight = 0;
  const count = (amountMsat: bigint, autoFailHeight: number | undefined) => {
    parts += 1;
    msat += amountMsat;
    if (autoFailHeight !== undefined && Number.isFinite(autoFailHeight)) {
      lastHeight = Math.max(lastHeight, autoFailHeight);
    }
  };
  for (const { part, over } of held.all()) {
    if (part.key.nodeId === nodeId && !over) count(part.amountMsat, part.autoFailHeight);
  }
  for (const { members } of dormant.all()) {
    for (const { key, status, amountMsat, autoFailHeight } of members) {
      if (key.nodeId === nodeId && status === 'SETTLE_REQUESTED') count(amountMsat, autoFailHeight);
    }
  }
  for (const { key, autoFailHeight } of dormant.allFails()) {
    if (key.nodeId === nodeId) count(0n, autoFailHeight);
  }
  for (const id of admitting) if (id.startsWith(`${nodeId}:`)) count(0n, undefined);
  return { parts, msat, lastHeight: lastHeight > 0 ? lastHeight : undefined };
}
