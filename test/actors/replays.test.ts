import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/domain/hash.ts';
import { ALICE, BOB, type TestPart, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { type Rig, type RigOptions, startRig } from './rig.ts';

const REQUESTED = { result: 'requested' };

/** A payment over both nodes that the application has heard of. */
async function splitPayment(options: RigOptions = {}) {
  const rig = await startRig(options);
  const invoice = testInvoice(10_000n);
  const here = testPart(invoice, { amountMsat: 6_000n });
  const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
  await rig.pay(here, there);
  return { rig, invoice, hash: invoice.paymentHash, here, there };
}

/** The process dies and another one takes over; the nodes still hold what was not resolved. */
async function restart(rig: Rig, options: RigOptions = {}, hangingIsWritten = true): Promise<Rig> {
  rig.session.kill(hangingIsWritten);
  await turns();
  const next = await startRig({ ...options, at: rig.store, height: rig.supervisor.height });
  for (const [from, to] of [
    [rig.alice, next.alice],
    [rig.bob, next.bob],
  ] as const) {
    for (const offer of from.held.values()) to.offer(offer);
    for (const [id, settled] of from.finals) to.finals.set(id, settled);
  }
  await turns();
  return next;
}

describe('an HTLC that is offered again', () => {
  it('is not peeled again and joins nothing twice while its set is collecting or complete', async () => {
    const { rig, here } = await splitPayment();
    const other = testPart(testInvoice(5n), { amountMsat: 3n });
    await rig.pay(other);
    const peeled = rig.peeled();
    for (let i = 0; i < 3; i += 1) {
      for (const part of [here, other]) rig.alice.offerAgain(part.id);
      rig.alice.disconnect();
      rig.alice.connect();
      await turns();
    }
    expect(rig.peeled()).toBe(peeled);
    expect(rig.accepted).toHaveLength(1);
    expect(rig.alice.answers).toEqual([]);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 3, invoices: 2 });
  });

  it('while it is in the onion worker or waits for the database counts once', async () => {
    const rig = await startRig({ hashesRead: false });
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice, { amountMsat: 5_000n });
    rig.session.failingReads = 3;
    rig.alice.offer(part.offer);
    rig.alice.offerAgain(part.id);
    await turns();
    rig.alice.disconnect();
    rig.alice.connect();
    await rig.clock.advance(1_000);
    expect(rig.peeled()).toBe(1);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 1, admitting: 0 });
    expect(rig.accepted).toEqual([]);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    expect(rig.accepted).toHaveLength(1);
  });

  it('was given back while it waited for the database: nothing is held', async () => {
    const rig = await startRig({ hashesRead: false });
    rig.session.failingReads = 1;
    const part = testPart(testInvoice(10_000n));
    await rig.pay(part);
    rig.alice.resolve(part.id, false);
    await rig.clock.advance(1_000);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, admitting: 0, invoices: 0 });
    expect(rig.accepted).toEqual([]);
  });

  it('is not looked up when it is of a hash without a row', async () => {
    const rig = await startRig();
    const first = testInvoice(10_000n);
    await rig.pay(testPart(first));
    expect([rig.accepted.length, rig.session.reads]).toEqual([1, 0]);
    await rig.settle(first.paymentHash);
    await turns();
    rig.alice.process();
    await rig.clock.advance(50);
    expect(rig.supervisor.stats()).toMatchObject({ invoices: 0 });
    // Another HTLC of a paid invoice: only the row knows, whoever wrote it.
    const late = testPart(first);
    await rig.pay(late);
    expect(rig.session.reads).toBe(1);
    const next = await startRig({ at: rig.store });
    await next.pay(testPart(first));
    expect(next.session.reads).toBe(1);
    expect([rig.accepted.length, next.accepted.length]).toEqual([1, 0]);
  });

  it('of those that are not decided, those that their node does not offer are missed', async () => {
    const rig = await startRig();
    const missing = (node: NodeId) => [...rig.supervisor.missing(node)].map(({ htlcId }) => htlcId);
    const [waiting, gone, settled] = [testInvoice(10_000n), testInvoice(10_000n), testInvoice(10_000n)].map(
      (i) => testPart(i),
    );
    await rig.pay(waiting!, gone!, settled!);
    await rig.settle(settled!.offer.paymentHash);
    await turns();
    expect(missing(ALICE)).toEqual([]);
    rig.alice.disconnect();
    expect(missing(ALICE)).toEqual([waiting!, gone!].map(({ offer }) => offer.key.htlcId));
    rig.alice.held.delete(gone!.id);
    rig.alice.connect();
    await turns();
    expect(missing(ALICE)).toEqual([gone!.offer.key.htlcId]);
    expect(missing(BOB)).toEqual([]);
    // Its end, once it is looked up, is the end of its set.
    rig.supervisor.finalised(rig.alice, { key: gone!.offer.key, settled: false, offChain: false });
    await rig.clock.advance(200);
    expect(missing(ALICE)).toEqual([]);
    expect(rig.log.ofHtlc(gone!.id).map(({ fields }) => fields.outcome)).toContain('part_lost');
  });

  it('after the release is settled again, as often as it comes', async () => {
    const { rig, hash, here, invoice } = await splitPayment();
    await rig.settle(hash);
    const peeled = rig.peeled();
    for (let i = 2; i < 5; i += 1) {
      rig.alice.disconnect();
      rig.alice.connect();
      expect(rig.alice.answersTo(here.id)).toEqual(
        Array(i).fill({ kind: 'settle', id: here.id, preimage: invoice.preimage }),
      );
    }
    expect(rig.peeled()).toBe(peeled);
    expect(rig.session.batches).toHaveLength(1);
  });

  it('was settled and final: the row still says settle', async () => {
    const { rig, hash, here, invoice } = await splitPayment();
    await rig.settle(hash);
    const { offer } = here;
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(50);
    expect(rig.supervisor.stats().invoices).toBe(0);
    rig.alice.offer(offer);
    await turns();
    expect(rig.alice.answers.at(-1)).toEqual({ kind: 'settle', id: here.id, preimage: invoice.preimage });
    expect(rig.alice.answersTo(here.id)).toHaveLength(2);
  });

  it('another HTLC for a settled invoice fails', async () => {
    const { rig, hash, invoice } = await splitPayment();
    await rig.settle(hash);
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(50);
    const late = testPart(invoice, { nodeId: BOB });
    await rig.pay(late);
    const [answer] = rig.bob.answersTo(late.id);
    expect(answer?.kind === 'fail' && late.read(answer.onion)).toMatchObject({ code: 0x400f, height: 1_000 });
    expect(rig.store.tables.rows.get(hash)?.invoice.status).toBe('SETTLED');
    rig.bob.process();
    await rig.clock.advance(50);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0 });
  });

  it('with the lookup failing at first is answered as soon as the database is back', async () => {
    const { rig, hash, here, invoice } = await splitPayment();
    await rig.settle(hash);
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(50);
    rig.session.failingReads = 4;
    rig.alice.offer(here.offer);
    await turns();
    expect(rig.alice.answersTo(here.id)).toHaveLength(1);
    await rig.clock.advance(2_000);
    expect(rig.alice.answersTo(here.id).at(-1)).toMatchObject({ kind: 'settle', preimage: invoice.preimage });
  });
});

