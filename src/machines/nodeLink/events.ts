import type { NodeLinkLimits } from './limits.ts';

/** Which part of a connection broke it. */
export type FailureSource = 'validation' | 'events' | 'blocks' | 'interceptor' | 'operator';

export interface LinkFailure {
  readonly source: FailureSource;
  readonly reason: string;
}

/** What happened, as the link hears of it. `jitter` is a random number in [0, 1) that the shell draws. */
export type NodeLinkEvent =
  | { readonly type: 'link.started'; readonly jitter: number }
  | { readonly type: 'link.stopped' }
  /** The operator wants no new payments on this node; what is held is still answered. */
  | { readonly type: 'drain.requested' }
  | { readonly type: 'drain.ended' }
  /** Look again now, without waiting for the pause to end. */
  | { readonly type: 'retry.requested' }
  /** The node is the right one and has what we need. */
  | { readonly type: 'validation.succeeded'; readonly synced: boolean; readonly jitter: number }
  /** The node must not be used as it is: wrong version, network, key or flags, or credentials that don't work. */
  | { readonly type: 'node.refused'; readonly reason: string; readonly jitter: number }
  /** lnd confirmed the HTLC event subscription. */
  | { readonly type: 'events.subscribed' }
  | { readonly type: 'block.connected'; readonly height: number }
  /** The interceptor stream has shown a sign of life. */
  | { readonly type: 'interceptor.opened' }
  /** Another client has the only interceptor slot. */
  | { readonly type: 'interceptor.occupied'; readonly jitter: number }
  | { readonly type: 'sync.checked'; readonly synced: boolean }
  /** The connection or one of its streams ended; whatever is left of it is of no use. */
  | ({ readonly type: 'connection.failed'; readonly jitter: number } & LinkFailure);

export type LinkProblem = 'refused' | 'slotTaken' | 'blocksSilent' | 'unsynced';

/** What the link asks of the world. Emitted, never executed here. */
export type NodeLinkEffect =
  /** Make a new connection, with credentials read anew, and look at version and info. */
  | { readonly type: 'link.validate' }
  | { readonly type: 'link.openEvents' }
  /** Look up the final outcome of everything that is unresolved on this node; in the background. */
  | { readonly type: 'link.lookup' }
  | { readonly type: 'link.openBlocks' }
  | { readonly type: 'link.openInterceptor' }
  | { readonly type: 'link.checkSync' }
  /** Close the connection with all its streams; nothing that they still say counts. */
  | { readonly type: 'link.closeStreams' }
  | { readonly type: 'link.notifyConnected' }
  | { readonly type: 'link.notifyDisconnected'; readonly failure: LinkFailure; readonly retryMs: number }
  /** Readiness may have changed. */
  | { readonly type: 'link.notifyReady' }
  /** Something that a person should know of. */
  | { readonly type: 'link.alarm'; readonly problem: LinkProblem; readonly reason: string };

export interface NodeLinkInput {
  readonly limits: NodeLinkLimits;
}

export interface NodeLinkContext {
  readonly limits: NodeLinkLimits;
  /** Failures in a row, without a stable connection between them. */
  readonly failures: number;
  readonly jitter: number;
  /** What GetInfo said last of synced_to_chain. */
  readonly synced: boolean;
  readonly draining: boolean;
  /** Why the link is down; kept until it is connected again. */
  readonly failure: LinkFailure | undefined;
}
