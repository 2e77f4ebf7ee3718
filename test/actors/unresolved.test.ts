import { describe, expect, it } from 'vitest';
import { createApplication } from '../../src/actors/application/applicationService.ts';
import type { HtlcKey } from '../../src/domain/htlcKey.ts';
import { FakeStore } from '../support/fakeStore.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { lookup, optionsOf } from './applicationRig.ts';
import { type Rig, startRig } from './rig.ts';

/** The application of a configuration in which bob is not any more. */
const withoutBob = (rig: Rig) => createApplication({ ...optionsOf(rig), nodes: [ALICE] });

const settledOf = (key: HtlcKey) => ({ key, settled: true, evenIfConfigured: false });
const failedOf = (key: HtlcKey) => ({ key, settled: false, evenIfConfigured: false });

/** A payment over alice and bob with a decision, and the next leader, for whom bob is gone for good. */
async function orphaned(decision: 'settle' | 'requested' | 'cancel') {
  const store = new FakeStore();
  const first = await startRig({ at: store });
  const invoice = testInvoice(10_000n);
  const hash = invoice.paymentHash;
  const here = testPart(invoice, { amountMsat: 6_000n });
  const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
  await first.pay(here, there);
  if (decision === 'requested') first.bob.disconnect();
  if (decision === 'cancel') await first.supervisor.cancel(hash, first.setOf(hash));
  else await first.settle(hash);
  await first.clock.advance(50);
  first.session.kill(false);
  const rig = await startRig({ at: store });
  rig.bob.disconnect();
  const app = withoutBob(rig);
  return { rig, app, hash, here, there, bobs: there.offer.key };
}

/** Lets what was asked for be written, and gives its answer. */
async function after<T>(rig: Rig, answer: Promise<T>): Promise<T> {
  await rig.clock.advance(500);
  return answer;
}

