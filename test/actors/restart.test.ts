import { describe, expect, it } from 'vitest';
import { partIdOf } from '../../src/domain/htlcKey.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
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

describe('a restart', () => {
  it('before the decision: parts come again, the set is announced anew under the same id, and settles', async () => {
    const { rig, hash } = await splitPayment();
    const next = await restart(rig);
    expect(next.setOf(hash)).toBe(rig.setOf(hash));
    expect(await next.settle(hash)).toEqual(REQUESTED);
    expect(next.alice.answers).toMatchObject([{ kind: 'settle' }]);
  });

  it('after the release: every part is settled as it comes, without peeling', async () => {
    const { rig, hash, invoice } = await splitPayment();
    await rig.settle(hash);
    const next = await restart(rig);
    expect(next.peeled()).toBe(0);
    for (const link of [next.alice, next.bob]) {
      expect(link.answers).toMatchObject([{ kind: 'settle', preimage: invoice.preimage }]);
      link.process();
    }
    await next.clock.advance(50);
    expect(next.store.tables.rows.get(hash)?.invoice.status).toBe('SETTLED');
    expect(next.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0, dormantInvoices: 0 });
  });

  it('after the request: the set waits for both nodes, as before', async () => {
    const { rig, hash } = await splitPayment();
    rig.alice.disconnect();
    await rig.settle(hash);
    const next = await restart(rig);
    // Both are there now.
    expect(next.alice.answers).toMatchObject([{ kind: 'settle' }]);
    expect(next.bob.answers).toMatchObject([{ kind: 'settle' }]);
  });

  it('a requested set of which one part is gone for good is aborted', async () => {
    const { rig, hash, here } = await splitPayment();
    rig.alice.disconnect();
    await rig.settle(hash);
    rig.alice.resolve(here.id, false);
    rig.session.kill(true);
    const next = await startRig({ at: rig.store });
    for (const offer of rig.bob.held.values()) next.bob.offer(offer);
    await turns();
    expect(next.bob.answers).toEqual([]);
    next.alice.disconnect();
    next.alice.finals.set(here.id, false);
    next.alice.connect();
    await turns();
    // The onion was never seen by this process: the node fails it in its own name.
    expect(next.bob.answers).toMatchObject([{ kind: 'code' }]);
    expect(next.store.tables.rows.get(hash)?.invoice).toMatchObject({ status: 'FAILED', cause: 'part_lost' });
  });

  it('with recovered heights at the margin: a requested set is aborted without waiting for a block', async () => {
    const { rig, hash } = await splitPayment();
    rig.alice.disconnect();
    await rig.settle(hash);
    rig.bob.block(1_050);
    await rig.clock.advance(200);
    rig.session.kill(true);
    rig.store.tables.height = 1_060;
    const next = await startRig({ at: rig.store, height: 1_000 });
    await next.clock.advance(2_000);
    expect(next.store.tables.rows.get(hash)?.invoice).toMatchObject({
      status: 'FAILED',
      cause: 'deadline_reached',
    });
  });

  it('after a failure: the same bytes, without peeling, and no new set', async () => {
    const { rig, hash, here } = await splitPayment();
    await rig.supervisor.cancel(hash, rig.setOf(hash));
    const next = await restart(rig);
    expect(next.peeled()).toBe(0);
    expect(next.alice.answersTo(here.id)).toEqual(rig.alice.answersTo(here.id));
    expect(next.accepted).toEqual([]);
    next.alice.process();
    next.bob.process();
    await next.clock.advance(50);
    expect(next.store.tables.fails.size).toBe(0);
    expect([...next.supervisor.unresolved(ALICE)]).toEqual([]);
  });

  it('with a settle in doubt: the next leader goes by what is written', async () => {
    for (const written of [true, false]) {
      const { rig, hash } = await splitPayment();
      rig.session.decideFates.push('hang');
      void rig.settle(hash);
      await turns();
      const next = await restart(rig, {}, written);
      if (written) expect(next.alice.answers).toMatchObject([{ kind: 'settle' }]);
      else {
        expect(next.alice.answers).toEqual([]);
        expect(next.accepted).toMatchObject([{ paymentHash: hash }]);
      }
    }
  });

  it('resolves what ended while nobody watched', async () => {
    const { rig, hash } = await splitPayment();
    await rig.settle(hash);
    rig.alice.process();
    const ended = [...rig.alice.finals.keys()];
    rig.session.kill(true);
    const next = await startRig({ at: rig.store });
    expect([...next.supervisor.unresolved(ALICE)].map((key) => partIdOf({ ...key, nodeId: ALICE }))).toEqual(
      ended,
    );
    next.alice.disconnect();
    next.alice.finals.set(ended[0]!, true);
    next.alice.connect();
    for (const offer of rig.bob.held.values()) next.bob.offer(offer);
    await turns();
    next.bob.process();
    await next.clock.advance(50);
    expect(next.store.tables.rows.get(hash)?.invoice.status).toBe('SETTLED');
  });
});
