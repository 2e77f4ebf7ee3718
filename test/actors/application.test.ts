import { describe, expect, it } from 'vitest';
import { createApplication } from '../../src/actors/application/applicationService.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { decodeInvoice } from '../../src/lightning/bolt11.ts';
import { sha256 } from '../../src/lightning/crypto.ts';
import { decodePaymentAddr } from '../../src/lightning/paymentAddr.ts';
import { ALICE, BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { applicationOf, optionsOf, POLICY } from './applicationRig.ts';
import { type Rig, startRig } from './rig.ts';

const never = () => new AbortController().signal;

/** A payment of which settlement was requested, over one node. */
async function requested(rig: Rig) {
  const invoice = testInvoice(15_000n);
  const part = testPart(invoice);
  await rig.pay(part);
  await rig.settle(invoice.paymentHash);
  return { hash: invoice.paymentHash, part };
}

describe('waiting for the final status', () => {
  it('of an unknown or just accepted payment is not found at once', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const invoice = testInvoice(15_000n);
    expect(await app.waitForFinalStatus(invoice.paymentHash, never())).toEqual({ result: 'not_found' });
    await rig.pay(testPart(invoice));
    expect(await app.waitForFinalStatus(invoice.paymentHash, never())).toEqual({ result: 'not_found' });
    expect(rig.supervisor.finalStatus.size).toBe(0);
  });

  it('from issue on waits for what nobody has paid yet, with its caller and with the daemon', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const [paid, unpaid] = [testInvoice(15_000n), testInvoice(15_000n)];
    const caller = new AbortController();
    const waits = [
      app.waitForFinalStatus(paid.paymentHash, never(), true),
      app.waitForFinalStatus(unpaid.paymentHash, never(), true),
      app.waitForFinalStatus(unpaid.paymentHash, caller.signal, true),
    ] as const;
    const canceled = testPart(paid);
    await rig.pay(canceled);
    await rig.supervisor.cancel(paid.paymentHash, rig.setOf(paid.paymentHash));
    const part = testPart(paid);
    await rig.pay(part);
    await rig.settle(paid.paymentHash);
    expect(rig.supervisor.finalStatus.size).toBe(3);
    rig.alice.resolve(part.id, true);
    await rig.clock.advance(50);
    expect(await waits[0]).toEqual({ result: 'settled' });
    caller.abort();
    expect(await waits[2]).toEqual({ result: 'aborted' });
    await rig.supervisor.stop();
    expect(await waits[1]).toMatchObject({ result: 'unavailable' });
    expect(rig.supervisor.finalStatus.size).toBe(0);
  });

  it.each([true, false])(
    'waits until it is recorded (settled: %s), then answers at once',
    async (settled) => {
      const rig = await startRig();
      const app = applicationOf(rig);
      const { hash, part } = await requested(rig);
      const waits = [app.waitForFinalStatus(hash, never()), app.waitForFinalStatus(hash, never())];
      await turns();
      rig.alice.resolve(part.id, settled);
      await rig.clock.advance(7);
      // Reported, not recorded: nobody is told yet.
      expect(rig.supervisor.finalStatus.size).toBe(2);
      await rig.clock.advance(50);
      const result = settled ? { result: 'settled' } : { result: 'failed', reason: 'parts_failed' };
      expect(await Promise.all(waits)).toEqual([result, result]);
      expect(await app.waitForFinalStatus(hash, never())).toEqual(result);
      expect(rig.supervisor.finalStatus.size).toBe(0);
    },
  );

  it('a part that is settled while another fails is named for what it is, with what came in', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const invoice = testInvoice(10_000n);
    const here = testPart(invoice, { amountMsat: 6_000n });
    const there = testPart(invoice, { amountMsat: 4_000n, nodeId: BOB });
    await rig.pay(here, there);
    await rig.settle(invoice.paymentHash);
    const wait = app.waitForFinalStatus(invoice.paymentHash, never());
    rig.alice.resolve(here.id, true);
    await rig.clock.advance(50);
    expect(rig.supervisor.finalStatus.size).toBe(1);
    rig.bob.resolve(there.id, false);
    await rig.clock.advance(50);
    expect(await wait).toEqual({ result: 'failed', reason: 'partially_settled' });
    expect(rig.store.tables.rows.get(invoice.paymentHash)?.invoice).toMatchObject({
      status: 'FAILED',
      settledMsat: 6_000n,
    });
    expect(rig.log.of('Invoice partially settled')).toMatchObject([{ level: 'error' }]);
  });

  it('that becomes final while the row is being read is not missed', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const { hash, part } = await requested(rig);
    rig.alice.resolve(part.id, true);
    await rig.clock.advance(7);
    const read = rig.session.invoicesByHash.bind(rig.session);
    rig.session.invoicesByHash = async (hashes) => {
      const rows = await read(hashes);
      await rig.clock.advance(50);
      return rows;
    };
    expect(await app.waitForFinalStatus(hash, never())).toEqual({ result: 'settled' });
  });

  it('ends with its caller, with the daemon, and with a database that can not be read', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const { hash } = await requested(rig);
    const caller = new AbortController();
    const [leaving, staying] = [
      app.waitForFinalStatus(hash, caller.signal),
      app.waitForFinalStatus(hash, never()),
    ];
    await turns();
    caller.abort();
    expect(await leaving).toEqual({ result: 'aborted' });
    rig.session.failingReads = 1;
    expect(await app.waitForFinalStatus(hash, never())).toMatchObject({ result: 'unavailable' });
    await rig.supervisor.stop();
    expect(await staying).toMatchObject({ result: 'unavailable' });
    expect(rig.supervisor.finalStatus.size).toBe(0);
  });
});

