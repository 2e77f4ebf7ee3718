import type { Decision } from '../../actors/ports/decisionStore.ts';
import { partIdOf } from '../../domain/htlcKey.ts';

/**
 * Splits a batch into rounds that one statement each can take: within a round no part is named twice, and a hash
 * has either one invoice decision or any number of `fail`s. A decision never moves before an earlier one that it
 * touches. Nearly always there is one round. Numbers are indexes into `decisions`.
 */
export function roundsOf(decisions: readonly Decision[]): readonly (readonly number[])[] {
  const rounds: number[][] = [];
  // The last round that named a part; that had an invoice decision, or a fail, of a hash.
  const lastOfPart = new Map<string, number>();
  const lastOfInvoice = new Map<string, number>();
  const lastOfFail = new Map<string, number>();
  for (const [index, decision] of decisions.entries()) {
    const { paymentHash: hash } = decision;
    const keys = keysOf(decision);
    let last = lastOfInvoice.get(hash) ?? -1;
    if (decision.kind !== 'fail') last = Math.max(last, lastOfFail.get(hash) ?? -1);
    for (const key of keys) last = Math.max(last, lastOfPart.get(key) ?? -1);
    const round = last + 1;
    if (rounds.length === round) rounds.push([]);
    rounds[round]!.push(index);
    (decision.kind === 'fail' ? lastOfFail : lastOfInvoice).set(hash, round);
    for (const key of keys) lastOfPart.set(key, round);
  }
  return rounds;
}

function keysOf(decision: Decision): string[] {
  switch (decision.kind) {
    case 'request':
    case 'requestAndRelease':
      return decision.members.map((member) => partIdOf(member.key));
    case 'abort':
    case 'fail':
      return decision.parts.map((part) => partIdOf(part.key));
    case 'release':
      return [];
  }
}
