import { randomBytes, randomInt } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createInlinePeeler } from '../../src/adapters/crypto/inlinePeeler.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { type DecodedInvoice, decodeInvoice } from '../../src/lightning/bolt11.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { bytes, golden, hex, identityKey } from '../lightning/vectors.ts';
import { FakeLink } from '../support/fakeLink.ts';
import { issueAsGo } from '../support/goInvoice.ts';
import { ALICE, BOB, testPart } from '../support/payments.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';
import { startRig } from './rig.ts';

/**
 * Pays an invoice over the nodes of its hints, a part through each (two through a single one), `secondsLater`, to a
 * lnmux of that identity key; settles it when the application is told. Gives what the payer got.
 */
async function pay(invoice: DecodedInvoice, key: Uint8Array, secondsLater = 5) {
  const rig = await startRig({
    clock: new SimulatedClock((invoice.timestamp + secondsLater) * 1000),
    deriver: new PreimageDeriver(key),
    peeler: createInlinePeeler(key),
    policy: { feeBaseMsat: 1_000, feeRatePpm: 10_000, cltvDelta: 10 },
  });
  const hash = hex(invoice.paymentHash) as PaymentHash;
  const nodes = invoice.hints.map(([hop]) => hop!.nodeId);
  const links = nodes.map((nodeId) => {
    const link =
      nodeId === ALICE ? rig.alice : nodeId === BOB ? rig.bob : new FakeLink(nodeId, rig.supervisor);
    link.block(1_000);
    link.connect();
    return link;
  });
  const total = invoice.amountMsat!;
  const asked = { amountMsat: total, paymentAddr: invoice.paymentAddr, paymentHash: hash, preimage: '' };
  const publicKey = Buffer.from(invoice.payee, 'hex');
  const amounts = [total / 3n, total - total / 3n];
  const parts = amounts.map((amountMsat, i) =>
    testPart(asked, { amountMsat, nodeId: nodes[i % nodes.length]!, publicKey }),
  );
  for (const [i, part] of parts.entries()) links[i % links.length]!.offer(part.offer);
  await turns();
  if (rig.accepted.length === 0) return { announced: false, preimages: [], outcome: undefined };
  expect(await rig.settle(hash)).toEqual({ result: 'requested' });
  const outcome = rig.supervisor.finalStatus.wait(hash, AbortSignal.timeout(10_000));
  const preimages = links.flatMap((link) =>
    link.answers.map((answer) => (answer.kind === 'settle' ? answer.preimage : answer.kind)),
  );
  for (const link of links) link.process();
  await rig.clock.advance(200);
  return { announced: true, preimages, outcome: (await outcome).result };
}

describe('invoices of the Go program with the same identity key', () => {
  it.each(golden.invoices)(
    'golden invoice $id is paid and settled, as long as it has not expired',
    async (vector) => {
      const invoice = decodeInvoice(vector.invoice);
      const key = identityKey(vector.key);
      expect(hex(invoice.paymentHash)).toBe(vector.paymentHash);
      const { preimages, outcome } = await pay(invoice, key);
      expect(outcome).toBe('settled');
      const derived = hex(new PreimageDeriver(key).preimage(bytes(vector.paymentAddr)));
      expect(preimages).toEqual([derived, derived]);
      const known = golden.stateless.find(({ paymentHash }) => paymentHash === vector.paymentHash);
      if (known) expect(derived).toBe(known.preimage);
      expect((await pay(invoice, key, vector.expirySecs - 1)).outcome).toBe('settled');
      expect((await pay(invoice, key, vector.expirySecs)).announced).toBe(false);
    },
  );

  it('and any other, made by its rules and none of our code', async () => {
    for (let i = 0; i < 20; i++) {
      const key = Buffer.from([1, ...randomBytes(31)]);
      const issued = issueAsGo({
        identityKey: key,
        nodes: [ALICE, BOB].slice(0, 1 + (i % 2)),
        amountMsat: BigInt(randomInt(3, 2 ** 40)),
        timestamp: randomInt(1_600_000_000, 2 ** 32),
        expirySecs: randomInt(60, 10_000_000),
      });
      const { preimages, outcome } = await pay(decodeInvoice(issued.text), key);
      expect(outcome).toBe('settled');
      expect(preimages).toEqual(Array(2).fill(issued.preimage.toString('hex')));
    }
  });

  it('is nobody’s under another key', async () => {
    const vector = golden.invoices[0]!;
    expect((await pay(decodeInvoice(vector.invoice), identityKey('K2'))).announced).toBe(false);
  });
});