describe('a node that is away', () => {
  it('lets the request wait, durably; the set is released when its part is offered again', async () => {
    const { rig, hash, here, there } = await splitPayment();
    rig.alice.disconnect();
    expect(await rig.settle(hash)).toEqual(REQUESTED);
    expect(rig.store.tables.rows.get(hash)?.invoice).toMatchObject({ released: false });
    await rig.clock.advance(200_000);
    expect(rig.bob.answers).toEqual([]);
    expect(rig.supervisor.stats().waitingForBarrier).toBe(1);
    rig.alice.connect();
    await turns();
    expect(rig.alice.answersTo(here.id)).toMatchObject([{ kind: 'settle' }]);
    expect(rig.bob.answersTo(there.id)).toMatchObject([{ kind: 'settle' }]);
  });

  it('for too long: the set is aborted at the margin, durably and for ever', async () => {
    const { rig, hash, here, there } = await splitPayment();
    rig.alice.disconnect();
    await rig.settle(hash);
    const setId = rig.setOf(hash);
    rig.bob.block(1_054);
    await turns();
    expect(rig.bob.answers).toEqual([]);
    rig.bob.block(1_055);
    await turns();
    expect(rig.bob.answersTo(there.id)).toMatchObject([{ kind: 'fail' }]);
    rig.alice.connect();
    await turns();
    expect(rig.alice.answersTo(here.id)).toMatchObject([{ kind: 'fail' }]);
    expect(await rig.supervisor.settle(hash, setId)).toMatchObject({ result: 'failed_precondition' });
    expect(await rig.supervisor.cancel(hash, setId)).toEqual({ result: 'settle_already_requested' });
    expect(rig.store.tables.rows.get(hash)?.invoice).toMatchObject({
      status: 'FAILED',
      cause: 'deadline_reached',
    });
  });

  it('that is not synced counts as away', async () => {
    const { rig, hash } = await splitPayment();
    rig.bob.setReady(false);
    expect(await rig.settle(hash)).toEqual(REQUESTED);
    expect([...rig.alice.answers, ...rig.bob.answers]).toEqual([]);
    rig.bob.setReady(true);
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
    expect(rig.bob.answers).toMatchObject([{ kind: 'settle' }]);
  });

  it('leaves between the write and its acknowledgement: the last look holds the preimage back', async () => {
    const { rig, hash } = await splitPayment();
    rig.session.decideFates.push('hang');
    const settling = rig.settle(hash);
    await turns();
    rig.alice.disconnect();
    rig.session.resume();
    expect(await settling).toEqual(REQUESTED);
    expect(rig.bob.answers).toEqual([]);
    rig.alice.connect();
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
    expect(rig.bob.answers).toMatchObject([{ kind: 'settle' }]);
  });

  it('comes within the margin while a release is in doubt: nothing is sent, and all parts fail', async () => {
    const { rig, hash } = await splitPayment();
    rig.session.decideFates.push('ambiguousCommitted', 'hang');
    void rig.settle(hash);
    await rig.clock.advance(100);
    rig.alice.block(1_055);
    await turns();
    rig.session.resume();
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail' }]);
    expect(rig.bob.answers).toMatchObject([{ kind: 'fail' }]);
    expect(rig.store.tables.rows.get(hash)?.invoice.status).toBe('FAILED');
  });
});

