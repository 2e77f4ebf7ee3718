import type { NodeId } from '../../domain/hash.ts';
import type { NodeLinkSnapshot } from '../../machines/nodeLink/machine.ts';
import type { ReplyTimes } from '../measures/replyTimes.ts';
import type { NodeState } from '../ports/nodes.ts';

/** Where a link is, by the names that the API and the metrics use. */
export type NodeLinkState =
  | 'disconnected'
  | 'validating'
  | 'syncing'
  | 'connected'
  | 'draining'
  | 'backoff'
  | 'slotTaken'
  | 'refused';

/** Counted since the link was made. */
export interface NodeLinkCounters {
  /** HTLCs for us, each offer counted. */
  offered: number;
  settled: number;
  failed: number;
  /** Foreign HTLCs, resumed. */
  resumed: number;
  /** HTLCs for us that lnd offered because their channel went on chain. */
  onChain: number;
  /** On-chain offers of foreign HTLCs, which take nothing but silence. */
  ignored: number;
  /** Answers refused here because lnd would have ended the stream for them. */
  refusedAnswers: number;
  /** Offers and answers given up because lnd had given the HTLC back. */
  forgotten: number;
  /** Calls to the listener that threw. */
  listenerErrors: number;
  /** Times that the interceptor was open. */
  connections: number;
  /** Events that the statechart had no use for. */
  unhandledEvents: number;
}

export interface NodeLinkStatus {
  readonly nodeId: NodeId;
  readonly state: NodeLinkState;
  /** The same as the operator sees it. */
  readonly health: NodeState;
  readonly ready: boolean;
  /** Unix milliseconds of the last change of `ready`, or of the start. */
  readonly since: number;
  /** The state in one sentence, with the reason where it isn't as it should be. */
  readonly words: string;
  readonly draining: boolean;
  /** What lnd calls itself, and its version, as of the last validation. */
  readonly alias: string | undefined;
  readonly version: string | undefined;
  /** What this version can't do safely. */
  readonly weakness: string | undefined;
  readonly height: number | undefined;
  readonly streamId: number;
  /** HTLCs for us that lnd waits for us to answer. */
  readonly held: number;
  /** Answers that wait for the transport. */
  readonly queued: number;
  readonly counters: Readonly<NodeLinkCounters>;
  readonly replyTimes: ReplyTimes;
}

export const noCounts = (): NodeLinkCounters => ({
  offered: 0,
  settled: 0,
  failed: 0,
  resumed: 0,
  onChain: 0,
  ignored: 0,
  refusedAnswers: 0,
  forgotten: 0,
  listenerErrors: 0,
  connections: 0,
  unhandledEvents: 0,
});

export function stateOf(snapshot: NodeLinkSnapshot): NodeLinkState {
  if (snapshot.matches({ connected: { traffic: 'draining' } })) return 'draining';
  if (snapshot.matches('connected')) return 'connected';
  if (snapshot.matches('syncing')) return 'syncing';
  return snapshot.value as Exclude<NodeLinkState, 'draining'>;
}

export function healthOf(snapshot: NodeLinkSnapshot): NodeState {
  if (snapshot.matches({ connected: { chain: 'unsynced' } })) return 'unsynced';
  if (snapshot.matches({ connected: { blocks: 'silent' } })) return 'blocksSilent';
  return HEALTH[stateOf(snapshot)];
}

const HEALTH: Readonly<Record<NodeLinkState, NodeState>> = {
  disconnected: 'disconnected',
  validating: 'connecting',
  syncing: 'syncing',
  connected: 'connected',
  draining: 'connected',
  backoff: 'disconnected',
  slotTaken: 'slotTaken',
  refused: 'refused',
};

/** One sentence for a person. */
export function wordsOf(snapshot: NodeLinkSnapshot, held: number): string {
  const reason = snapshot.context.failure?.reason ?? 'no reason known';
  switch (stateOf(snapshot)) {
    case 'disconnected':
      return 'not started, or stopped';
    case 'validating':
      return 'connecting and checking version, network, key and flags';
    case 'syncing':
      return `connected to lnd, ${syncStep(snapshot)}`;
    case 'backoff':
      return `connection lost or not possible, trying again soon: ${reason}`;
    case 'slotTaken':
      return `waiting for the interceptor slot: ${reason}`;
    case 'refused':
      return `not used because it is misconfigured: ${reason}`;
    default:
      return connectedWords(snapshot, held);
  }
}

function syncStep(snapshot: NodeLinkSnapshot): string {
  if (snapshot.matches({ syncing: 'subscribing' })) return 'waiting for the HTLC event subscription';
  if (snapshot.matches({ syncing: 'awaitingHeight' })) return 'waiting for the first block height';
  return 'opening the interceptor';
}

function connectedWords(snapshot: NodeLinkSnapshot, held: number): string {
  const parts = [`intercepting, ${held} HTLCs held`];
  if (snapshot.matches({ connected: { traffic: 'draining' } })) parts.push('draining');
  if (snapshot.matches({ connected: { chain: 'unsynced' } })) parts.push('but lnd is not synced to chain');
  if (snapshot.matches({ connected: { blocks: 'silent' } })) parts.push('but no block came for too long');
  return parts.join(', ');
}
