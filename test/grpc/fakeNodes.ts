import type { Period } from '../../src/actors/ports/nodeStore.ts';
import type { DrainResult, FeesResult, NodeName, NodeReport, Nodes } from '../../src/actors/ports/nodes.ts';
import { NODE_A, NODE_B } from './fakeApplication.ts';

/** A node with everything to tell. */
export const BUSY: NodeReport = {
  nodeId: NODE_A,
  name: 'a',
  alias: 'alice',
  version: '0.18.0-beta',
  weakness: 'forgets HTLCs',
  state: 'blocksSilent',
  ready: false,
  since: 1_764_000_000_999,
  health: 'intercepting, 2 HTLCs held, but no block came for too long',
  height: 812_000,
  priority: -3,
  hinted: false,
  hint: 'not named in new invoices: it is drained',
  held: { parts: 2, msat: 30_000n, lastHeight: 812_100 },
  draining: true,
  refusesParts: true,
  drainingSince: 1_763_000_000_000,
  mayBeStopped: false,
  stopping: '2 parts held',
};

/** One that was never reached. */
export const AWAY: NodeReport = {
  nodeId: NODE_B,
  name: 'b',
  alias: undefined,
  version: undefined,
  weakness: undefined,
  state: 'disconnected',
  ready: false,
  since: 1_764_000_000_000,
  health: 'connection refused',
  height: undefined,
  priority: 0,
  hinted: true,
  hint: 'named in new invoices',
  held: { parts: 0, msat: 0n, lastHeight: undefined },
  draining: false,
  refusesParts: false,
  drainingSince: undefined,
  mayBeStopped: false,
  stopping: 'not drained',
};

/** Answers as it is told to, and remembers what it was ordered. */
export class FakeNodes implements Nodes {
  readonly ordered: string[] = [];
  reports: readonly NodeReport[] = [BUSY, AWAY];
  earned: FeesResult = {
    ok: true,
    nodes: [
      { nodeId: NODE_A, name: 'a', feeMsat: 2_500n, amountMsat: 500_000n, parts: 3n, partsWithoutFee: 1n },
      { nodeId: NODE_B, name: undefined, feeMsat: 10n, amountMsat: 9n, parts: 1n, partsWithoutFee: 0n },
    ],
  };
  result: DrainResult = { result: 'done', node: BUSY };

  list(): readonly NodeReport[] {
    return this.reports;
  }

  async fees({ since, until }: Period): Promise<FeesResult> {
    this.ordered.push(`fees ${since} ${until}`);
    return this.earned;
  }

  async drain(node: NodeName, refuseParts: boolean): Promise<DrainResult> {
    this.ordered.push(`drain ${JSON.stringify(node)} ${refuseParts}`);
    return this.result;
  }

  async undrain(node: NodeName): Promise<DrainResult> {
    this.ordered.push(`undrain ${JSON.stringify(node)}`);
    return this.result;
  }
}
