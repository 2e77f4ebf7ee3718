import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/domain/hash.ts';
import { setIdOf } from '../../src/domain/setId.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { type RigOptions, startRig } from './rig.ts';

const NOTHING = { parts: 0, msat: 0n, lastHeight: undefined };

describe('what is held on a node', () => {
  it('is counted from the offer to the recorded end, and by later leaders too', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const here = testPart(invoice, { amountMsat: 6_000n, autoFailHeight: 1_100 });
    const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
    const open = testPart(testInvoice(9_000n), {
      amountMsat: 2_000n,
      totalMsat: 9_000n,
      autoFailHeight: 1_200,
    });
    expect(rig.supervisor.heldOn(ALICE)).toEqual(NOTHING);
    rig.alice.offer(here.offer);
    // In the onion worker: held, and its amount not looked at yet.
    expect(rig.supervisor.heldOn(ALICE)).toMatchObject({ parts: 1 });
    await turns();
    await rig.pay(there, open);
    expect(rig.supervisor.heldOn(ALICE)).toEqual({ parts: 2, msat: 8_000n, lastHeight: 1_200 });
    expect(rig.supervisor.heldOn(BOB)).toMatchObject({ parts: 1, msat: 4_000n });
    await rig.settle(invoice.paymentHash);

    const next = await startRig({ at: rig.store, clock: rig.clock });
    // Decided by the one before, not heard of since.
    expect(next.supervisor.heldOn(ALICE)).toEqual({ parts: 1, msat: 6_000n, lastHeight: 1_100 });
    next.alice.held.set(here.id, here.offer);
    next.alice.resolve(here.id, true);
    await next.clock.advance(50);
    expect(next.supervisor.heldOn(ALICE)).toEqual(NOTHING);
    // What is over counts neither here nor for the one after.
    const last = await startRig({ at: rig.store, clock: rig.clock });
    expect(last.supervisor.heldOn(ALICE)).toEqual(NOTHING);
    expect(last.supervisor.heldOn(BOB)).toMatchObject({ parts: 1, msat: 4_000n });
    last.bob.held.set(there.id, there.offer);
    last.bob.resolve(there.id, true);
    await last.clock.advance(50);
    expect(last.supervisor.heldOn(BOB)).toEqual(NOTHING);
  });

  it('is counted while a failure is not final', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice, { autoFailHeight: 1_100 });
    await rig.pay(part);
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    expect(rig.supervisor.heldOn(ALICE)).toMatchObject({ parts: 1 });
    const next = await startRig({ at: rig.store, clock: rig.clock });
    expect(next.supervisor.heldOn(ALICE)).toEqual({ parts: 1, msat: 0n, lastHeight: 1_100 });
    next.alice.held.set(part.id, part.offer);
    next.alice.resolve(part.id, false);
    await next.clock.advance(50);
    expect(next.supervisor.heldOn(ALICE)).toEqual(NOTHING);
  });
});

