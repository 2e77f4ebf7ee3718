import { describe, expect, it } from 'vitest';
import { startRig } from '../actors/rig.ts';
import { BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';

/** A payment of two parts, one at each node, that the application has heard of. */
async function splitPayment() {
  const rig = await startRig();
  const invoice = testInvoice(10_000n);
  const here = testPart(invoice, { amountMsat: 6_000n });
  const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
  await rig.pay(here, there);
  return { rig, invoice, hash: invoice.paymentHash, setId: rig.setOf(invoice.paymentHash), here, there };
}

describe('defects of the Go program that cost money', () => {
  it('D1 a set is not settled any more once a part is within the margin of its auto-fail height', async () => {
    const { rig, hash, setId, here } = await splitPayment();
    rig.alice.block(here.offer.autoFailHeight - 6);
    expect((await rig.supervisor.settle(hash, setId)).result).not.toBe('requested');
    await turns();
    expect([...rig.alice.answers, ...rig.bob.answers].map(({ kind }) => kind)).toEqual(['fail', 'fail']);
  });

  it('D2 a part that lnd failed by itself does not stay in the set as a phantom', async () => {
    const { rig, hash, setId, here } = await splitPayment();
    rig.alice.resolve(here.id, false);
    await turns();
    expect(await rig.supervisor.settle(hash, setId)).toEqual({ result: 'not_found' });
    expect(rig.bob.answers.map(({ kind }) => kind)).toEqual(['fail']);
  });

  it('D3 no preimage leaves while a part of the set is at a node that is away', async () => {
    const { rig, hash, setId, here } = await splitPayment();
    rig.alice.disconnect();
    expect(await rig.supervisor.settle(hash, setId)).toEqual({ result: 'requested' });
    rig.bob.block(here.offer.autoFailHeight - 7);
    await turns();
    expect(rig.bob.answers).toEqual([]);
    rig.bob.block(here.offer.autoFailHeight - 6);
    await turns();
    rig.alice.connect();
    await turns();
    expect([...rig.alice.answers, ...rig.bob.answers].map(({ kind }) => kind)).toEqual(['fail', 'fail']);
  });

  it('D6 an automatic settlement in doubt is never followed by a failure of its parts', async () => {
    const rig = await startRig({ autoSettle: true });
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice);
    rig.session.decideFates.push('ambiguousCommitted', 'ambiguousLost', 'fail');
    await rig.pay(part);
    await rig.clock.advance(600_000);
    expect(rig.alice.answersTo(part.id)).toEqual([
      { kind: 'settle', id: part.id, preimage: invoice.preimage },
    ]);
  });

  it('D12 settling an invoice that has failed is not answered with OK', async () => {
    const { rig, hash, setId } = await splitPayment();
    expect(await rig.supervisor.settle(hash, setId)).toEqual({ result: 'requested' });
    for (const link of [rig.alice, rig.bob]) for (const id of [...link.held.keys()]) link.resolve(id, false);
    await rig.clock.advance(1_000);
    expect(rig.store.tables.rows.get(hash)?.invoice.status).toBe('FAILED');
    expect((await rig.supervisor.settle(hash, setId)).result).toBe('failed_precondition');
  });

  it('D13 waiters hear nothing of a failed part before the others are final', async () => {
    const { rig, hash, setId, here, there } = await splitPayment();
    await rig.supervisor.settle(hash, setId);
    const heard: string[] = [];
    void rig.supervisor.finalStatus.wait(hash, new AbortController().signal).then(({ result }) => {
      heard.push(result);
    });
    rig.alice.resolve(here.id, false);
    await rig.clock.advance(1_000);
    expect(heard).toEqual([]);
    rig.bob.resolve(there.id, true);
    await rig.clock.advance(1_000);
    expect(heard).toEqual(['failed']);
    // Partly settled: what came in is on record.
    expect(rig.store.tables.rows.get(hash)?.invoice).toMatchObject({ settledMsat: 4_000n });
  });

  it('D15 a cancelled set that lnd offers again, all of it, is the same failure and can not be settled', async () => {
    const { rig, hash, setId, here, there } = await splitPayment();
    expect(await rig.supervisor.cancel(hash, setId)).toEqual({ result: 'canceled' });
    for (const link of [rig.alice, rig.bob]) {
      link.disconnect();
      link.connect();
    }
    await turns();
    expect(rig.accepted).toHaveLength(1);
    expect((await rig.supervisor.settle(hash, setId)).result).not.toBe('requested');
    for (const answers of [rig.alice.answersTo(here.id), rig.bob.answersTo(there.id)]) {
      expect(answers).toHaveLength(2);
      expect(answers[0]).toMatchObject({ kind: 'fail' });
      expect(answers[1]).toEqual(answers[0]);
    }
  });

  it('D18 a part of zero msat changes nothing about a complete set', async () => {
    const { rig, invoice, hash, setId } = await splitPayment();
    const nothing = testPart(invoice, { amountMsat: 0n, nodeId: BOB });
    await rig.pay(nothing);
    expect(rig.bob.answersTo(nothing.id)).toMatchObject([{ kind: 'fail' }]);
    expect(rig.accepted).toHaveLength(1);
    expect(await rig.supervisor.settle(hash, setId)).toEqual({ result: 'requested' });
  });
});