describe('invoices', () => {
  const request = { amountMsat: 10_000n, expirySecs: 60n, description: 'test', descriptionHash: undefined };

  it('carry everything that is needed to take their payment', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const issued = app.addInvoice(request);
    if (!issued.ok) throw new Error('not issued');
    const decoded = decodeInvoice(issued.paymentRequest);
    expect(Buffer.from(decoded.paymentHash)).toEqual(Buffer.from(sha256(issued.preimage)));
    expect(decodePaymentAddr(decoded.paymentAddr)).toEqual({ expiresAt: 1_700_000_060, amountMsat: 10_000n });
    expect(decoded.hints.flat()).toEqual(
      [ALICE, BOB].map((nodeId) => ({ nodeId, chanId: virtualChannelId(nodeId), ...POLICY })),
    );
    const paymentHash = Buffer.from(issued.paymentHash).toString('hex') as PaymentHash;
    const preimage = Buffer.from(issued.preimage).toString('hex');
    const { paymentAddr } = decoded;
    await rig.pay(testPart({ paymentAddr, paymentHash, amountMsat: 10_000n, preimage }));
    expect(await rig.settle(paymentHash)).toEqual({ result: 'requested' });
    expect(rig.alice.answers).toMatchObject([{ kind: 'settle', preimage }]);
    const listed = await app.listInvoices({ sequenceStart: 0n, max: 10 });
    expect(listed).toMatchObject({ ok: true, invoices: [{ paymentHash, sequenceNumber: 1n }] });
    const another = app.addInvoice(request);
    expect(another.ok && another.paymentRequest).not.toBe(issued.paymentRequest);
  });

  it.each([
    [{ expirySecs: 0n }, /expiry_secs not specified/],
    [{ expirySecs: -1n }, /expiry_secs not specified/],
    [{ expirySecs: 2n ** 62n }, /expiry_secs must be at most/],
    [{ amountMsat: 0n }, /amt_msat not specified/],
    [{ amountMsat: 2n ** 62n }, /amt_msat/],
    [{ descriptionHash: new Uint8Array(31) }, /invalid desc hash/],
    [{ descriptionHash: new Uint8Array(32) }, /both description and description hash/],
    [{ description: 'ä'.repeat(320) }, /description is 640 bytes long/],
  ])('%o is refused in words', async (change, problem) => {
    const app = applicationOf(await startRig());
    const issued = app.addInvoice({ ...request, ...change });
    expect(issued).toEqual({ ok: false, problem: expect.stringMatching(problem) });
  });

  it('are not made while every node is drained: nobody could pay them', async () => {
    const rig = await startRig();
    const drained = createApplication({ ...optionsOf(rig), hints: { current: undefined } });
    expect(drained.addInvoice(request)).toEqual({ ok: false, unavailable: expect.stringMatching(/drained/) });
    expect(drained.addInvoice({ ...request, amountMsat: 0n })).toMatchObject({ problem: expect.any(String) });
  });
});
