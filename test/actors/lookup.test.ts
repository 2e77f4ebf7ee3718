import { describe, expect, it } from 'vitest';
import { FakeStore } from '../support/fakeStore.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { applicationOf, lookup } from './applicationRig.ts';
import { type Rig, startRig } from './rig.ts';

/** An invoice of 10,000 msat in two parts, 6,000 at alice and 4,000 at bob. */
function inTwoParts() {
  const invoice = testInvoice(10_000n);
  const here = testPart(invoice, { amountMsat: 6_000n });
  const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
  return { hash: invoice.paymentHash, invoice, here, there };
}

/** Settlement is requested while bob is away. */
async function requestedWithoutBob(rig: Rig) {
  const payment = inTwoParts();
  await rig.pay(payment.here, payment.there);
  rig.bob.disconnect();
  expect(await rig.settle(payment.hash)).toEqual({ result: 'requested' });
  return payment;
}

describe('a look at an invoice', () => {
  it('of which nothing is known', async () => {
    const rig = await startRig();
    expect(await applicationOf(rig).lookupInvoice(testInvoice(1n).paymentHash)).toEqual({
      result: 'not_found',
    });
  });

  it('that is incomplete: what is here, what is missing, and for how long it waits', async () => {
    const rig = await startRig();
    const { hash, here } = inTwoParts();
    await rig.pay(here);
    await rig.clock.advance(20_500);
    const report = await lookup(applicationOf(rig), hash);
    expect(report).toMatchObject({
      state: 'open',
      phase: 'collecting',
      explanation: 'Waits for the rest of the payment: 6000 of 10000 msat are here, for at most 39 s more.',
      failureReason: undefined,
      setId: undefined,
      amountMsat: 10_000n,
      totalMsat: 10_000n,
      receivedMsat: 6_000n,
      settledMsat: 0n,
      timeoutMs: 39_500,
      sequenceNumber: undefined,
    });
    const { autoFailHeight, outgoingExpiry } = here.offer;
    expect(report.parts).toEqual([
      {
        key: here.offer.key,
        nodeName: 'alice',
        amountMsat: 6_000n,
        feeMsat: here.offer.incomingAmountMsat - 6_000n,
        cltvExpiry: outgoingExpiry,
        autoFailHeight,
        status: 'held',
        failureReason: undefined,
      },
    ]);
    expect(report.deadline).toEqual({ height: autoFailHeight - 6, blocksLeft: autoFailHeight - 6 - 1_000 });
  });

  it('that waits for the application, and afterwards why it was given back', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const { hash, here, there } = inTwoParts();
    await rig.pay(here, there);
    await rig.clock.advance(60_000);
    expect(await lookup(app, hash)).toMatchObject({
      state: 'accepted',
      phase: 'complete',
      explanation: 'Waits for the application to settle or cancel, for at most 60 s more.',
      setId: rig.setOf(hash),
      receivedMsat: 10_000n,
      timeoutMs: 60_000,
    });
    await rig.clock.advance(60_000);
    expect(await lookup(app, hash)).toMatchObject({
      state: 'open',
      phase: 'failed',
      explanation: 'Given back: the application did not decide in time.',
      failureReason: 'accept_timeout',
      setId: undefined,
      receivedMsat: 0n,
      deadline: undefined,
      timeoutMs: undefined,
      parts: [
        { status: 'failing', failureReason: 'accept_timeout' },
        { status: 'failing', failureReason: 'accept_timeout' },
      ],
    });
    // Nothing is left in memory; the journal knows.
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(200);
    expect(rig.supervisor.memory.known(hash)).toEqual({ entry: undefined, row: undefined });
    expect(await lookup(app, hash)).toMatchObject({
      state: 'open',
      phase: 'none',
      explanation: 'The last payment was given back: the application did not decide in time.',
      failureReason: 'accept_timeout',
      parts: [],
    });
  });

  it('that waits for a node says for which, and whether for the node or for its offer', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const { hash, there } = await requestedWithoutBob(rig);
    const report = await lookup(app, hash);
    expect(report).toMatchObject({
      state: 'settle_requested',
      phase: 'requested',
      explanation: 'Settlement is requested, and the preimage waits for node bob to be connected and synced.',
      settleRequestedAt: rig.clock.now(),
      sequenceNumber: 1n,
      parts: [{ status: 'held' }, { status: 'absent', nodeName: 'bob' }],
    });
    expect(report.deadline?.blocksLeft).toBe(there.offer.autoFailHeight - 6 - 1_000);
    const offer = rig.bob.held.get(there.id)!;
    rig.bob.held.delete(there.id);
    rig.bob.connect();
    await turns();
    expect((await lookup(app, hash)).explanation).toBe(
      'Settlement is requested, and the preimage waits for node bob to offer its part again.',
    );
    rig.bob.offer(offer);
    await turns();
    expect(await lookup(app, hash)).toMatchObject({
      phase: 'released',
      explanation: 'The preimage is out. Waits for nodes alice and bob to report the end of 2 of 2 parts.',
      parts: [{ status: 'settling' }, { status: 'settling' }],
    });
    rig.alice.process();
    await rig.clock.advance(50);
    expect(await lookup(app, hash)).toMatchObject({
      explanation: 'The preimage is out. Waits for node bob to report the end of 1 of 2 parts.',
      parts: [{ status: 'settled' }, { status: 'settling' }],
    });
    rig.bob.process();
    await rig.clock.advance(50);
    expect(await lookup(app, hash)).toMatchObject({
      state: 'settled',
      phase: 'final',
      explanation: 'Paid: every part is settled.',
      settledMsat: 10_000n,
      parts: [{ status: 'settled' }, { status: 'settled' }],
    });
  });

  it('that was given up after settlement was requested', async () => {
    const rig = await startRig();
    const { hash, there } = await requestedWithoutBob(rig);
    rig.alice.block(there.offer.autoFailHeight - 6);
    await turns();
    const report = await lookup(applicationOf(rig), hash);
    expect(report).toMatchObject({
      state: 'failed',
      explanation: 'Failed: a part came too close to the height at which its node gives it back.',
      failureReason: 'deadline_reached',
      setId: rig.setOf(hash),
      settledMsat: 0n,
      finalizedAt: rig.clock.now(),
    });
    expect(report.parts.map(({ status }) => status)).toEqual(['failing', 'failing']);
  });

  it('whose write is in doubt says so, and does not call it requested', async () => {
    const rig = await startRig();
    const { hash, here, there } = inTwoParts();
    await rig.pay(here, there);
    rig.session.decideFates.push('ambiguousLost', 'hang');
    void rig.settle(hash);
    await rig.clock.advance(60);
    expect(await lookup(applicationOf(rig), hash)).toMatchObject({
      state: 'accepted',
      phase: 'releasing',
      explanation:
        'The release is being written: the database gave no clean answer, so the same write is repeated until it does.',
      timeoutMs: undefined,
    });
    rig.session.resume();
    await turns();
    expect(await lookup(applicationOf(rig), hash)).toMatchObject({
      state: 'settle_requested',
      phase: 'released',
    });
  });

  it('with a part too many: it is listed, and not counted', async () => {
    const rig = await startRig();
    const { hash, invoice, here, there } = inTwoParts();
    await rig.pay(here, there, testPart(invoice, { amountMsat: 1_000n, totalMsat: 10_000n }));
    const report = await lookup(applicationOf(rig), hash);
    expect(report).toMatchObject({ state: 'accepted', receivedMsat: 10_000n });
    expect(report.parts.map(({ status, failureReason }) => [status, failureReason])).toEqual([
      ['held', undefined],
      ['held', undefined],
      ['failing', 'invoice_not_open'],
    ]);
  });

  it('by the next leader, from rows: requested, released, and lost without a decision', async () => {
    const store = new FakeStore();
    const first = await startRig({ at: store });
    const waiting = await requestedWithoutBob(first);
    first.bob.connect();
    await turns();
    const { hash: undecided, here, there } = inTwoParts();
    await first.pay(here, there);
    await first.clock.advance(200);
    first.session.kill(false);
    const next = await startRig({ at: store });
    const app = applicationOf(next);
    expect(await lookup(app, waiting.hash)).toMatchObject({
      state: 'settle_requested',
      phase: 'released',
      explanation: 'The preimage is out. Waits for nodes alice and bob to report the end of 2 of 2 parts.',
      amountMsat: 10_000n,
      receivedMsat: 10_000n,
      setId: first.setOf(waiting.hash),
    });
    expect(await lookup(app, undecided)).toMatchObject({
      state: 'open',
      explanation:
        'Parts have come, and none is held at this moment. Their nodes offer them again, if they still can.',
    });
  });

  it('of a payment that ended before the journal had its parts', async () => {
    const unheard = await startRig({ subscribed: false, subscriberGraceMs: 0 });
    const refused = inTwoParts();
    await unheard.pay(refused.here);
    unheard.alice.process();
    await unheard.clock.advance(200);
    expect(await lookup(applicationOf(unheard), refused.hash)).toMatchObject({
      state: 'open',
      failureReason: 'no_accept_subscriber',
    });

    const rig = await startRig();
    const cancelled = inTwoParts();
    await rig.pay(cancelled.here, cancelled.there);
    await rig.clock.advance(10);
    await rig.supervisor.cancel(cancelled.hash, rig.setOf(cancelled.hash));
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(200);
    const stored = await rig.session.eventsByHash(cancelled.hash);
    expect(stored.at(-1)?.event).toBe('part.added');
    expect(await lookup(applicationOf(rig), cancelled.hash)).toMatchObject({
      state: 'open',
      failureReason: 'canceled',
    });
  });

  it('of an HTLC that was refused at once', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { incomingAmountMsat: 10_000n }));
    await rig.clock.advance(200);
    expect(await lookup(applicationOf(rig), invoice.paymentHash)).toMatchObject({
      state: 'open',
      explanation: 'The last HTLC with this hash was refused: fee_insufficient.',
      failureReason: 'fee_insufficient',
    });
  });

  it('while the database is away: what needs it says so, what is in memory is told', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const { hash, here, there } = inTwoParts();
    await rig.pay(here, there);
    rig.session.failingReads = 1;
    expect(await app.lookupInvoice(testInvoice(1n).paymentHash)).toMatchObject({ result: 'unavailable' });
    rig.session.failingReads = 1;
    expect((await lookup(app, hash)).state).toBe('accepted');
  });
});

describe('the time to decide, in the accepted event', () => {
  it('is what the timeout has left, also for a subscriber that comes late; none while a decision is written', async () => {
    const rig = await startRig();
    const { hash, here, there } = inTwoParts();
    await rig.pay(here, there);
    expect(rig.accepted).toMatchObject([{ timeoutMs: 120_000 }]);
    await rig.clock.advance(45_000);
    expect(await rig.supervisor.accepted.subscribe().next()).toMatchObject({ timeoutMs: 75_000 });
    rig.session.decideFates.push('hang', 'fail');
    void rig.settle(hash);
    await turns();
    expect(await rig.supervisor.accepted.subscribe().next()).toMatchObject({ timeoutMs: 0 });
  });

  it('begins anew when a settle request was certainly not written', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { nodeId: ALICE }));
    await rig.clock.advance(45_000);
    rig.session.decideFates.push('fail');
    expect(await rig.settle(invoice.paymentHash)).toMatchObject({ result: 'unavailable' });
    expect(await rig.supervisor.accepted.subscribe().next()).toMatchObject({ timeoutMs: 120_000 });
  });
});
