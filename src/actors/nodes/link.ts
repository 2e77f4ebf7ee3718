import type { NodeId } from '../../domain/hash.ts';
import type { NodeState } from '../ports/nodes.ts';

/** What a node link says of itself, as far as it is reported. */
export interface LinkStatus {
  readonly health: NodeState;
  readonly ready: boolean;
  /** Unix milliseconds of the last change of `ready`. */
  readonly since: number;
  readonly words: string;
  readonly alias: string | undefined;
  readonly version: string | undefined;
  readonly weakness: string | undefined;
  readonly height: number | undefined;
}

/** A node link, as far as it is administered. */
export interface AdministeredLink {
  readonly nodeId: NodeId;
  status(): LinkStatus;
  drain(): void;
  undrain(): void;
}
