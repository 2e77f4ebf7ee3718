import { describe, expect, it } from 'vitest';
import { NodeAdministration } from '../../src/actors/nodes/administration.ts';
import { RouteHints } from '../../src/actors/nodes/routeHints.ts';
import type { HeldParts } from '../../src/actors/ports/nodes.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import { ALICE, BOB } from '../support/payments.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';
import { CONNECTED, FakeNodeStore, StatusLink } from './fakes.ts';

const NOTHING: HeldParts = { parts: 0, msat: 0n, lastHeight: undefined };
const NODES = [
  { nodeId: ALICE, name: 'alice', priority: 0 },
  { nodeId: BOB, name: 'bob', priority: 2 },
];

async function start(store = new FakeNodeStore()) {
  const clock = new SimulatedClock();
  const log = new RecordingLog();
  const policy = { feeBaseMsat: 0, feeRatePpm: 0, cltvDelta: 40 };
  const hints = new RouteHints({ nodes: NODES, policy, rule: 'healthy', maxHints: 20, log });
  const held = new Map<NodeId, HeldParts>();
  let fenced = 0;
  const administration = new NodeAdministration({
    nodes: NODES,
    hints,
    store,
    epoch: 1n,
    clock,
    log,
    held: (nodeId) => held.get(nodeId) ?? NOTHING,
    onFenced: () => {
      fenced += 1;
    },
  });
  await administration.recover();
  const [alice, bob] = [new StatusLink(ALICE), new StatusLink(BOB)];
  for (const link of [alice, bob]) {
    administration.attach(link);
    hints.setReady(link.nodeId, true);
  }
  const named = () => hints.current?.map(({ nodeId }) => nodeId);
  const reportOf = (nodeId: NodeId) => administration.list().find((report) => report.nodeId === nodeId)!;
  return {
    administration,
    store,
    clock,
    log,
    hints,
    held,
    alice,
    bob,
    named,
    reportOf,
    fenced: () => fenced,
  };
}

describe('a node is drained', () => {
  it('durably: its hint goes, its link knows, and a new leader takes the order up', async () => {
    const { administration, store, alice, named, clock } = await start();
    expect(await administration.drain({ name: 'alice' }, false)).toMatchObject({
      result: 'done',
      node: { name: 'alice', draining: true, drainingSince: clock.now(), hinted: false, mayBeStopped: true },
    });
    expect([named(), alice.draining]).toEqual([[BOB], true]);
    expect(administration.refusesParts(ALICE)).toBe(false);

    const next = await start(store);
    expect([next.named(), next.alice.draining, next.bob.draining]).toEqual([[BOB], true, false]);
    expect(next.log.of('Node is drained by an earlier order')).toHaveLength(1);
    expect(await next.administration.undrain({ nodeId: ALICE })).toMatchObject({
      result: 'done',
      node: { draining: false, hinted: true, drainingSince: undefined },
    });
    expect([next.named(), next.alice.draining]).toEqual([[BOB, ALICE], false]);
    expect((await start(store)).named()).toEqual([BOB, ALICE]);
  });

  it('twice: the second order says whether parts are refused, the first how long it has been', async () => {
    const { administration, store, clock } = await start();
    await administration.drain({ name: 'alice' }, false);
    const since = clock.now();
    await clock.advance(5_000);
    expect(await administration.drain({ nodeId: ALICE }, true)).toMatchObject({
      node: { refusesParts: true, drainingSince: since },
    });
    expect(administration.refusesParts(ALICE)).toBe(true);
    expect(administration.refusesParts(BOB)).toBe(false);
    expect((await start(store)).administration.refusesParts(ALICE)).toBe(true);
    await administration.undrain({ name: 'alice' });
    expect(administration.refusesParts(ALICE)).toBe(false);
  });

  it('by a name that there is not: the names that there are', async () => {
    const { administration, store } = await start();
    const answer = { result: 'not_found', known: ['alice', 'bob'] };
    expect(await administration.drain({ name: 'carol' }, false)).toEqual(answer);
    expect(await administration.undrain({ nodeId: `02${'11'.repeat(32)}` as NodeId })).toEqual(answer);
    expect(store.writes).toBe(0);
  });

  it('and removed from the configuration: the order is kept, and nobody minds', async () => {
    const store = new FakeNodeStore();
    const gone = `02${'11'.repeat(32)}` as NodeId;
    store.drains.set(gone, { nodeId: gone, refusesParts: true, since: 1 });
    const { named, administration } = await start(store);
    expect(named()).toEqual([BOB, ALICE]);
    expect(administration.list()).toHaveLength(2);
  });
});

