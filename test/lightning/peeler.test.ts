import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { OnionPeeler, PeelRequest, PeelResult } from '../../src/actors/ports/onionPeeler.ts';
import { type BatchMessage, SLOT_BASE } from '../../src/adapters/crypto/batchMessage.ts';
import { createOnionPeeler } from '../../src/adapters/crypto/onionPeeler.ts';
import { BATCH_SLOTS, PeelBatch } from '../../src/adapters/crypto/peelBatch.ts';
import { createPeelOne } from '../../src/adapters/crypto/peelOne.ts';
import { WorkerPeeler } from '../../src/adapters/crypto/workerPeeler.ts';
import { encodeFinalPayload, encodeHopPayload } from '../../src/lightning/finalPayload.ts';
import { encodePaymentAddr, PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { writeBigSize } from '../../src/lightning/tlv.ts';
import { anyBytes, bytes32, u32, u64 } from './arbitraries.ts';
import { craftOnion } from './craftedOnion.ts';
import { bytes, golden, hex, identityKey } from './vectors.ts';

const key = identityKey('K1');
const peelOne = createPeelOne(key);
const workerUrl = new URL('../../src/adapters/crypto/peelWorker.ts', import.meta.url);
const goldenRequest: PeelRequest = {
  onionBlob: bytes(golden.onion.onion),
  paymentHash: bytes(golden.onion.assocData),
};

const opened: OnionPeeler[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((peeler) => peeler.close()));
});

function open(workers: 0 | 1): OnionPeeler {
  const peeler = createOnionPeeler({ identityKey: key, workers });
  opened.push(peeler);
  return peeler;
}

function peel(peeler: OnionPeeler, request: PeelRequest): Promise<PeelResult> {
  return new Promise((resolve) => peeler.peel(request, resolve));
}

function requestOf(payload: Uint8Array, paymentHash = goldenRequest.paymentHash): PeelRequest {
  const start = Uint8Array.of(...writeBigSize(BigInt(payload.length)), ...payload);
  return { onionBlob: craftOnion(key, paymentHash, start), paymentHash };
}

/** Whole and broken onions of every kind. */
const anyRequest: fc.Arbitrary<PeelRequest> = fc.oneof(
  fc.constant(goldenRequest),
  fc
    .record({ amountMsat: u64, cltvExpiry: u32, totalMsat: u64, paymentAddr: bytes32 })
    .map(({ paymentAddr, totalMsat, ...rest }) =>
      requestOf(encodeFinalPayload({ ...rest, paymentData: { paymentAddr, totalMsat } })),
    ),
  fc.record({ amountMsat: u64, cltvExpiry: u32, chanId: u64 }).map((hop) => requestOf(encodeHopPayload(hop))),
  anyBytes(0, 100).map((payload) => requestOf(payload)),
  fc.record({ onionBlob: anyBytes(0, 1500), paymentHash: bytes32 }),
  fc.record({ onionBlob: anyBytes(1366), paymentHash: bytes32 }),
);

