import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConfiguredNode,
  RouteHints,
  type RouteHintsOptions,
} from '../../src/actors/nodes/routeHints.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { silentLog } from '../support/silentLog.ts';

const POLICY = { feeBaseMsat: 1_000, feeRatePpm: 10_000, cltvDelta: 40 };
const nodeId = (number: number) => `02${number.toString(16).padStart(64, '0')}` as NodeId;
const nodeOf = (number: number, priority = 0): ConfiguredNode => ({
  nodeId: nodeId(number),
  name: `n${number}`,
  priority,
});
const [A, B, C] = [nodeId(1), nodeId(2), nodeId(3)];

function hintsOf(options: Partial<RouteHintsOptions> = {}) {
  const nodes = [nodeOf(1), nodeOf(2), nodeOf(3)];
  return new RouteHints({ nodes, policy: POLICY, rule: 'healthy', maxHints: 20, log: silentLog, ...options });
}

const named = (hints: RouteHints) => hints.current?.map((hint) => hint.nodeId);

describe('new invoices', () => {
  it('name the nodes that are ready, with the virtual channel and the policy', () => {
    const hints = hintsOf();
    hints.setReady(C, true);
    hints.setReady(A, true);
    expect(named(hints)).toEqual([A, C]);
    expect(hints.current?.[0]).toEqual({ nodeId: A, chanId: virtualChannelId(A), ...POLICY });
    hints.setReady(A, false);
    expect(named(hints)).toEqual([C]);
    expect([A, B, C].map((id) => hints.absence(id))).toEqual(['not_ready', 'not_ready', undefined]);
  });

  it('name every node while none is ready, and say so once', () => {
    const log = new RecordingLog();
    const hints = hintsOf({ log });
    expect(named(hints)).toEqual([A, B, C]);
    hints.setReady(B, true);
    hints.setReady(B, false);
    hints.setReady(A, false);
    expect(named(hints)).toEqual([A, B, C]);
    expect(hints.absence(A)).toBeUndefined();
    expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('never name a drained node, whatever else', () => {
    for (const rule of ['healthy', 'all'] as const) {
      const hints = hintsOf({ rule });
      hints.setReady(A, true);
      hints.setDraining(A, true);
      // B and C are not ready, and better than a node that is about to go.
      expect(named(hints)).toEqual([B, C]);
      expect(hints.absence(A)).toBe('draining');
      hints.setDraining(B, true);
      hints.setDraining(C, true);
      expect(hints.current).toBeUndefined();
      hints.setDraining(A, false);
      expect(named(hints)).toEqual([A]);
    }
  });

  it('name every configured node where the operator wants it so', () => {
    const hints = hintsOf({ rule: 'all' });
    hints.setReady(B, true);
    expect(named(hints)).toEqual([A, B, C]);
    expect(named(hintsOf({ nodes: [] }))).toEqual([]);
  });

  it('name those of higher priority first; one beyond the maximum steps in for one that is away', () => {
    const hints = hintsOf({ nodes: [nodeOf(1, -1), nodeOf(2), nodeOf(3, 5)], maxHints: 2 });
    for (const id of [A, B, C]) hints.setReady(id, true);
    expect(named(hints)).toEqual([C, B]);
    expect(hints.absence(A)).toBe('beyond_max');
    hints.setReady(C, false);
    expect(named(hints)).toEqual([B, A]);
  });

  it('are made of the same array while nothing changes, so that it is encoded once', () => {
    const hints = hintsOf();
    hints.setReady(A, true);
    const before = hints.current;
    hints.setReady(A, true);
    hints.setReady(B, false);
    hints.setDraining(C, true);
    expect(hints.current).toBe(before);
  });
});

describe('after any story of nodes that come, go and drain', () => {
  const step = fc.record({
    node: fc.integer({ min: 1, max: 5 }),
    change: fc.constantFrom('ready', 'away', 'drain', 'undrain'),
  });
  it('the hints follow from the present states alone', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -2, max: 2 }), { minLength: 5, maxLength: 5 }),
        fc.constantFrom('healthy' as const, 'all' as const),
        fc.integer({ min: 1, max: 5 }),
        fc.array(step, { maxLength: 40 }),
        (priorities, rule, maxHints, story) => {
          const nodes = priorities.map((priority, index) => nodeOf(index + 1, priority));
          const hints = hintsOf({ nodes, rule, maxHints });
          const ready = new Set<NodeId>();
          const drained = new Set<NodeId>();
          for (const { node, change } of story) {
            const id = nodeId(node);
            if (change === 'ready' || change === 'away') hints.setReady(id, change === 'ready');
            else hints.setDraining(id, change === 'drain');
            if (change === 'ready') ready.add(id);
            if (change === 'away') ready.delete(id);
            if (change === 'drain') drained.add(id);
            if (change === 'undrain') drained.delete(id);
          }
          const open = nodes.filter((node) => !drained.has(node.nodeId));
          const healthy = open.filter((node) => ready.has(node.nodeId));
          const pool = rule === 'healthy' && healthy.length > 0 ? healthy : open;
          const got = named(hints);
          expect(got === undefined).toBe(pool.length === 0);
          if (got === undefined) return;
          expect(got).toHaveLength(Math.min(maxHints, pool.length));
          expect(new Set(got).size).toBe(got.length);
          const rank = (id: NodeId | undefined) => priorities[nodes.findIndex((n) => n.nodeId === id)]!;
          const ranks = got.map(rank);
          expect(ranks).toEqual([...ranks].sort((a, b) => b - a));
          const left = pool.filter((node) => !got.includes(node.nodeId));
          for (const node of left) expect(node.priority).toBeLessThanOrEqual(ranks.at(-1)!);
          for (const node of nodes) {
            expect(hints.absence(node.nodeId) === undefined).toBe(got.includes(node.nodeId));
          }
        },
      ),
    );
  });
});
