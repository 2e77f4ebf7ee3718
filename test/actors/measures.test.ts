import { beforeEach, describe, expect, it } from 'vitest';
import { CoreMeasures } from '../../src/actors/measures/coreMeasures.ts';
import { Distribution } from '../../src/actors/measures/distribution.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { startRig } from './rig.ts';

describe('a distribution', () => {
  it('puts each value into the first bucket that is large enough', () => {
    const distribution = new Distribution([1, 10]);
    for (const value of [0, 1, 1.5, 10, 11]) distribution.observe(value);
    expect([distribution.counts, distribution.sum]).toEqual([[2, 2, 1], 23.5]);
  });

  it('takes a clock that was set back for no time at all', () => {
    const distribution = new Distribution([1]);
    distribution.observeMs(-5_000);
    expect([distribution.counts, distribution.sum]).toEqual([[1, 0], 0]);
  });
});

describe('the core measures', () => {
  let measures: CoreMeasures;
  beforeEach(() => {
    measures = new CoreMeasures();
  });

  it('a settled payment: held, from accept to settle, from settle to final, and what it brought', async () => {
    const rig = await startRig({ measures });
    const invoice = testInvoice(10_000n);
    await rig.pay(
      testPart(invoice, { amountMsat: 4_000n }),
      testPart(invoice, { amountMsat: 6_000n, nodeId: BOB, autoFailHeight: 1_050 }),
    );
    expect(rig.supervisor.heldOf(ALICE)).toEqual({ count: 1, msat: 4_000n });
    expect(rig.supervisor.heldOf(BOB)).toEqual({ count: 1, msat: 6_000n });
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 2, acceptedSets: 1, nearestDeadline: 1_044 });
    await rig.clock.advance(2_000);
    await rig.settle(invoice.paymentHash);
    await rig.clock.advance(7_000);
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(100);
    expect(measures.acceptToSettle.sum).toBe(2);
    expect(measures.settleToFinal.sum).toBeCloseTo(7, 0);
    expect(measures.settleToFinal.counts.reduce((sum, count) => sum + count)).toBe(1);
    expect([measures.settledInvoices, measures.settledMsat]).toEqual([1, 10_000n]);
    expect(measures.decisions.batchSize.sum).toBe(1);
    expect(measures.finals.batchSize.sum).toBe(2);
    expect(rig.supervisor.heldOf(ALICE)).toEqual({ count: 0, msat: 0n });
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, nearestDeadline: undefined });
  });

  it('replays of a decided HTLC change nothing', async () => {
    const rig = await startRig({ measures });
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice);
    await rig.pay(part);
    await rig.settle(invoice.paymentHash);
    await turns();
    await rig.clock.advance(5_000);
    rig.alice.offerAgain(part.id);
    await turns();
    expect(rig.alice.answersTo(part.id)).toHaveLength(2);
    expect([measures.acceptToSettle.sum, measures.acceptToSettle.counts[0]]).toEqual([0, 1]);
  });

  it('refusals by reason: of strangers, of limits, and those that are decisions', async () => {
    const rig = await startRig({ measures, limits: { maxHeldHtlcs: 1 } });
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { paymentAddr: new Uint8Array(32) }));
    await rig.pay(testPart(invoice, { amountMsat: 4_000n }));
    await rig.pay(testPart(invoice, { amountMsat: 6_000n }));
    await rig.clock.advance(60_000);
    expect(Object.fromEntries(measures.rejectedHtlcs.entries())).toEqual({
      address_mismatch: 1,
      too_many_htlcs: 1,
      too_many_htlcs_of_node: 0,
    });
    expect(Object.fromEntries(measures.failedHtlcs.entries())).toMatchObject({ mpp_timeout: 1, canceled: 0 });
  });

  it('a payment of which a part was lost', async () => {
    const rig = await startRig({ measures });
    const invoice = testInvoice(10_000n);
    const [kept, lost] = [
      testPart(invoice, { amountMsat: 4_000n }),
      testPart(invoice, { amountMsat: 6_000n, nodeId: BOB }),
    ];
    await rig.pay(kept, lost);
    await rig.settle(invoice.paymentHash);
    await turns();
    rig.alice.process();
    rig.bob.resolve(lost.id, false);
    await rig.clock.advance(100);
    expect(measures.failedInvoices.of('partially_settled')).toBe(1);
    expect(measures.partiallySettledMsat).toBe(4_000n);
    expect(measures.settledInvoices).toBe(0);
  });

  it('what is settled, not final and close to its expiry, until it is final', async () => {
    const rig = await startRig({ measures });
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice, { autoFailHeight: 1_050 });
    await rig.pay(part);
    await rig.settle(invoice.paymentHash);
    await turns();
    rig.alice.block(1_043);
    expect(rig.supervisor.stats()).toMatchObject({ overdue: { parts: 0, msat: 0n }, nearestDeadline: 1_044 });
    rig.alice.block(1_044);
    expect(rig.supervisor.stats()).toMatchObject({ overdue: { parts: 1, msat: 10_000n } });
    expect(rig.supervisor.stats().nearestDeadline).toBeUndefined();
    rig.alice.process();
    await rig.clock.advance(100);
    expect(rig.supervisor.stats().overdue).toEqual({ parts: 0, msat: 0n });
  });

  it('a database that gives no answer: failures, and the lag of what waits', async () => {
    const rig = await startRig({ measures });
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    rig.session.decideFates.push(...Array.from({ length: 50 }, () => 'ambiguousLost' as const));
    void rig.settle(invoice.paymentHash);
    await rig.clock.advance(3_000);
    expect(measures.decisions.ambiguous).toBeGreaterThan(2);
    expect(rig.supervisor.stats()).toMatchObject({ decisionsQueued: 1, decisionsLagMs: 3_000 });
  });
});