describe('what happened to an HTLC', () => {
  it('is in the log and in the events, from its arrival to its end, under its payment hash', async () => {
    const { rig, hash, here } = await splitPayment();
    await rig.settle(hash);
    rig.alice.process();
    await rig.clock.advance(200);
    const logged = rig.log.ofHtlc(here.id);
    expect(logged.every(({ fields }) => fields.hash === hash)).toBe(true);
    expect(logged.map(({ message }) => message)).toEqual([
      'Htlc received',
      'Sending settle resolution',
      'Htlc final resolution received',
    ]);
    expect(logged.at(-1)?.fields).toMatchObject({ settled: true, offChain: true });
    const events = await rig.session.eventsByHash(hash);
    expect(events.map(({ event }) => event).sort()).toEqual(
      ['htlc.settled', 'part.added', 'part.added', 'settle.requested'].sort(),
    );
  });
});

describe('finals that are reported twice', () => {
  const twice = async (rig: Rig, part: TestPart) => {
    rig.alice.resolve(part.id, false, 2);
    await rig.clock.advance(50);
  };

  it('of a refused part leave the set beside it alone: its release still waits for its node', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const here = testPart(invoice, { amountMsat: 6_000n });
    const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
    await rig.pay(here, there);
    const late = testPart(invoice, { amountMsat: 1n });
    await rig.pay(late);
    await twice(rig, late);
    rig.bob.disconnect();
    expect(await rig.settle(invoice.paymentHash)).toEqual(REQUESTED);
    expect(rig.store.tables.rows.get(invoice.paymentHash)?.invoice.released).toBe(false);
    expect(rig.alice.answersTo(here.id)).toEqual([]);
    rig.bob.connect();
    await turns();
    expect(rig.alice.answersTo(here.id)).toMatchObject([{ kind: 'settle' }]);
    expect(rig.bob.answersTo(there.id)).toMatchObject([{ kind: 'settle' }]);
  });

  it('of a whole set, recorded in two batches, leave the next attempt alone', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const first = testPart(invoice);
    await rig.pay(first);
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    rig.alice.resolve(first.id, false);
    rig.session.finaliseFates.push('hang');
    await rig.clock.advance(8);
    const final = { key: first.offer.key, settled: false, offChain: true };
    rig.supervisor.finalised(rig.alice, final);
    rig.session.finaliseFates.push('hang');
    rig.session.resume();
    await turns();
    // The first record has ended the set; the second is under way.
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    rig.session.resume();
    await turns();
    await rig.pay(testPart(invoice, { amountMsat: 5_000n, nodeId: BOB }));
    expect(rig.accepted).toHaveLength(2);
    expect(await rig.settle(invoice.paymentHash)).toEqual(REQUESTED);
    expect(rig.alice.answers.at(-1)).toMatchObject({ kind: 'settle' });
    expect(rig.bob.answers.at(-1)).toMatchObject({ kind: 'settle' });
  });
});

