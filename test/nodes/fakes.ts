import type { AdministeredLink, LinkStatus } from '../../src/actors/nodes/link.ts';
import type { BatchOutcome } from '../../src/actors/ports/decisionStore.ts';
import type { Drain, NodeFees, NodeStore, Period } from '../../src/actors/ports/nodeStore.ts';
import type { NodeId } from '../../src/domain/hash.ts';

/** What becomes of a write: done, certainly not done, without a clean answer (done or not), or another leads. */
export type Fate = 'done' | 'failed' | 'ambiguousDone' | 'ambiguousLost' | 'fenced';

/** The table of drained nodes, in memory. */
export class FakeNodeStore implements NodeStore {
  readonly drains = new Map<NodeId, Drain>();
  /** What becomes of the next writes; done when empty. */
  readonly fates: Fate[] = [];
  writes = 0;
  /** What was earned, or why nobody knows. */
  earned: readonly NodeFees[] | Error = [];
  readonly periods: string[] = [];

  async readDrains(): Promise<readonly Drain[]> {
    return [...this.drains.values()];
  }

  async readFees({ since, until }: Period): Promise<readonly NodeFees[]> {
    this.periods.push(`${since} ${until}`);
    if (this.earned instanceof Error) throw this.earned;
    return this.earned;
  }

  async drain(_epoch: bigint, drain: Drain): Promise<BatchOutcome<Drain>> {
    return this.#write(() => {
      const stands = { ...drain, since: this.drains.get(drain.nodeId)?.since ?? drain.since };
      this.drains.set(drain.nodeId, stands);
      return [stands];
    });
  }

  async undrain(_epoch: bigint, nodeId: NodeId): Promise<BatchOutcome<never>> {
    return this.#write(() => {
      this.drains.delete(nodeId);
      return [];
    });
  }

  #write<T>(apply: () => T[]): BatchOutcome<T> {
    this.writes += 1;
    switch (this.fates.shift() ?? 'done') {
      case 'done':
        return { kind: 'acknowledged', results: apply(), lastSequence: 1n };
      case 'failed':
        return { kind: 'failed', error: 'disk full', retryable: true };
      case 'ambiguousDone':
        apply();
        return { kind: 'ambiguous', error: 'connection lost' };
      case 'ambiguousLost':
        return { kind: 'ambiguous', error: 'connection lost' };
      case 'fenced':
        return { kind: 'fenced' };
    }
  }
}

export const CONNECTED: LinkStatus = {
  health: 'connected',
  ready: true,
  since: 1_764_000_000_000,
  words: 'intercepting, 0 HTLCs held',
  alias: 'alice',
  version: '0.21.2-beta',
  weakness: undefined,
  height: 812_000,
};

/** A link that says what it is told to. */
export class StatusLink implements AdministeredLink {
  readonly nodeId: NodeId;
  now: LinkStatus = CONNECTED;
  draining = false;

  constructor(nodeId: NodeId) {
    this.nodeId = nodeId;
  }

  status(): LinkStatus {
    return this.now;
  }

  drain(): void {
    this.draining = true;
  }

  undrain(): void {
    this.draining = false;
  }
}