describe('what one onion gives', () => {
  it('the golden onion: payload, secret and terms', () => {
    expect(peelOne(goldenRequest)).toEqual({
      ok: true,
      sharedSecret: bytes(golden.onion.sharedSecret),
      payload: {
        amountMsat: 10000n,
        cltvExpiry: 1040,
        paymentData: { paymentAddr: bytes(golden.invoices[0]!.paymentAddr), totalMsat: 10000n },
      },
      secretMatches: true,
      terms: { expiresAt: 1700000060, amountMsat: 10000n },
    });
  });

  it('a payment address that is not of the payment hash gives no terms', () => {
    const paymentAddr = bytes(golden.invoices[1]!.paymentAddr);
    const payload = { amountMsat: 1n, cltvExpiry: 1, paymentData: { paymentAddr, totalMsat: 1n } };
    const result = peelOne(requestOf(encodeFinalPayload(payload)));
    expect(result).toMatchObject({ ok: true, secretMatches: false, payload });
    expect(result).not.toHaveProperty('terms');
    const { paymentData: _, ...without } = payload;
    expect(peelOne(requestOf(encodeFinalPayload(without)))).toMatchObject({ ok: true, secretMatches: false });
  });

  it('an address of ours with terms out of range gives no terms', () => {
    const paymentAddr = encodePaymentAddr({ random16: new Uint8Array(16), expiresAt: 1, amountMsat: 1n });
    paymentAddr[24] = 0xff;
    const paymentHash = new PreimageDeriver(key).paymentHash(paymentAddr);
    const payload = { amountMsat: 1n, cltvExpiry: 1, paymentData: { paymentAddr, totalMsat: 1n } };
    const result = peelOne(requestOf(encodeFinalPayload(payload), paymentHash));
    expect(result).toMatchObject({ ok: true, secretMatches: true });
    expect(result).not.toHaveProperty('terms');
  });

  it('a bad payload leaves the shared secret for the answer, a bad onion none', () => {
    const forwarded = requestOf(encodeHopPayload({ amountMsat: 1n, cltvExpiry: 2, chanId: 3n }));
    expect(peelOne(forwarded)).toMatchObject({
      ok: false,
      error: { code: 'invalid_onion_payload', tlvType: 6n, offset: 6 },
      sharedSecret: bytes(golden.onion.sharedSecret),
    });
    const otherHash = { ...goldenRequest, paymentHash: new Uint8Array(32) };
    expect(peelOne(otherHash)).toEqual({ ok: false, error: { code: 'invalid_onion_hmac' } });
  });

  it('a payload without next hop in an onion that goes on is refused', () => {
    const payload = encodeFinalPayload({ amountMsat: 1n, cltvExpiry: 2 });
    const start = Uint8Array.of(payload.length, ...payload, ...new Uint8Array(31), 1);
    const onionBlob = craftOnion(key, goldenRequest.paymentHash, start);
    expect(peelOne({ ...goldenRequest, onionBlob })).toMatchObject({
      ok: false,
      error: { code: 'invalid_onion_payload', tlvType: 6n },
    });
  });

  it('a batch brings requests and results over unchanged', () => {
    const batch = new PeelBatch();
    const slot = fc.nat({ max: BATCH_SLOTS - 1 });
    fc.assert(
      fc.property(slot, anyRequest, (at, request) => {
        batch.writeRequest(at, request);
        const read = new PeelBatch(batch.memory).readRequest(at);
        const expected = peelOne(request);
        expect(peelOne(read)).toEqual(expected);
        batch.writeResult(at, expected);
        expect(batch.readResult(at)).toEqual(expected);
      }),
    );
  });
});

