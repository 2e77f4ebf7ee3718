import type { AnyActorRef, InspectionEvent, Observer } from 'xstate';
import type { NodeId } from '../../domain/hash.ts';
import type { NodeLinkLimits } from '../../machines/nodeLink/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { LndClient } from '../ports/lndClient.ts';
import type { Log } from '../ports/log.ts';
import type { NodeLink, NodeLinkListener } from '../ports/nodeLink.ts';
import type { NodeLinkStatus } from './status.ts';

export interface NodeLinkConfig {
  readonly nodeId: NodeId;
  /** lnd's name of the network, as GetInfo reports it. */
  readonly network: string;
  /** Default: DEFAULT_MIN_LND_VERSION. */
  readonly minLndVersion?: string;
  /** Our virtual channel on this node. Default: virtualChannelId(nodeId). */
  readonly virtualChannel?: bigint;
  /** Deviations from DEFAULT_NODE_LINK_LIMITS. */
  readonly limits?: Partial<NodeLinkLimits>;
}

export interface NodeLinkDeps {
  readonly config: NodeLinkConfig;
  readonly client: LndClient;
  readonly listener: NodeLinkListener;
  /** Told at once whenever {@link NodeLink.ready} changes. Must not throw. */
  readonly readinessChanged?: (ready: boolean) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** A number in [0, 1), for the spread of pauses only. */
  readonly random: () => number;
  /** Runs `fn` after the HTLCs that arrived together have been handed over. Default: setImmediate. */
  readonly turnEnd?: (fn: () => void) => void;
  /** Ties the live XState actor into a running system; without a parent it is a root of its own. */
  readonly system?: {
    readonly parent?: AnyActorRef;
    readonly inspect?: Observer<InspectionEvent> | ((event: InspectionEvent) => void);
  };
}

/** A node link with the handles that the composition needs. */
export interface LiveNodeLink extends NodeLink {
  /** Connects, and keeps connecting. */
  start(): void;
  /**
   * Closes the link. Answers already given are still sent, for at most `flushMs` (default 1,000; 0 closes at
   * once, as a process that is no longer the leader must).
   */
  stop(options?: { readonly flushMs?: number }): Promise<void>;
  /** Marks the node as one that should get no new payments; what it holds is still answered. */
  drain(): void;
  undrain(): void;
  /** Tries again at once where the link waits out a pause. */
  retry(): void;
  status(): NodeLinkStatus;
}
