import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeOffer, encodeAnswer } from '../../src/adapters/lnd/interceptorCodec.ts';
import { Failure_FailureCode } from '../../src/generated/lnd/lightning.ts';
import {
  ForwardHtlcInterceptRequest,
  ForwardHtlcInterceptResponse,
  ResolveHoldForwardAction,
} from '../../src/generated/lnd/router.ts';

const u64 = fc.oneof(
  fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  fc.constantFrom(0n, 1n, 127n, 128n, (1n << 32n) - 1n, 1n << 32n, 1n << 63n, (1n << 64n) - 1n),
);
const u32 = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  fc.constantFrom(0, 127, 128, 2 ** 31, 2 ** 32 - 1),
);
const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((b) => Buffer.from(b));
const request: fc.Arbitrary<ForwardHtlcInterceptRequest> = fc.record({
  incomingCircuitKey: fc.record({ chanId: u64, htlcId: u64 }),
  paymentHash: bytes(40),
  outgoingAmountMsat: u64,
  outgoingExpiry: u32,
  incomingAmountMsat: u64,
  incomingExpiry: u32,
  outgoingRequestedChanId: u64,
  onionBlob: bytes(1400),
  autoFailHeight: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
});

/** A field that our proto leaves out, of each wire type: lnd sends some of them. */
const foreignField = fc.constantFrom(
  Buffer.from([0x60, 0x96, 0x01]), // 12, varint
  Buffer.from([0x69, 1, 2, 3, 4, 5, 6, 7, 8]), // 13, fixed64
  Buffer.from([0x42, 3, 9, 9, 9]), // 8, length-delimited
  Buffer.from([0x75, 1, 2, 3, 4]), // 14, fixed32
);

describe('offers', () => {
  test('are read as the generated code reads them, whatever else lnd sends', () => {
    fc.assert(
      fc.property(request, foreignField, fc.boolean(), (message, extra, first) => {
        const encoded = ForwardHtlcInterceptRequest.encode(message).finish();
        const wire = Buffer.concat(first ? [extra, encoded] : [encoded, extra]);
        const { key, ...offer } = decodeOffer(wire);
        const { incomingCircuitKey, ...rest } = ForwardHtlcInterceptRequest.decode(wire);
        expect(key).toEqual(incomingCircuitKey);
        expect({
          ...offer,
          paymentHash: Buffer.from(offer.paymentHash),
          onionBlob: Buffer.from(offer.onionBlob),
        }).toEqual(rest);
      }),
      { numRuns: 1_000 },
    );
  });

  test('are not copied: what is kept has to be', () => {
    const wire = Buffer.from(
      ForwardHtlcInterceptRequest.encode({
        ...ForwardHtlcInterceptRequest.decode(new Uint8Array()),
        onionBlob: Buffer.alloc(1366, 1),
      }).finish(),
    );
    expect(decodeOffer(wire).onionBlob.buffer).toBe(wire.buffer);
  });

  test('a message that breaks off is an error, never a half offer or an endless loop', () => {
    fc.assert(
      fc.property(request, fc.nat(1_000), (message, cut) => {
        // No other field can hold these 64 bytes, and a cut inside of them can't fall between two fields.
        const onionBlob = Buffer.alloc(64, 0xee);
        const wire = Buffer.from(ForwardHtlcInterceptRequest.encode({ ...message, onionBlob }).finish());
        const inside = wire.indexOf(onionBlob) + (cut % 64);
        expect(() => decodeOffer(wire.subarray(0, inside))).toThrow(/protobuf/);
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (junk) => {
        try {
          decodeOffer(junk);
        } catch (error) {
          expect((error as Error).message).toMatch(/^protobuf: /);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('answers', () => {
  const key = fc.record({ chanId: u64, htlcId: u64 });
  const read = (wire: Buffer) => ForwardHtlcInterceptResponse.decode(wire);
  const none = Buffer.alloc(0);

  test('carry what lnd takes for their action, and nothing else', () => {
    const preimage = new Uint8Array(32).fill(3);
    const failureOnion = new Uint8Array(292).fill(4);
    fc.assert(
      fc.property(key, (k) => {
        const base = { incomingCircuitKey: k, preimage: none, failureMessage: none, failureCode: 0 };
        expect(read(encodeAnswer({ action: 'settle', key: k, preimage }))).toEqual({
          ...base,
          action: ResolveHoldForwardAction.SETTLE,
          preimage: Buffer.from(preimage),
        });
        expect(read(encodeAnswer({ action: 'fail', key: k, failureOnion }))).toEqual({
          ...base,
          action: ResolveHoldForwardAction.FAIL,
          failureMessage: Buffer.from(failureOnion),
        });
        expect(read(encodeAnswer({ action: 'resume', key: k }))).toEqual({
          ...base,
          action: ResolveHoldForwardAction.RESUME,
        });
      }),
    );
  });

  test.each([
    ['temporary_channel_failure', Failure_FailureCode.TEMPORARY_CHANNEL_FAILURE],
    ['invalid_onion_version', Failure_FailureCode.INVALID_ONION_VERSION],
    ['invalid_onion_hmac', Failure_FailureCode.INVALID_ONION_HMAC],
    ['invalid_onion_key', Failure_FailureCode.INVALID_ONION_KEY],
  ] as const)('%s', (code, failureCode) => {
    const answer = read(encodeAnswer({ action: 'failWithCode', key: { chanId: 1n, htlcId: 2n }, code }));
    expect(answer).toMatchObject({
      action: ResolveHoldForwardAction.FAIL,
      failureCode,
      failureMessage: none,
    });
  });
});
