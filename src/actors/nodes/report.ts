import type { Drain } from '../ports/nodeStore.ts';
import type { HeldParts, NodeReport, NodeState } from '../ports/nodes.ts';
import type { LinkStatus } from './link.ts';
import type { ConfiguredNode, RouteHints } from './routeHints.ts';

/** Offers come in: what lnd holds for us is known. */
const CONNECTED: ReadonlySet<NodeState> = new Set(['connected', 'unsynced', 'blocksSilent']);

export interface ReportFacts {
  readonly node: ConfiguredNode;
  readonly status: LinkStatus;
  readonly hints: RouteHints;
  readonly held: HeldParts;
  readonly drain: Drain | undefined;
}

/** All that is known of a node, in the words of the API. */
export function reportOf({ node, status, hints, held, drain }: ReportFacts): NodeReport {
  const { nodeId } = node;
  const connected = CONNECTED.has(status.health);
  return {
    nodeId,
    name: node.name,
    alias: status.alias,
    version: status.version,
    weakness: status.weakness,
    state: status.health,
    ready: status.ready,
    since: status.since,
    health: healthWords(status),
    height: status.height,
    priority: node.priority,
    hinted: hints.absence(nodeId) === undefined,
    hint: hints.words(nodeId),
    held,
    draining: drain !== undefined,
    refusesParts: drain?.refusesParts ?? false,
    drainingSince: drain?.since,
    mayBeStopped: drain !== undefined && connected && held.parts === 0,
    stopping: stoppingWords(held, drain, connected),
  };
}

function healthWords({ words, ready, since }: LinkStatus): string {
  return ready ? words : `${words}; not ready since ${new Date(since).toISOString()}`;
}

/** Whether the node's lnd may be stopped, and what it is waited for. */
function stoppingWords(held: HeldParts, drain: Drain | undefined, connected: boolean): string {
  if (drain === undefined) return 'not drained: a payment may come at any time';
  if (!connected) return 'not connected: whether its lnd holds payments is seen when it is back';
  if (held.parts === 0) return 'may be stopped now: nothing is held';
  const parts = held.parts === 1 ? '1 part' : `${held.parts} parts`;
  const until = held.lastHeight === undefined ? '' : `, the last one until height ${held.lastHeight}`;
  return `${parts} held (${held.msat} msat)${until}: wait for them to end`;
}
