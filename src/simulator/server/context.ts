import type { SimulatedNode } from '../node/simulatedNode.ts';
import type { FaultBoard } from './faultBoard.ts';
import type { NodeHub } from './hub.ts';

/** Who the node is. */
export interface NodeIdentity {
  readonly name: string;
  /** Hex. */
  readonly pubkey: string;
  readonly network: string;
  readonly privateKey: Uint8Array;
}

/** What the servers of one node share. */
export interface NodeContext {
  readonly node: SimulatedNode;
  readonly hub: NodeHub;
  readonly faults: FaultBoard;
  readonly identity: NodeIdentity;
}
