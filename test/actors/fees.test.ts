import { describe, expect, it } from 'vitest';
import { CoreMeasures } from '../../src/actors/measures/coreMeasures.ts';
import { MAX_MSAT } from '../../src/domain/msat.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { type Rig, type RigOptions, startRig } from './rig.ts';

const rowOf = (rig: Rig, hash: string) => rig.store.tables.rows.get(hash as never)!.invoice;

/** A rig, and what its nodes earned since it started. */
async function counting(options: RigOptions = {}) {
  const measures = new CoreMeasures();
  const rig = await startRig({ ...options, measures });
  return { rig, earned: () => [ALICE, BOB].map((node) => measures.earnedFees.of(node)) };
}

/** A payment over both nodes, with fees of 1,500 and 1,040 msat, settled by the application. */
async function paid(rig: Rig) {
  const invoice = testInvoice(10_000n);
  const here = testPart(invoice, { amountMsat: 6_000n, incomingAmountMsat: 7_500n });
  const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
  await rig.pay(here, there);
  await rig.settle(invoice.paymentHash);
  return { invoice, here, there };
}

describe('the fee of a part', () => {
  it('is what its node gets beyond what counts towards the invoice: stored and told with each part', async () => {
    const rig = await startRig();
    const { invoice } = await paid(rig);
    expect(rowOf(rig, invoice.paymentHash).members.map(({ feeMsat }) => feeMsat)).toEqual([1_500n, 1_040n]);
    await rig.clock.advance(200);
    const added = rig.store.tables.events.filter(({ event }) => event === 'part.added');
    expect(added.map(({ details }) => [details?.node, details?.feeMsat])).toEqual([
      [ALICE, '1500'],
      [BOB, '1040'],
    ]);
  });

  it('is earned when the part is finally settled, once, and never before', async () => {
    const { rig, earned } = await counting();
    const { here, there } = await paid(rig);
    await rig.clock.advance(200);
    expect(earned()).toEqual([0n, 0n]);
    rig.alice.resolve(here.id, true, 3);
    await rig.clock.advance(50);
    expect(earned()).toEqual([1_500n, 0n]);
    // lnd gave this part back, whatever we had said.
    rig.bob.resolve(there.id, false);
    await rig.clock.advance(50);
    expect(earned()).toEqual([1_500n, 0n]);
  });

  it('is remembered through a restart: what was earned before does not count again', async () => {
    const rig = await startRig();
    const { here, there } = await paid(rig);
    rig.alice.resolve(here.id, true);
    await rig.clock.advance(50);
    const { rig: next, earned } = await counting({ at: rig.store, clock: rig.clock });
    next.bob.offer(there.offer);
    next.bob.process();
    await next.clock.advance(50);
    expect(earned()).toEqual([0n, 1_040n]);
  });

  it('of a part that is failed is not earned', async () => {
    const { rig, earned } = await counting();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    await rig.supervisor.cancel(invoice.paymentHash, rig.setOf(invoice.paymentHash));
    rig.alice.process();
    await rig.clock.advance(50);
    expect(earned()).toEqual([0n, 0n]);
  });

  it('can be no more than all bitcoin: an absurd amount must not spoil the write', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice, { incomingAmountMsat: 2n ** 64n - 1n }));
    await rig.settle(invoice.paymentHash);
    expect(rowOf(rig, invoice.paymentHash).members).toMatchObject([{ feeMsat: MAX_MSAT }]);
  });
});