describe.each([0, 1] as const)('a peeler with %i workers', (workers) => {
  it('answers any requests in order, as if peeled at once', async () => {
    const peeler = open(workers);
    const lists = fc.array(anyRequest, { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(lists, async (requests) => {
        const order: number[] = [];
        const answers = requests.map(async (request, i) => {
          const result = await peel(peeler, request);
          order.push(i);
          return result;
        });
        expect(order).toEqual([]);
        expect(await Promise.all(answers)).toEqual(requests.map((request) => peelOne(request)));
        expect(order).toEqual(requests.map((_, i) => i));
      }),
      { numRuns: 30 },
    );
  });

  it('copies the request at once, and hands out memory of its own', async () => {
    const peeler = open(workers);
    const request = {
      onionBlob: Uint8Array.from(goldenRequest.onionBlob),
      paymentHash: Uint8Array.from(goldenRequest.paymentHash),
    };
    const answer = peel(peeler, request);
    request.onionBlob.fill(0);
    request.paymentHash.fill(0);
    const result = await answer;
    expect(result).toEqual(peelOne(goldenRequest));
    expect(result.sharedSecret?.buffer.byteLength).toBe(32);
    await peel(peeler, { ...goldenRequest, onionBlob: new Uint8Array(1366).fill(0) });
    expect(hex(result.sharedSecret!)).toBe(golden.onion.sharedSecret);
  });

  it('answers what is pending when it is closed, and nothing later', async () => {
    const peeler = open(workers);
    const pending = Array.from({ length: 3 * BATCH_SLOTS + 5 }, () => peel(peeler, goldenRequest));
    const closed = peeler.close();
    const late = peel(peeler, goldenRequest);
    await closed;
    for (const result of await Promise.all(pending)) expect(result.ok).toBe(true);
    expect(await late).toEqual({ ok: false, error: { code: 'peeler_unavailable' } });
    await peeler.close();
  });

  it('an onion with bytes after its end is refused', async () => {
    const onionBlob = Uint8Array.of(...goldenRequest.onionBlob, 0);
    expect(await peel(open(workers), { ...goldenRequest, onionBlob })).toEqual({
      ok: false,
      error: { code: 'invalid_onion_key' },
    });
  });

  it('refuses a payment hash of another length', () => {
    const peeler = open(workers);
    const request = { ...goldenRequest, paymentHash: new Uint8Array(31) };
    expect(() => peeler.peel(request, () => {})).toThrow(RangeError);
  });
});

it('refuses an identity key of zero', () => {
  expect(() => createOnionPeeler({ identityKey: new Uint8Array(32), workers: 1 })).toThrow(RangeError);
});

describe('the worker', () => {
  function start(launch: (nth: number) => Worker, onWorkerError?: (error: unknown) => void) {
    const workers: Worker[] = [];
    const messages: number[] = [];
    const peeler = new WorkerPeeler(() => {
      const worker = launch(workers.length);
      const post = worker.postMessage.bind(worker);
      worker.postMessage = (message: BatchMessage) => {
        messages.push(typeof message === 'number' ? message % SLOT_BASE : message.count);
        post(message);
      };
      workers.push(worker);
      return worker;
    }, onWorkerError);
    opened.push(peeler);
    return { peeler, workers, messages };
  }

  const launch = () => new Worker(workerUrl, { workerData: { identityKey: key } });
  const launchDying = () =>
    new Worker('require("node:worker_threads").parentPort.on("message", () => process.exit(1))', {
      eval: true,
    });

  it('gets the requests of one turn of the event loop in one batch, at most 64', async () => {
    const { peeler, messages } = start(launch);
    await Promise.all(Array.from({ length: 10 }, () => peel(peeler, goldenRequest)));
    expect(messages).toEqual([10]);
    await Promise.all(Array.from({ length: 2 * BATCH_SLOTS + 1 }, () => peel(peeler, goldenRequest)));
    expect(messages.slice(1)).toEqual([BATCH_SLOTS, BATCH_SLOTS, 1]);
    await peel(peeler, goldenRequest);
    expect(messages.slice(4)).toEqual([1]);
  });

  it('is replaced when it dies, and what it left unanswered is peeled in order', async () => {
    const { peeler, workers } = start((nth) => (nth === 0 ? launchDying() : launch()));
    const order: number[] = [];
    const answers = Array.from({ length: 70 }, async (_, i) => {
      const result = await peel(peeler, i % 2 ? goldenRequest : { ...goldenRequest, onionBlob: bytes('01') });
      order.push(i);
      return result.ok;
    });
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 70 }, (_, i) => i % 2 === 1));
    expect(order).toEqual([...order.keys()]);
    expect(workers).toHaveLength(2);
  });

  it('killed between requests, is replaced by the next one', async () => {
    const { peeler, workers } = start(launch);
    await peel(peeler, goldenRequest);
    await workers[0]!.terminate();
    expect((await peel(peeler, goldenRequest)).ok).toBe(true);
    expect(workers).toHaveLength(2);
  });

  it('that dies over an onion twice fails it, and the next onion gets a new worker', async () => {
    const { peeler, workers } = start((nth) => (nth < 2 ? launchDying() : launch()));
    const unavailable = { ok: false, error: { code: 'peeler_unavailable' } };
    expect(await peel(peeler, goldenRequest)).toEqual(unavailable);
    expect(workers).toHaveLength(2);
    expect((await peel(peeler, goldenRequest)).ok).toBe(true);
    expect(workers).toHaveLength(3);
  });

  it('may die again over later onions: each has its two attempts', async () => {
    const { peeler, workers } = start((nth) => (nth % 2 === 0 ? launchDying() : launch()));
    expect((await peel(peeler, goldenRequest)).ok).toBe(true);
    await workers[1]!.terminate();
    expect((await peel(peeler, goldenRequest)).ok).toBe(true);
    expect(workers).toHaveLength(4);
  });

  it('that cannot even start does not keep the peeler from closing', async () => {
    const errors: unknown[] = [];
    const { peeler } = start(
      () => new Worker('throw new Error("no start")', { eval: true }),
      (error) => errors.push(error),
    );
    const answer = peel(peeler, goldenRequest);
    await peeler.close();
    expect(errors).toEqual([expect.objectContaining({ message: 'no start' }), expect.anything()]);
    expect(await answer).toEqual({ ok: false, error: { code: 'peeler_unavailable' } });
  });
});
