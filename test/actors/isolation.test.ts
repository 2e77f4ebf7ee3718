import { describe, expect, it } from 'vitest';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { BOB, IDENTITY_KEY, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { startRig } from './rig.ts';

/** Throws when the preimage of one invoice is needed: an effect of its set then throws, and of no other. */
function deriverThatFails(times: { left: number; for: string | undefined }): PreimageDeriver {
  const deriver = new PreimageDeriver(IDENTITY_KEY);
  return {
    paymentHash: (addr: Uint8Array) => deriver.paymentHash(addr),
    preimage: (addr: Uint8Array) => {
      if (times.left > 0 && Buffer.from(deriver.paymentHash(addr)).toString('hex') === times.for) {
        times.left -= 1;
        throw new Error('injected defect');
      }
      return deriver.preimage(addr);
    },
  } as PreimageDeriver;
}

describe('an actor that throws', () => {
  it('ends alone; its parts begin again and can be settled; others do not notice', async () => {
    const defect = { left: 1, for: undefined as string | undefined };
    const rig = await startRig({ deriver: deriverThatFails(defect) });
    const [bad, good] = [testInvoice(10_000n), testInvoice(10_000n)];
    defect.for = bad.paymentHash;
    await rig.pay(testPart(bad), testPart(good), testPart(bad, { amountMsat: 1n }));
    const call = rig.settle(bad.paymentHash);
    await turns();
    expect(await rig.settle(good.paymentHash)).toEqual({ result: 'requested' });
    expect(rig.alice.answers.filter((a) => a.kind === 'settle')).toMatchObject([{ preimage: good.preimage }]);
    await rig.clock.advance(1_100);
    // The parts are back as a set with the same id, and announced again.
    expect(rig.accepted.map((set) => set.paymentHash)).toEqual([
      bad.paymentHash,
      good.paymentHash,
      bad.paymentHash,
    ]);
    expect(await rig.settle(bad.paymentHash)).toEqual({ result: 'requested' });
    expect(rig.alice.answers.filter((a) => a.kind === 'settle').at(-1)).toMatchObject({
      preimage: bad.preimage,
    });
    await rig.clock.advance(30_000);
    expect(await call).toMatchObject({ result: expect.stringMatching(/unknown|requested/) });
    expect(rig.log.of('Actor ended, its HTLC is taken up again')).not.toEqual([]);
  });

  it('again and again is left to its node, with nothing held for it', async () => {
    const defect = { left: Number.POSITIVE_INFINITY, for: undefined as string | undefined };
    const rig = await startRig({ deriver: deriverThatFails(defect), autoSettle: true });
    const bad = testInvoice(10_000n);
    defect.for = bad.paymentHash;
    await rig.pay(testPart(bad));
    await rig.clock.advance(20_000);
    expect(rig.alice.answers).toEqual([]);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0, acceptedSets: 0 });
    const good = testInvoice(10_000n);
    await rig.pay(testPart(good));
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle', preimage: good.preimage }]);
  });

  it('after its release was written: the members are settled from the row', async () => {
    const defect = { left: 0, for: undefined as string | undefined };
    const rig = await startRig({ deriver: deriverThatFails(defect) });
    const invoice = testInvoice(10_000n);
    await rig.pay(
      testPart(invoice, { amountMsat: 6_000n }),
      testPart(invoice, { amountMsat: 4_000n, nodeId: BOB }),
    );
    rig.session.decideFates.push('hang');
    void rig.settle(invoice.paymentHash);
    await turns();
    // The decision has its preimage; the effect that settles asks for it once more.
    Object.assign(defect, { left: 1, for: invoice.paymentHash });
    rig.session.resume();
    await turns();
    expect(rig.alice.answers).toEqual([]);
    await rig.clock.advance(1_100);
    for (const link of [rig.alice, rig.bob]) {
      expect(link.answers).toMatchObject([{ kind: 'settle', preimage: invoice.preimage }]);
      link.process();
    }
    await rig.clock.advance(1_100);
    expect(rig.supervisor.stats()).toMatchObject({ heldHtlcs: 0, invoices: 0 });
  });
});

describe('auto-settle', () => {
  it('tries again after a failed write, and never fails a set whose outcome is in doubt', async () => {
    const rig = await startRig({ autoSettle: true, subscribed: false });
    rig.session.decideFates.push('fail', 'fail', 'ambiguousLost', 'fail', 'ambiguousCommitted');
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    expect(rig.alice.answers).toEqual([]);
    await rig.clock.advance(130_000);
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle', preimage: invoice.preimage }]);
  });

  it('overpayment of a held half is refused, the exact rest settles both', async () => {
    const rig = await startRig({ autoSettle: true, rules: { exactAmount: true } });
    const invoice = testInvoice(10_000n);
    const over = testPart(invoice, { amountMsat: 6_000n });
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }), over);
    expect(rig.alice.answers).toMatchObject([{ kind: 'fail', id: over.id }]);
    await rig.pay(testPart(invoice, { amountMsat: 5_000n }));
    expect(rig.accepted).toHaveLength(1);
    expect(rig.alice.answers.slice(1)).toMatchObject([{ kind: 'settle' }, { kind: 'settle' }]);
  });
});

describe('the end', () => {
  it('does not wait for a database that is away', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    rig.session.decideFates.push(...Array(1_000).fill('ambiguousLost'));
    const call = rig.settle(invoice.paymentHash);
    await turns();
    const stopped = rig.supervisor.stop();
    await rig.clock.advance(15_000);
    await stopped;
    // In doubt, not refused: it may have been written.
    expect(await call).toMatchObject({ result: 'unknown' });
    expect(rig.alice.answers).toEqual([]);
  });
});
