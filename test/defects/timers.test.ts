import { describe, expect, it } from 'vitest';
import { startRig } from '../actors/rig.ts';
import { testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';

describe('timers of the Go program that outlived what they were for', () => {
  it('D22 a stale hold timer meets a set that does not have its part any more', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const half = () => testPart(invoice, { amountMsat: 5_000n });
    await rig.pay(half());
    await rig.clock.advance(20_000);
    await rig.pay(half());
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    const retry = half();
    await rig.pay(retry);
    // The first part's hold ends here: 60 s after it came, 40 s after the retry.
    await rig.clock.advance(40_000);
    expect(rig.alice.answersTo(retry.id)).toEqual([]);
    await rig.clock.advance(20_000);
    expect(rig.alice.answersTo(retry.id)).toMatchObject([{ kind: 'fail' }]);
  });

  it('D23 a stale accept timer does not end the set that came after', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    await rig.clock.advance(100_000);
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    const retry = testPart(invoice);
    await rig.pay(retry);
    // The first set's accept timer would have fired 20 s from now.
    await rig.clock.advance(110_000);
    expect(rig.alice.answersTo(retry.id)).toEqual([]);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });
  });

  it('D24 a part that comes back has the whole hold for itself', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice, { amountMsat: 5_000n });
    await rig.pay(part);
    await rig.clock.advance(50_000);
    // lnd gave it back and the sender sends another one: no timer of the first is left.
    rig.alice.resolve(part.id, false);
    await turns();
    const again = testPart(invoice, { amountMsat: 5_000n });
    await rig.pay(again);
    await rig.clock.advance(59_999);
    expect(rig.alice.answersTo(again.id)).toEqual([]);
    await rig.clock.advance(1);
    expect(rig.alice.answersTo(again.id)).toMatchObject([{ kind: 'fail' }]);
  });

  it('D53 timers go with what they were for: none is left when nothing is held', async () => {
    const rig = await startRig();
    const before = rig.clock.pending;
    for (let round = 0; round < 50; round++) {
      const invoice = testInvoice(10_000n);
      await rig.pay(testPart(invoice));
      await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
      rig.alice.process();
    }
    await rig.clock.advance(1_000);
    expect(rig.clock.pending).toBeLessThanOrEqual(before);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0 });
  });
});