describe('an offer from the chain', () => {
  it('of a released part is settled; of a failed, held or unknown one there is silence', async () => {
    const { rig, hash, here } = await splitPayment();
    const held = testPart(testInvoice(5n), { amountMsat: 3n });
    const failed = testPart(testInvoice(5n));
    await rig.pay(held, failed);
    await rig.supervisor.cancel(failed.offer.paymentHash, rig.setOf(failed.offer.paymentHash));
    await rig.settle(hash);
    const before = rig.alice.answers.length;
    for (const part of [here, held, failed])
      rig.alice.offerAgain(part.id, { onChain: true, autoFailHeight: 0 });
    await rig.pay(testPart(testInvoice(5n), { onChain: true, autoFailHeight: 0 }));
    await rig.clock.advance(1_000);
    expect(rig.alice.answers.slice(before)).toMatchObject([{ kind: 'settle', id: here.id }]);
  });

  it('after a restart and after the end of the invoice: settled if the row says so, else silence', async () => {
    const { rig, hash, here, there, invoice } = await splitPayment();
    await rig.settle(hash);
    rig.alice.process();
    rig.bob.process();
    await rig.clock.advance(50);
    rig.alice.offer({ ...here.offer, onChain: true, autoFailHeight: 0 });
    await turns();
    expect(rig.alice.answers.at(-1)).toEqual({ kind: 'settle', id: here.id, preimage: invoice.preimage });
    const next = await restart(rig);
    next.bob.offer({ ...there.offer, onChain: true, autoFailHeight: 0 });
    next.bob.offer({ ...testPart(invoice, { nodeId: BOB }).offer, onChain: true, autoFailHeight: 0 });
    await turns();
    expect(next.bob.answers).toMatchObject([{ kind: 'settle', id: there.id }]);
  });

  it('of a set that was requested and aborted is never settled', async () => {
    const { rig, hash, there } = await splitPayment();
    rig.alice.disconnect();
    await rig.settle(hash);
    rig.bob.block(1_055);
    await turns();
    rig.bob.process();
    await rig.clock.advance(50);
    rig.bob.offer({ ...there.offer, onChain: true, autoFailHeight: 0 });
    await turns();
    expect(rig.bob.answers.map((a) => a.kind)).toEqual(['fail']);
  });
});
