import { describe, expect, it } from 'vitest';
import type { PaymentEvent } from '../../src/actors/ports/paymentObserver.ts';
import type { SetId } from '../../src/domain/hash.ts';
import { BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { startRig } from './rig.ts';

const WRONG = '00'.repeat(32) as SetId;
const NOT_FOUND = { result: 'not_found' };
const REQUESTED = { result: 'requested' };
const TOO_LATE = { result: 'settle_already_requested' };

async function acceptedSet(amountMsat = 10_000n) {
  const rig = await startRig();
  const invoice = testInvoice(amountMsat);
  const part = testPart(invoice);
  await rig.pay(part);
  return { rig, invoice, part, hash: invoice.paymentHash, setId: rig.setOf(invoice.paymentHash) };
}

describe('settle and cancel', () => {
  it('no set and no row: not found', async () => {
    const rig = await startRig();
    const { paymentHash } = testInvoice(1n);
    expect(await rig.supervisor.settle(paymentHash, WRONG)).toEqual(NOT_FOUND);
    expect(await rig.supervisor.cancel(paymentHash, WRONG)).toEqual(NOT_FOUND);
  });

  it('an incomplete set: not found, whatever the id', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { amountMsat: 9_999n }));
    expect(await rig.supervisor.settle(invoice.paymentHash, WRONG)).toEqual(NOT_FOUND);
    expect(await rig.supervisor.cancel(invoice.paymentHash, WRONG)).toEqual(NOT_FOUND);
  });

  it('a complete set: only its own id settles it; then every call is answered from the decision', async () => {
    const { rig, part, invoice, hash, setId } = await acceptedSet();
    expect(await rig.supervisor.settle(hash, WRONG)).toEqual(NOT_FOUND);
    expect(await rig.supervisor.cancel(hash, WRONG)).toEqual(NOT_FOUND);
    expect(rig.alice.answers).toEqual([]);
    expect(await rig.supervisor.settle(hash, setId)).toEqual(REQUESTED);
    expect(rig.alice.answers).toEqual([{ kind: 'settle', id: part.id, preimage: invoice.preimage }]);
    const calls = async () => [
      await rig.supervisor.settle(hash, WRONG),
      await rig.supervisor.settle(hash, setId),
      await rig.supervisor.cancel(hash, setId),
      await rig.supervisor.cancel(hash, WRONG),
    ];
    const answers = [NOT_FOUND, REQUESTED, TOO_LATE, NOT_FOUND];
    expect(await calls()).toEqual(answers);
    rig.alice.process();
    await rig.clock.advance(50);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0 });
    expect(await calls()).toEqual(answers);
    expect(rig.session.batches).toHaveLength(1);
  });

  it('concurrent settle calls share one decision', async () => {
    const { rig, hash, setId } = await acceptedSet();
    const calls = [1, 2, 3].map(() => rig.supervisor.settle(hash, setId));
    expect(await Promise.all(calls)).toEqual([REQUESTED, REQUESTED, REQUESTED]);
    expect(rig.session.batches.flat()).toHaveLength(1);
  });

  it('a cancelled set can never be settled, also when its part is offered again with the same set id', async () => {
    const { rig, part, hash, setId } = await acceptedSet();
    rig.session.decideFates.push('hang');
    const cancelled = rig.supervisor.cancel(hash, setId);
    await turns();
    // Not durable yet: nothing is said to anyone.
    expect(rig.alice.answers).toEqual([]);
    rig.session.resume();
    expect(await cancelled).toEqual({ result: 'canceled' });
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail' }]);
    // The answer is lost with the stream.
    rig.alice.disconnect();
    rig.alice.connect();
    await turns();
    expect(rig.accepted).toHaveLength(1);
    expect(await rig.supervisor.settle(hash, setId)).toEqual(NOT_FOUND);
    expect(await rig.supervisor.cancel(hash, setId)).toEqual(NOT_FOUND);
    expect(rig.alice.answersTo(part.id)).toHaveLength(2);
    expect(rig.alice.answers[1]).toEqual(rig.alice.answers[0]);
  });

  it('settle races cancel: one of them wins, both hear of it', async () => {
    for (const first of ['settle', 'cancel'] as const) {
      const { rig, hash, setId } = await acceptedSet();
      const settle = () => rig.supervisor.settle(hash, setId);
      const cancel = () => rig.supervisor.cancel(hash, setId);
      const calls = first === 'settle' ? [settle(), cancel()] : [cancel(), settle()];
      const [won, lost] = await Promise.all(calls);
      expect(won).toEqual(first === 'settle' ? REQUESTED : { result: 'canceled' });
      expect(lost).toEqual(first === 'settle' ? TOO_LATE : NOT_FOUND);
      expect(rig.alice.answers.map((a) => a.kind)).toEqual([first === 'settle' ? 'settle' : 'fail']);
    }
  });

  it('after an invoice failed, settle says so and cancel is too late', async () => {
    const { rig, part, hash, setId } = await acceptedSet();
    await rig.supervisor.settle(hash, setId);
    rig.alice.resolve(part.id, false);
    await turns();
    // Until it is recorded that it failed, settlement is just requested.
    expect(await rig.supervisor.settle(hash, setId)).toEqual(REQUESTED);
    await rig.clock.advance(50);
    const failed = { result: 'failed_precondition', reason: expect.stringContaining('failed') };
    expect(rig.store.tables.rows.get(hash)?.invoice).toMatchObject({
      status: 'FAILED',
      cause: 'parts_failed',
    });
    expect(await rig.supervisor.settle(hash, setId)).toEqual(failed);
    expect(await rig.supervisor.settle(hash, WRONG)).toEqual(NOT_FOUND);
    expect(await rig.supervisor.cancel(hash, setId)).toEqual(TOO_LATE);
  });

  it('with auto-settle the application has nothing to settle', async () => {
    const rig = await startRig({ autoSettle: true });
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    expect(rig.accepted).toHaveLength(1);
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
    expect(await rig.supervisor.settle(invoice.paymentHash, rig.setOf(invoice.paymentHash))).toMatchObject({
      result: 'unavailable',
    });
  });

  it('auto-settle does not try again what has ended in the meantime', async () => {
    const happened: string[] = [];
    const observer = { happened: (_hash: string, { type }: PaymentEvent) => void happened.push(type) };
    const rig = await startRig({ autoSettle: true, observer, rules: { acceptMs: 500 } });
    rig.session.decideFates.push('fail');
    await rig.pay(testPart(testInvoice(10_000n)));
    await rig.clock.advance(500);
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail' }]);
    rig.alice.process();
    await rig.clock.advance(5_000);
    expect(happened.filter((type) => type === 'settle.requested')).toHaveLength(1);
    expect(happened.at(-1)).toBe('payment.closed');
  });

  it('a write that certainly failed leaves the set complete; the next call settles it', async () => {
    const { rig, hash, setId } = await acceptedSet();
    rig.session.decideFates.push('fail');
    expect(await rig.supervisor.settle(hash, setId)).toEqual({ result: 'unavailable', reason: 'disk full' });
    expect(rig.alice.answers).toEqual([]);
    expect(await rig.supervisor.settle(hash, setId)).toEqual(REQUESTED);
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
  });

  it.each(['ambiguousCommitted', 'ambiguousLost', 'throw'] as const)(
    'an unclear write (%s) sends nothing until it is confirmed',
    async (fate) => {
      const { rig, hash, setId } = await acceptedSet();
      rig.session.decideFates.push(fate, 'fail', fate, 'ack');
      const answer = rig.supervisor.settle(hash, setId);
      await turns();
      expect(rig.alice.answers).toEqual([]);
      // Not even the accept timeout can fail it now.
      await rig.clock.advance(120_000);
      expect(await answer).toEqual(REQUESTED);
      expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
      expect(new Set(rig.session.batches.map((batch) => batch[0]))).toHaveProperty('size', 1);
    },
  );

  it('a call that gets no clean answer in time is told that the outcome is unknown, and leaves nothing behind', async () => {
    const { rig, hash, setId } = await acceptedSet();
    rig.session.decideFates.push('hang');
    const answer = rig.supervisor.settle(hash, setId);
    await rig.clock.advance(30_000);
    expect(await answer).toMatchObject({ result: 'unknown' });
    rig.session.resume();
    await turns();
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle' }]);
    expect(await rig.supervisor.settle(hash, setId)).toEqual(REQUESTED);
  });

  it('while the database can not be read, calls for what memory does not know are unavailable', async () => {
    const rig = await startRig();
    const { paymentHash } = testInvoice(1n);
    rig.session.failingReads = 2;
    expect(await rig.supervisor.settle(paymentHash, WRONG)).toMatchObject({ result: 'unavailable' });
    expect(await rig.supervisor.cancel(paymentHash, WRONG)).toMatchObject({ result: 'unavailable' });
    expect(await rig.supervisor.cancel(paymentHash, WRONG)).toEqual(NOT_FOUND);
  });

  it('a payment over two nodes settles as a whole', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const here = testPart(invoice, { amountMsat: 6_000n });
    const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
    await rig.pay(here, there);
    expect(rig.accepted).toMatchObject([{ deadlineHeight: 1_055, blocksLeft: 55 }]);
    expect(await rig.settle(invoice.paymentHash)).toEqual(REQUESTED);
    for (const link of [rig.alice, rig.bob]) {
      expect(link.answers).toMatchObject([{ kind: 'settle', preimage: invoice.preimage }]);
      link.process();
    }
    await rig.clock.advance(50);
    expect(rig.store.tables.rows.get(invoice.paymentHash)?.invoice).toMatchObject({
      status: 'SETTLED',
      settledMsat: 10_000n,
    });
  });

  it('another leader has taken over: nothing is sent, and the process is told to end', async () => {
    const { rig, hash, setId } = await acceptedSet();
    rig.store.open();
    void rig.supervisor.settle(hash, setId);
    await turns();
    expect(rig.fenced()).toBe(1);
    await rig.clock.advance(200_000);
    expect(rig.alice.answers).toEqual([]);
  });

  it('stop answers every waiting call and takes nothing new', async () => {
    const { rig, hash, setId } = await acceptedSet();
    rig.session.decideFates.push('hang');
    const call = rig.supervisor.settle(hash, setId);
    await turns();
    const stopped = rig.supervisor.stop();
    rig.session.resume();
    await stopped;
    expect(await call).toEqual(REQUESTED);
    expect(await rig.supervisor.settle(hash, setId)).toMatchObject({ result: 'unavailable' });
    expect(await rig.supervisor.cancel(hash, setId)).toMatchObject({ result: 'unavailable' });
    await rig.pay(testPart(testInvoice(5n)));
    expect(rig.supervisor.stats().heldHtlcs).toBe(1);
  });
});