describe('nothing is changed before it is written', () => {
  it.each([
    ['failed' as const, 'unavailable', 1, 'not written: disk full'],
    ['fenced' as const, 'unavailable', 1, 'another lnmuxd leads now: ask that one'],
  ])('a write that %s', async (fate, result, writes, reason) => {
    const { administration, store, named, fenced, alice } = await start();
    store.fates.push(fate);
    expect(await administration.drain({ name: 'alice' }, true)).toEqual({ result, reason });
    expect([named(), alice.draining, administration.refusesParts(ALICE)]).toEqual([
      [BOB, ALICE],
      false,
      false,
    ]);
    expect([store.writes, fenced()]).toEqual([writes, fate === 'fenced' ? 1 : 0]);
  });

  it('one without a clean answer is repeated, and counts once that is acknowledged', async () => {
    const { administration, store, named } = await start();
    store.fates.push('ambiguousDone');
    expect(await administration.drain({ name: 'alice' }, false)).toMatchObject({ result: 'done' });
    expect(named()).toEqual([BOB]);
    store.fates.push('ambiguousLost');
    expect(await administration.undrain({ name: 'alice' })).toMatchObject({ result: 'done' });
    expect(store.drains.size).toBe(0);
  });

  it.each(['ambiguousDone', 'failed'] as const)(
    'one that stays unclear (then %s) is said to be so',
    async (then) => {
      const { administration, store, named } = await start();
      store.fates.push('ambiguousDone', then);
      expect(await administration.drain({ name: 'alice' }, false)).toMatchObject({ result: 'unknown' });
      expect(named()).toEqual([BOB, ALICE]);
    },
  );
});

describe('what was earned', () => {
  it('is told of every configured node in their order, then of others, in the period that was asked for', async () => {
    const { administration, store } = await start();
    const gone = `02${'11'.repeat(32)}` as NodeId;
    const fees = { feeMsat: 2_500n, amountMsat: 500_000n, parts: 3n, partsWithoutFee: 1n };
    store.earned = [
      { nodeId: gone, ...fees },
      { nodeId: BOB, ...fees },
    ];
    expect(await administration.fees({ since: 1, until: undefined })).toEqual({
      ok: true,
      nodes: [
        { nodeId: ALICE, name: 'alice', feeMsat: 0n, amountMsat: 0n, parts: 0n, partsWithoutFee: 0n },
        { nodeId: BOB, name: 'bob', ...fees },
        { nodeId: gone, name: undefined, ...fees },
      ],
    });
    expect(store.periods).toEqual(['1 undefined']);
    store.earned = new Error('the database is away');
    expect(await administration.fees({ since: 1, until: 2 })).toEqual({
      ok: false,
      reason: 'the database is away',
    });
  });
});

describe('a report', () => {
  it('says whether the node may be stopped, and what is waited for', async () => {
    const { administration, held, alice, reportOf } = await start();
    const stopping = () => {
      const { mayBeStopped, stopping: words } = reportOf(ALICE);
      return `${mayBeStopped}: ${words}`;
    };
    expect(stopping()).toBe('false: not drained: a payment may come at any time');
    await administration.drain({ name: 'alice' }, false);
    expect(stopping()).toBe('true: may be stopped now: nothing is held');
    held.set(ALICE, { parts: 2, msat: 30_000n, lastHeight: 812_100 });
    expect(stopping()).toBe(
      'false: 2 parts held (30000 msat), the last one until height 812100: wait for them to end',
    );
    held.set(ALICE, { parts: 1, msat: 5n, lastHeight: undefined });
    expect(stopping()).toBe('false: 1 part held (5 msat): wait for them to end');
    held.delete(ALICE);
    for (const health of ['disconnected', 'connecting', 'syncing', 'slotTaken', 'refused'] as const) {
      alice.now = { ...CONNECTED, health, ready: false };
      expect(stopping()).toMatch(/^false: not connected: whether its lnd holds payments/);
    }
    for (const health of ['unsynced', 'blocksSilent'] as const) {
      alice.now = { ...CONNECTED, health, ready: false };
      expect(stopping()).toMatch(/^true/);
    }
  });

  it('says since when a node is not ready, and why it is or is not named in new invoices', async () => {
    const { alice, hints, reportOf, administration } = await start();
    expect(reportOf(ALICE)).toMatchObject({
      health: 'intercepting, 0 HTLCs held',
      hint: 'named in new invoices',
      priority: 0,
      alias: 'alice',
      version: '0.21.2-beta',
    });
    hints.setReady(ALICE, false);
    alice.now = { ...CONNECTED, health: 'disconnected', ready: false, words: 'connection lost' };
    expect(reportOf(ALICE)).toMatchObject({
      health: 'connection lost; not ready since 2025-11-24T16:00:00.000Z',
      hint: 'not named in new invoices: it is not ready',
    });
    hints.setReady(BOB, false);
    expect(reportOf(ALICE).hint).toBe('named in new invoices although it is not ready, since no node is');
    await administration.drain({ name: 'alice' }, false);
    expect(reportOf(ALICE).hint).toBe('not named in new invoices: it is drained');
  });
});
