import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeInvoice } from '../../src/lightning/bolt11.ts';
import { DecodeError } from '../../src/lightning/errors.ts';
import { parseFailureMessage } from '../../src/lightning/failureMessage.ts';
import { decodeFinalPayload, decodeHopPayload } from '../../src/lightning/finalPayload.ts';
import { peelForwardingOnion, peelOnion } from '../../src/lightning/onion.ts';
import { decodePaymentAddr } from '../../src/lightning/paymentAddr.ts';
import { readTlvStream } from '../../src/lightning/tlv.ts';
import { anyBytes } from './arbitraries.ts';
import { craftOnion } from './craftedOnion.ts';
import { bytes, golden, identityKey } from './vectors.ts';

const key = identityKey('K1');
const paymentHash = bytes(golden.onion.assocData);

/** Runs a decoder on hostile input: it returns, or throws a DecodeError; it does not take long. */
function decodesOrRefuses(decode: () => unknown): void {
  const started = performance.now();
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(DecodeError);
  }
  expect(performance.now() - started).toBeLessThan(1000);
}

describe('no bytes make a decoder throw anything but DecodeError', () => {
  const decoders: [string, (data: Uint8Array) => unknown][] = [
    ['TLV stream', readTlvStream],
    ['final payload', decodeFinalPayload],
    ['hop payload', decodeHopPayload],
    ['payment address', decodePaymentAddr],
    ['failure message', parseFailureMessage],
    ['onion', (onionBlob) => peelOnion({ identityKey: key, onionBlob, paymentHash })],
    ['onion on its way', (onionBlob) => peelForwardingOnion({ privateKey: key, onionBlob, paymentHash })],
    ['invoice', (data) => decodeInvoice(Buffer.from(data).toString('latin1'))],
  ];
  // Small numbers are what types and lengths are made of.
  const hostile = fc.oneof(anyBytes(0, 64), anyBytes(1300, 1400), fc.uint8Array({ max: 20, maxLength: 64 }));

  it.each(decoders)('%s', (_, decode) => {
    fc.assert(
      fc.property(hostile, (data) => {
        decodesOrRefuses(() => decode(data));
      }),
      { numRuns: 500 },
    );
  });

  it('invoice, from any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.boolean(), (text, prefixed) => {
        decodesOrRefuses(() => decodeInvoice(prefixed ? `lnbc1${text}` : text));
      }),
    );
  });
});

describe('authentic onions with hostile payloads', () => {
  const peel = (start: Uint8Array) =>
    peelOnion({ identityKey: key, onionBlob: craftOnion(key, paymentHash, start), paymentHash });
  const invalidPayload = expect.objectContaining({ name: 'DecodeError', code: 'invalid_onion_payload' });

  it('any plaintext is decoded or refused as invalid_onion_payload, by both ways of peeling', () => {
    const start = fc.oneof(anyBytes(0, 1300), anyBytes(0, 80), fc.uint8Array({ max: 20, maxLength: 80 }));
    fc.assert(
      fc.property(start, (plaintext) => {
        decodesOrRefuses(() => {
          const onionBlob = craftOnion(key, paymentHash, plaintext);
          try {
            decodeFinalPayload(peelOnion({ identityKey: key, onionBlob, paymentHash }).payload);
            decodeHopPayload(peelForwardingOnion({ privateKey: key, onionBlob, paymentHash }).payload);
          } catch (error) {
            expect(error).toEqual(invalidPayload);
          }
        });
      }),
    );
  });

  it.each([
    ['legacy', '00'],
    ['one byte more than fits', 'fd04f2'],
    ['4 GiB', 'feffffffff'],
    ['2^64-1', 'ffffffffffffffffff'],
    ['length not in its shortest form', 'fd0001'],
  ])('refuses the length: %s', (_, start) => {
    expect(() => peel(bytes(start))).toThrow(invalidPayload);
  });

  it('takes the longest payload that fits, and an empty one', () => {
    expect(peel(bytes('fd04f1')).payload.length).toBe(1300 - 3 - 32);
    expect(peel(Uint8Array.of(1)).payload.length).toBe(1);
  });

  it('sees a next hop by its HMAC, also far behind the payload prefix', () => {
    for (const length of [10, 126, 127, 158, 159, 160, 200, 252]) {
      const start = new Uint8Array(1 + length + 32);
      start[0] = length;
      expect(peel(start).nextHmacIsZero).toBe(true);
      start[length + 32] = 1;
      expect(peel(start).nextHmacIsZero).toBe(false);
    }
  });
});