describe('a node that refuses parts', () => {
  const CODE = { kind: 'code', code: 'temporary_channel_failure' };

  /** A rig of which some nodes refuse parts, as the test goes along. */
  async function refusal(options: RigOptions = {}, refusing = new Set<NodeId>([ALICE])) {
    const rig = await startRig({ ...options, refusesParts: (nodeId) => refusing.has(nodeId) });
    return { rig, refusing };
  }

  it('fails new ones in its own name; held ones go on, and other nodes take payments', async () => {
    const { rig, refusing } = await refusal({}, new Set());
    const invoice = testInvoice(10_000n);
    const held = testPart(invoice);
    await rig.pay(held);
    refusing.add(ALICE);
    const late = testPart(testInvoice(10_000n));
    const elsewhere = testPart(testInvoice(7_000n), { nodeId: BOB });
    await rig.pay(late, elsewhere);
    expect(rig.alice.answers).toEqual([{ ...CODE, id: late.id }]);
    expect(rig.accepted).toHaveLength(2);
    // Its stream breaks, and lnd offers what it holds again.
    rig.alice.process();
    rig.alice.disconnect();
    rig.alice.connect();
    await turns();
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });
    expect(rig.alice.answers.at(-1)).toMatchObject({ kind: 'settle', id: held.id });
    await rig.clock.advance(50);
    expect(rig.store.tables.fails.size).toBe(0);
    expect(rig.store.tables.events.filter(({ event }) => event === 'part.refused')).toMatchObject([
      {
        to: 'failed',
        details: { node: ALICE, htlcId: String(late.offer.key.htlcId), reason: 'node_draining' },
      },
    ]);
  });

  it('says so for ever, also when the order has ended and another process leads', async () => {
    const { rig, refusing } = await refusal();
    const invoice = testInvoice(10_000n);
    const here = testPart(invoice, { amountMsat: 6_000n });
    const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
    await rig.pay(here, there);
    expect(rig.alice.answers).toHaveLength(1);
    refusing.clear();
    // The answer is lost with the stream.
    rig.alice.disconnect();
    rig.alice.connect();
    await turns();
    expect(rig.alice.answers.slice(1)).toEqual([{ ...CODE, id: here.id }]);
    const { rig: next } = await refusal({ at: rig.store, clock: rig.clock }, new Set());
    await next.pay(here, there);
    expect(next.alice.answers).toEqual([{ ...CODE, id: here.id }]);
    expect(next.accepted).toEqual([]);
    next.alice.process();
    await next.clock.advance(50);
    expect(next.store.tables.fails.size).toBe(0);
    expect(next.supervisor.heldOn(ALICE)).toEqual(NOTHING);
  });

  it.each(['ambiguousCommitted', 'ambiguousLost', 'throw'] as const)(
    'says nothing before it is durable (%s)',
    async (fate) => {
      const { rig } = await refusal();
      rig.session.decideFates.push(fate);
      const part = testPart(testInvoice(10_000n));
      await rig.pay(part);
      rig.alice.offerAgain(part.id);
      expect(rig.alice.answers).toEqual([]);
      expect(rig.supervisor.heldOn(ALICE)).toMatchObject({ parts: 1 });
      await rig.clock.advance(100);
      expect(rig.alice.answers).toEqual([{ ...CODE, id: part.id }]);
    },
  );

  it('tries again where the database did not take it; by then the order may have ended', async () => {
    const { rig, refusing } = await refusal();
    rig.session.decideFates.push('fail', 'fail');
    const [invoice, other] = [testInvoice(10_000n), testInvoice(7_000n)];
    await rig.pay(testPart(invoice));
    await rig.clock.advance(1_000);
    expect(rig.alice.answers).toEqual([]);
    refusing.clear();
    await rig.clock.advance(1_000);
    expect(rig.accepted).toMatchObject([{ paymentHash: invoice.paymentHash }]);
    refusing.add(ALICE);
    rig.session.decideFates.push('fail');
    const late = testPart(other);
    await rig.pay(late);
    await rig.clock.advance(1_050);
    expect(rig.alice.answers).toEqual([{ ...CODE, id: late.id }]);
  });

  it('leaves a part alone of which something else is stored', async () => {
    const { rig } = await refusal();
    const part = testPart(testInvoice(10_000n));
    const { key, autoFailHeight } = part.offer;
    const paymentHash = testInvoice(1n).paymentHash;
    const fail = {
      key,
      paymentHash,
      autoFailHeight,
      reason: 'canceled',
      failureOnion: new Uint8Array(),
    } as const;
    rig.store.tables.fails.set(part.id, { ...fail, setId: setIdOf([key]) });
    await rig.pay(part);
    await rig.clock.advance(5_000);
    expect(rig.alice.answers).toEqual([]);
    expect(rig.log.of('Refusal of a part contradicts what is stored: it is left to its node')).toHaveLength(
      1,
    );
  });
});
