import type { NodeId } from '../../domain/hash.ts';
import type { NodeFees, Period } from './nodeStore.ts';

/**
 * How the connection to a node stands:
 * - `disconnected`: not started, or lost, or waiting for the next attempt
 * - `connecting`, `syncing`: on the way to `connected`
 * - `connected`: payments are intercepted, and everything is well
 * - `unsynced`, `blocksSilent`: connected, but lnd lags behind the chain, or no block came for too long
 * - `slotTaken`: another client has lnd's only interceptor slot
 * - `refused`: misconfigured, so it is not used
 */
export type NodeState =
  | 'disconnected'
  | 'connecting'
  | 'syncing'
  | 'connected'
  | 'unsynced'
  | 'blocksSilent'
  | 'slotTaken'
  | 'refused';

/** A node by its key, or by its name in the configuration. */
export type NodeName = { readonly nodeId: NodeId } | { readonly name: string };

/** What is under way on a node: HTLCs for us that are not over. */
export interface HeldParts {
  readonly parts: number;
  readonly msat: bigint;
  /** The highest height at which lnd gives one of them back by itself; undefined without any, or where unknown. */
  readonly lastHeight: number | undefined;
}

/** How a node is doing, for people and for scripts. */
export interface NodeReport {
  readonly nodeId: NodeId;
  readonly name: string;
  /** What the node calls itself, and its version; undefined before the first connection. */
  readonly alias: string | undefined;
  readonly version: string | undefined;
  /** What this version can't do safely. */
  readonly weakness: string | undefined;
  readonly state: NodeState;
  /** Payments over it can be taken and settled now. */
  readonly ready: boolean;
  /** Unix milliseconds since when it is ready, or not. */
  readonly since: number;
  /** One sentence, with the reason where it isn't as it should be. */
  readonly health: string;
  readonly height: number | undefined;
  readonly priority: number;
  /** Whether new invoices name it; and why not, in words. */
  readonly hinted: boolean;
  readonly hint: string;
  readonly held: HeldParts;
  readonly draining: boolean;
  readonly refusesParts: boolean;
  /** Unix milliseconds. */
  readonly drainingSince: number | undefined;
  /** Drained, and nothing is left on it. */
  readonly mayBeStopped: boolean;
  /** One sentence on that. */
  readonly stopping: string;
}

export type DrainResult =
  | { readonly result: 'done'; readonly node: NodeReport }
  /** No such node is configured; `known` are the names of those that are. */
  | { readonly result: 'not_found'; readonly known: readonly string[] }
  | { readonly result: 'unavailable'; readonly reason: string }
  /** The store gave no clean answer. Calling again is harmless. */
  | { readonly result: 'unknown'; readonly reason: string };

/** What a node earned, with its name if it is configured. */
export interface FeesOfNode extends NodeFees {
  readonly name: string | undefined;
}

export type FeesResult =
  /** Configured nodes first, in their order, then others that have earned something. */
  | { readonly ok: true; readonly nodes: readonly FeesOfNode[] }
  | { readonly ok: false; readonly reason: string };

/** What the operator may ask and order of the lnd nodes. */
export interface Nodes {
  list(): readonly NodeReport[];
  /** No new invoice names the node. `refuseParts`: nor are parts taken for those that do. Durable when done. */
  drain(node: NodeName, refuseParts: boolean): Promise<DrainResult>;
  undrain(node: NodeName): Promise<DrainResult>;
  /** What settled parts brought the nodes. */
  fees(period: Period): Promise<FeesResult>;
}