describe('decided HTLCs of a node that is not configured any more', () => {
  it('are warned of, by node and number, and listed', async () => {
    const { rig, app, hash, bobs } = await orphaned('settle');
    rig.supervisor.unresolvedHtlcs.warnOfNodesOtherThan(new Set([ALICE]));
    const said = rig.log.lines.filter(({ message }) =>
      message.startsWith('Decided HTLCs of a node that is not configured'),
    );
    expect(said).toMatchObject([{ level: 'warn', fields: { node: BOB, parts: 1 } }]);
    const listed = app.listUnresolved({ all: false, max: 10 });
    expect(listed).toMatchObject([
      {
        key: bobs,
        nodeName: 'bob',
        configured: false,
        paymentHash: hash,
        decision: 'settle',
        amountMsat: 4_000n,
      },
    ]);
    const all = app.listUnresolved({ all: true, max: 10 });
    expect(all.map(({ nodeName, configured }) => [nodeName, configured]).sort()).toEqual([
      ['alice', true],
      ['bob', false],
    ]);
    expect(app.listUnresolved({ all: true, max: 1 })).toHaveLength(1);
  });

  it.each([true, false])(
    'end by the word of an operator as by that of a node (settled: %s)',
    async (settled) => {
      const { rig, app, hash, here, bobs } = await orphaned('settle');
      const waiting = app.waitForFinalStatus(hash, new AbortController().signal);
      await turns();
      rig.alice.finals.set(here.id, true);
      rig.alice.disconnect();
      rig.alice.connect();
      await rig.clock.advance(50);
      const end = { key: bobs, settled, evenIfConfigured: false };
      expect(await after(rig, app.finalizePart(end))).toEqual({ result: 'recorded' });
      const outcome = settled ? { result: 'settled' } : { result: 'failed', reason: 'partially_settled' };
      expect(await waiting).toEqual(outcome);
      expect((await lookup(app, hash)).settledMsat).toBe(settled ? 10_000n : 6_000n);
      expect(await app.finalizePart(end)).toEqual({ result: 'not_found' });
      await rig.clock.advance(200);
      const story = (await rig.session.eventsByHash(hash)).map(({ event, to }) => `${event}>${to}`);
      expect(story).toContain(`operator.finalized>${settled ? 'settled' : 'failed'}`);
      expect(rig.log.of("Htlc is final by an operator's word")).toMatchObject([{ level: 'warn' }]);
      expect(rig.supervisor.memory.known(hash)).toEqual({ entry: undefined, row: undefined });
    },
  );

  it('that are only requested can just have failed; then the whole payment is given back', async () => {
    const { rig, app, hash, here, bobs } = await orphaned('requested');
    expect(app.listUnresolved({ all: false, max: 10 })).toMatchObject([{ decision: 'requested' }]);
    expect(await app.finalizePart(settledOf(bobs))).toMatchObject({
      result: 'refused',
      reason: expect.stringMatching(/^no preimage/),
    });
    rig.alice.offer(here.offer);
    await turns();
    expect(await after(rig, app.finalizePart(failedOf(bobs)))).toEqual({ result: 'recorded' });
    expect(await lookup(app, hash)).toMatchObject({
      state: 'failed',
      failureReason: 'part_lost',
      settledMsat: 0n,
    });
    expect(rig.alice.answersTo(here.id).map(({ kind }) => kind)).not.toContain('settle');
    expect(rig.alice.answersTo(here.id)).toHaveLength(1);
  });

  it('that were given back can just have failed', async () => {
    const { rig, app, bobs } = await orphaned('cancel');
    expect(app.listUnresolved({ all: false, max: 10 })).toMatchObject([{ decision: 'fail', key: bobs }]);
    expect(await app.finalizePart(settledOf(bobs))).toMatchObject({ result: 'refused' });
    expect(await after(rig, app.finalizePart(failedOf(bobs)))).toEqual({ result: 'recorded' });
    expect(app.listUnresolved({ all: false, max: 10 })).toEqual([]);
    expect(rig.store.tables.fails.size).toBe(1);
  });

  it('of a node that is configured are left to it, unless somebody insists', async () => {
    const { rig, hash, here, there, bobs } = await orphaned('settle');
    const app = createApplication(optionsOf(rig));
    expect(await app.finalizePart(settledOf(bobs))).toMatchObject({
      result: 'refused',
      reason: expect.stringMatching(/^node bob is configured/),
    });
    expect(app.listUnresolved({ all: false, max: 10 })).toEqual([]);
    for (const { offer } of [here, there]) {
      const insisted = app.finalizePart({ key: offer.key, settled: true, evenIfConfigured: true });
      expect(await after(rig, insisted)).toEqual({ result: 'recorded' });
    }
    expect((await lookup(app, hash)).state).toBe('settled');
  });

  it('are not called recorded before they are', async () => {
    const { rig, app, bobs } = await orphaned('settle');
    rig.session.finaliseFates.push('hang');
    const call = app.finalizePart(settledOf(bobs));
    await rig.clock.advance(29_000);
    let answered = false;
    void call.then(() => {
      answered = true;
    });
    await turns();
    expect(answered).toBe(false);
    await rig.clock.advance(2_000);
    expect(await call).toMatchObject({ result: 'unavailable' });
    rig.session.resume();
    await rig.clock.advance(100);
    expect(app.listUnresolved({ all: false, max: 10 })).toEqual([]);
  });

  it('an HTLC that nobody knows is not found', async () => {
    const rig = await startRig();
    const app = withoutBob(rig);
    const key = { nodeId: BOB, chanId: 1n, htlcId: 1n };
    expect(await app.finalizePart(failedOf(key))).toEqual({ result: 'not_found' });
    const invoice = testInvoice(10_000n);
    const held = testPart(invoice, { nodeId: BOB });
    await rig.pay(held);
    expect(await app.finalizePart(failedOf(held.offer.key))).toEqual({ result: 'not_found' });
  });
});
