import { describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { incorrectOrUnknownPaymentDetails, mppTimeout } from '../../src/lightning/failureMessage.ts';
import { encodeHopPayload } from '../../src/lightning/finalPayload.ts';
import { buildOnion } from '../../src/lightning/onion.ts';
import { Payer } from '../../src/simulator/payer/payer.ts';
import { controlOf, FakeMux, invoiceFor, PAYEE, PREIMAGE_HEX, startNode, until } from './serverFixture.ts';

async function cluster() {
  const alice = await startNode({ name: 'alice', height: 100 });
  const bob = await startNode({ name: 'bob', height: 103, seed: 2 });
  const mux = new FakeMux();
  const infos = [alice.info, bob.info];
  const payer = new Payer({ nodes: infos.map(controlOf), seed: 1 });
  return { alice, bob, mux, infos, payer };
}

describe('payer', () => {
  it('pays over the first hint: fee and CLTV delta of the hint are added before the node', async () => {
    const { alice, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    const result = await payer.pay(invoiceFor(infos, 2_000_000n));
    expect(result).toMatchObject({
      status: 'settled',
      preimage: PREIMAGE_HEX,
      paidMsat: 2_000_000n,
      feesMsat: 1_500n,
      pendingMsat: 0n,
    });
    expect(mux.received).toMatchObject([
      {
        incomingAmountMsat: 2_001_500n,
        outgoingAmountMsat: 2_000_000n,
        incomingExpiry: 180,
        outgoingExpiry: 140,
        autoFailHeight: 161,
      },
    ]);
  });

  it('splits over both nodes and knows the sum', async () => {
    const { alice, bob, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    await mux.connect(bob.info);
    const result = await payer.pay(invoiceFor(infos, 1_000_001n), { splits: 3 });
    expect(result).toMatchObject({ status: 'settled', parts: 3, paidMsat: 1_000_001n });
    expect(new Set(result.attempts.map(({ nodeId }) => nodeId)).size).toBe(2);
    expect(result.feesMsat).toBe(result.attempts.reduce((sum, { feeMsat }) => sum + feeMsat, 0n));
  });

  it('takes the other node when one fails by itself', async () => {
    const { bob, mux, infos, payer } = await cluster();
    await mux.connect(bob.info);
    const result = await payer.pay(invoiceFor(infos, 500_000n));
    expect(result.status).toBe('settled');
    expect(result.attempts.map(({ status, failure }) => [status, failure?.hop, failure?.text])).toEqual([
      ['failed', 0, 'temporary_channel_failure'],
      ['settled', undefined, undefined],
    ]);
  });

  it('gives up when the payee refuses', async () => {
    const { alice, bob, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    await mux.connect(bob.info);
    mux.policy = ({ outgoingAmountMsat }) => incorrectOrUnknownPaymentDetails(outgoingAmountMsat, 100);
    const result = await payer.pay(invoiceFor(infos, 500_000n));
    expect(result).toMatchObject({ status: 'failed', paidMsat: 0n, feesMsat: 0n });
    expect(result.attempts).toHaveLength(1);
    expect(result.attempts[0]?.failure).toMatchObject({
      hop: 1,
      message: { code: 0x400f, amountMsat: 500_000n, height: 100 },
    });
  });

  it('tries again after a timeout of the set, but not for ever', async () => {
    const { alice, bob, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    await mux.connect(bob.info);
    mux.policy = () => mppTimeout();
    const result = await payer.pay(invoiceFor(infos, 500_000n), { maxRetries: 2 });
    expect(result.status).toBe('failed');
    expect(result.attempts.map(({ failure }) => failure?.text)).toEqual(Array(3).fill('mpp_timeout'));
  });

  it('knows what was paid when only one part was settled', async () => {
    const { alice, bob, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    await mux.connect(bob.info);
    mux.policy = (request, { name }) =>
      name === 'bob' ? incorrectOrUnknownPaymentDetails(request.outgoingAmountMsat, 1) : undefined;
    const parts = infos.map(({ pubkey }) => ({ nodeId: nodeIdFromText(pubkey)!, amountMsat: 400_000n }));
    const result = await payer.pay(invoiceFor(infos, 400_000n), { parts, totalMsat: 400_000n });
    expect(result).toMatchObject({ status: 'partial', paidMsat: 400_000n, feesMsat: 1_100n });
  });

  it('waits over a restart of lnd for the outcome of the HTLC it sent', async () => {
    const { alice, mux, infos, payer } = await cluster();
    const paying = payer.pay(invoiceFor(infos.slice(0, 1), 500_000n), { maxRetries: 0 });
    // Nobody intercepts yet: the first attempt fails.
    expect((await paying).status).toBe('failed');
    await alice.control.setFault({ restartAfterAnswers: 1 });
    await mux.connect(alice.info);
    const again = payer.pay(invoiceFor(infos.slice(0, 1), 500_000n));
    await until(async () => (await alice.control.getState()).counters?.restarts === 1n);
    await mux.connect(alice.info);
    expect((await again).status).toBe('settled');
    expect(mux.received.map(({ incomingCircuitKey }) => incomingCircuitKey?.htlcId)).toEqual([1n, 1n]);
  });

  it('reports an HTLC that is still under way when it stops waiting', async () => {
    const { alice, mux, infos, payer } = await cluster();
    await mux.connect(alice.info);
    const result = await payer.pay(invoiceFor(infos, 500_000n), {
      parts: [{ amountMsat: 300_000n }],
      totalMsat: 500_000n,
      timeoutMs: 200,
    });
    expect(result).toMatchObject({ status: 'pending', pendingMsat: 300_000n, paidMsat: 0n });
  });

  it('refuses an invoice that names none of its nodes', async () => {
    const { payer, infos } = await cluster();
    const stranger = invoiceFor(infos, 1_000n, {
      nodeId: nodeIdFromText(Buffer.from(PAYEE).toString('hex')),
    });
    await expect(payer.pay(stranger)).rejects.toThrow('no route hint');
  });
});

describe('onions at the node', () => {
  const paymentHash = Buffer.alloc(32, 1);

  async function send(change: (onion: Buffer) => void, route: 'last' | 'onward' = 'onward') {
    const { info, control } = await startNode();
    const mux = new FakeMux();
    await mux.connect(info);
    const payload = encodeHopPayload({ amountMsat: 5n, cltvExpiry: 200, chanId: 77n });
    const node = { publicKey: Buffer.from(info.pubkey, 'hex'), payload };
    const hops = route === 'last' ? [node] : [node, { publicKey: PAYEE, payload }];
    const built = buildOnion({ sessionKey: new Uint8Array(32).fill(3), paymentHash, hops });
    const onionBlob = Buffer.from(built.onionBlob);
    change(onionBlob);
    const request = { chanId: 1n, amountMsat: 10n, expiry: 250, paymentHash, onionBlob };
    const outcome = await control.sendHtlc({ ...request, forwardPreimage: Buffer.alloc(0) });
    return { outcome, mux };
  }

  it.each([
    ['version', 0, 0xc004],
    ['HMAC', 1300, 0xc005],
  ])('a wrong %s is malformed', async (_name, offset, code) => {
    const { outcome, mux } = await send((onion) => {
      onion[offset] = onion[offset]! ^ 1;
    });
    expect(outcome).toEqual({ kind: 'malformed', code });
    expect(mux.received).toHaveLength(0);
  });

  it('an HTLC for the node itself is not intercepted', async () => {
    const { outcome, mux } = await send(() => {}, 'last');
    expect(outcome.kind).toBe('failed');
    expect(mux.received).toHaveLength(0);
  });

  it('a foreign HTLC is offered and resumed', async () => {
    const { outcome, mux } = await send(() => {});
    expect(outcome.kind).toBe('failed');
    expect(mux.received.map(({ outgoingRequestedChanId }) => outgoingRequestedChanId)).toEqual([77n]);
  });
});
