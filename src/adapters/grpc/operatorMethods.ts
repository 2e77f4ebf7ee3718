import { status } from '@grpc/grpc-js';
import type { Application } from '../../actors/ports/application.ts';
import type { UnresolvedPart } from '../../actors/ports/unresolved.ts';
import { hashBytes } from '../../domain/hash.ts';
import {
  ListUnresolvedPartsResponse_UnresolvedPart_Decision as Decision,
  type FinalizePartRequest,
  type FinalizePartResponse,
  type ListUnresolvedPartsRequest,
  type ListUnresolvedPartsResponse,
  type ListUnresolvedPartsResponse_UnresolvedPart,
} from '../../generated/lnmux.ts';
import { answer, invalid, type Outcome, refuse } from './outcome.ts';
import { checkPartEnd } from './requests.ts';

/** Parts in one answer: whoever has more of them to look at finalises some first. */
const MAX_UNRESOLVED = 1_000;

const DECISIONS = {
  settle: Decision.SETTLE,
  requested: Decision.REQUESTED,
  fail: Decision.FAIL,
} as const;

function unresolvedPart(part: UnresolvedPart): ListUnresolvedPartsResponse_UnresolvedPart {
  return {
    node: hashBytes(part.key.nodeId),
    nodeName: part.nodeName,
    chanId: part.key.chanId,
    htlcId: part.key.htlcId,
    hash: hashBytes(part.paymentHash),
    decision: DECISIONS[part.decision],
    amountMsat: part.amountMsat ?? 0n,
    autoFailHeight: part.autoFailHeight ?? 0,
    configured: part.configured,
  };
}

export function listUnresolvedParts(
  application: Application,
  request: ListUnresolvedPartsRequest,
): Outcome<ListUnresolvedPartsResponse> {
  const max = request.max === 0 ? MAX_UNRESOLVED : Math.min(request.max, MAX_UNRESOLVED);
  const parts = application.listUnresolved({ all: request.all, max: max + 1 });
  return answer({ parts: parts.slice(0, max).map(unresolvedPart), more: parts.length > max });
}

export async function finalizePart(
  application: Application,
  request: FinalizePartRequest,
): Promise<Outcome<FinalizePartResponse>> {
  const checked = checkPartEnd(request);
  if (!checked.ok) return invalid(checked.problem);
  const result = await application.finalizePart(checked.value);
  switch (result.result) {
    case 'recorded':
      return answer({});
    case 'not_found':
      return refuse(
        status.NOT_FOUND,
        'no HTLC with this key is decided and open: see ListUnresolvedParts for those that are',
      );
    case 'refused':
      return refuse(status.FAILED_PRECONDITION, result.reason);
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
  }
}
