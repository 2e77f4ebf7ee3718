import { status } from '@grpc/grpc-js';
import type { DrainResult, NodeName, NodeReport, NodeState, Nodes } from '../../actors/ports/nodes.ts';
import { hashBytes, nodeIdFromBytes } from '../../domain/hash.ts';
import {
  type DrainNodeRequest,
  type DrainNodeResponse,
  type ListFeesRequest,
  type ListFeesResponse,
  type ListNodesResponse,
  type LndNode,
  LndNode_State,
  type UndrainNodeRequest,
  type UndrainNodeResponse,
} from '../../generated/lnmux.ts';
import { answer, invalid, type Outcome, refuse } from './outcome.ts';
import type { Checked } from './requests.ts';
import { secondsOf } from './responses.ts';

const STATES: Readonly<Record<NodeState, LndNode_State>> = {
  disconnected: LndNode_State.DISCONNECTED,
  connecting: LndNode_State.CONNECTING,
  syncing: LndNode_State.SYNCING,
  connected: LndNode_State.CONNECTED,
  unsynced: LndNode_State.UNSYNCED,
  blocksSilent: LndNode_State.BLOCKS_SILENT,
  slotTaken: LndNode_State.SLOT_TAKEN,
  refused: LndNode_State.REFUSED,
};

export function listNodes(nodes: Nodes): Outcome<ListNodesResponse> {
  return answer({ nodes: nodes.list().map(nodeResponse) });
}

export async function drainNode(
  nodes: Nodes,
  request: DrainNodeRequest,
): Promise<Outcome<DrainNodeResponse>> {
  const name = nameOf(request);
  return name.ok ? drained(await nodes.drain(name.value, request.refuseParts)) : invalid(name.problem);
}

export async function undrainNode(
  nodes: Nodes,
  request: UndrainNodeRequest,
): Promise<Outcome<UndrainNodeResponse>> {
  const name = nameOf(request);
  return name.ok ? drained(await nodes.undrain(name.value)) : invalid(name.problem);
}

/** The years until 9999 in seconds: what is beyond is no time but a mistake. */
const MAX_SECONDS = 253_402_300_799n;

export async function listFees(nodes: Nodes, request: ListFeesRequest): Promise<Outcome<ListFeesResponse>> {
  const { since, until } = request;
  if (since > MAX_SECONDS || until > MAX_SECONDS) {
    return invalid('since and until are unix seconds, and this is beyond the year 9999: not milliseconds');
  }
  if (until !== 0n && until <= since) return invalid('until is not after since: there is nothing in between');
  const msOf = (seconds: bigint) => (seconds === 0n ? undefined : Number(seconds) * 1_000);
  const result = await nodes.fees({ since: msOf(since), until: msOf(until) });
  if (!result.ok) return refuse(status.UNAVAILABLE, result.reason);
  return answer({
    nodes: result.nodes.map(({ nodeId, name, ...fees }) => ({
      ...fees,
      pubKey: hashBytes(nodeId),
      name: name ?? '',
    })),
    feeMsat: result.nodes.reduce((sum, { feeMsat }) => sum + feeMsat, 0n),
  });
}

function nameOf({ pubKey, name }: { readonly pubKey: Uint8Array; readonly name: string }): Checked<NodeName> {
  if (pubKey.length > 0 && name !== '') {
    return { ok: false, problem: 'both pub_key and name given: give one of them' };
  }
  if (name !== '') return { ok: true, value: { name } };
  const nodeId = nodeIdFromBytes(pubKey);
  if (nodeId !== undefined) return { ok: true, value: { nodeId } };
  const problem =
    pubKey.length === 0
      ? 'which node? Give its pub_key, or its name in the configuration'
      : `invalid pub_key of ${pubKey.length} bytes: give the 33 of the compressed key, not its hex`;
  return { ok: false, problem };
}

function drained(result: DrainResult): Outcome<{ readonly node: LndNode }> {
  switch (result.result) {
    case 'done':
      return answer({ node: nodeResponse(result.node) });
    case 'not_found':
      return refuse(
        status.NOT_FOUND,
        `no such lnd node is configured; there are: ${result.known.join(', ')}`,
      );
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
    case 'unknown':
      return refuse(status.ABORTED, result.reason);
  }
}

function nodeResponse(node: NodeReport): LndNode {
  return {
    pubKey: hashBytes(node.nodeId),
    name: node.name,
    state: STATES[node.state],
    ready: node.ready,
    since: secondsOf(node.since),
    health: node.health,
    alias: node.alias ?? '',
    lndVersion: node.version ?? '',
    warning: node.weakness ?? '',
    blockHeight: node.height ?? 0,
    priority: node.priority,
    hinted: node.hinted,
    hint: node.hint,
    heldParts: node.held.parts,
    heldMsat: node.held.msat,
    heldUntilHeight: node.held.lastHeight ?? 0,
    draining: node.draining,
    drainingSince: secondsOf(node.drainingSince),
    refusesParts: node.refusesParts,
    mayBeStopped: node.mayBeStopped,
    stopping: node.stopping,
  };
}
