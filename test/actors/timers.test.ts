import { describe, expect, it } from 'vitest';
import { BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { startRig } from './rig.ts';

describe('timeouts', () => {
  it('an incomplete set ends in mpp_timeout, every part of it, and the invoice can be paid again', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const parts = [
      testPart(invoice, { amountMsat: 4_000n }),
      testPart(invoice, { amountMsat: 5_000n, nodeId: BOB }),
    ];
    await rig.pay(...parts);
    await rig.clock.advance(59_999);
    expect([...rig.alice.answers, ...rig.bob.answers]).toEqual([]);
    await rig.clock.advance(1);
    for (const [i, link] of [rig.alice, rig.bob].entries()) {
      const [answer] = link.answers;
      expect(answer?.kind === 'fail' && parts[i]!.read(answer.onion)).toEqual({
        code: 0x17,
        name: 'mpp_timeout',
      });
    }
    await rig.pay(testPart(invoice));
    expect(rig.accepted).toHaveLength(1);
  });

  it('the hold ends with the invoice', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n, 1_700_000_020);
    await rig.pay(testPart(invoice, { amountMsat: 4_000n }));
    await rig.clock.advance(20_000);
    expect(rig.alice.answers).toHaveLength(1);
  });

  it('a complete set that nobody decides upon fails with 400f, and can not be cancelled or settled then', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice);
    await rig.pay(part);
    const setId = rig.setOf(invoice.paymentHash);
    await rig.clock.advance(119_999);
    expect(rig.alice.answers).toEqual([]);
    await rig.clock.advance(1);
    const [answer] = rig.alice.answers;
    expect(answer?.kind === 'fail' && part.read(answer.onion)).toMatchObject({ code: 0x400f });
    expect(await rig.supervisor.cancel(invoice.paymentHash, setId)).toEqual({ result: 'not_found' });
    expect(await rig.supervisor.settle(invoice.paymentHash, setId)).toEqual({ result: 'not_found' });
  });

  it('timers of a cancelled set never touch the one that follows', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    await rig.clock.advance(50_000);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    expect(rig.alice.answers).toHaveLength(2);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    // The first set's hold would have ended here, and its accept timer 70 s from now.
    await rig.clock.advance(59_000);
    expect(rig.alice.answers).toHaveLength(2);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    await rig.clock.advance(119_000);
    expect(rig.alice.answers).toHaveLength(2);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });
  });

  it('a set is given up before its node gives a part back', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const early = testPart(invoice, { amountMsat: 5_000n, autoFailHeight: 1_030 });
    const late = testPart(invoice, { amountMsat: 5_000n, nodeId: BOB });
    await rig.pay(early, late);
    rig.bob.block(1_023);
    await turns();
    expect(rig.bob.answers).toEqual([]);
    rig.bob.block(1_024);
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail' }]);
    expect(rig.bob.answers).toMatchObject([{ kind: 'fail' }]);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'not_found' });
  });

  it('a part that is lost takes its deadline along: the rest of the set stays', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const early = testPart(invoice, { amountMsat: 5_000n, autoFailHeight: 1_030 });
    await rig.pay(early, testPart(invoice, { amountMsat: 5_000n, nodeId: BOB }));
    expect(rig.accepted).toHaveLength(1);
    const other = testInvoice(10_000n);
    const gone = testPart(other, { amountMsat: 1_000n, autoFailHeight: 1_030 });
    await rig.pay(gone, testPart(other, { amountMsat: 5_000n, nodeId: BOB }));
    rig.alice.resolve(gone.id, false);
    await turns();
    rig.bob.block(1_025);
    await turns();
    // The first set had the early part, the second has it no more.
    expect(rig.bob.answers).toHaveLength(1);
    await rig.pay(testPart(other, { amountMsat: 5_000n, nodeId: BOB }));
    expect(rig.accepted).toHaveLength(2);
  });

  it('blocks never go back: a node that lags does not loosen a check', async () => {
    const rig = await startRig();
    rig.bob.block(1_040);
    rig.alice.block(1_001);
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail' }]);
    expect(rig.supervisor.height).toBe(1_040);
  });

  it('a part that its node gave back makes a complete set fail', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const lost = testPart(invoice, { amountMsat: 5_000n });
    const kept = testPart(invoice, { amountMsat: 5_000n, nodeId: BOB });
    await rig.pay(lost, kept);
    rig.alice.resolve(lost.id, false);
    await turns();
    expect(rig.bob.answers).toMatchObject([{ kind: 'fail' }]);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'not_found' });
    expect(rig.alice.answers).toEqual([]);
  });

  it('what became of a part that its node gave back while the set was incomplete is in the events', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const lost = testPart(invoice, { amountMsat: 5_000n });
    await rig.pay(lost);
    rig.alice.resolve(lost.id, false);
    await rig.clock.advance(200);
    const events = await rig.session.eventsByHash(invoice.paymentHash);
    expect(events.map(({ event }) => event)).toEqual(['part.added', 'part.lost']);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0 });
  });
});

describe('subscribers', () => {
  const grace = { subscribed: false, subscriberGraceMs: 30_000 };
  const refusedFor = async (rig: Awaited<ReturnType<typeof startRig>>) => {
    const before = rig.alice.answers.length;
    await rig.pay(testPart(testInvoice(1_000n)));
    return rig.alice.answers.length > before;
  };

  it('the start counts as a departure, and so does every later one', async () => {
    const rig = await startRig(grace);
    await rig.clock.advance(29_999);
    expect(await refusedFor(rig)).toBe(false);
    await rig.clock.advance(1);
    expect(await refusedFor(rig)).toBe(true);
    const subscription = rig.subscribe();
    await rig.clock.advance(50_000);
    expect(await refusedFor(rig)).toBe(false);
    subscription.close();
    await rig.clock.advance(29_999);
    expect(await refusedFor(rig)).toBe(false);
    await rig.clock.advance(1);
    expect(await refusedFor(rig)).toBe(true);
  });

  it('a set that began with a subscriber is completed without one', async () => {
    const rig = await startRig(grace);
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    await rig.clock.advance(31_000);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    expect(rig.alice.answers).toEqual([]);
    rig.subscribe();
    await turns();
    expect(rig.accepted).toHaveLength(1);
  });
});
