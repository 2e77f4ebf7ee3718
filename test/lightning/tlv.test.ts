import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeFinalPayload,
  decodeHopPayload,
  encodeFinalPayload,
  encodeHopPayload,
} from '../../src/lightning/finalPayload.ts';
import {
  readBigSize,
  readTlvStream,
  writeBigSize,
  writeTlvStream,
  writeTruncatedUint,
} from '../../src/lightning/tlv.ts';
import { anyBytes, bytes32, u32, u64 } from './arbitraries.ts';
import { bytes, golden, hex } from './vectors.ts';

const invalidTlv = (tlvType?: bigint, offset?: number) =>
  expect.objectContaining({
    code: 'invalid_tlv',
    ...(tlvType !== undefined && { tlvType }),
    ...(offset !== undefined && { offset }),
  });

describe('BigSize', () => {
  it('reads what it writes, at any offset', () => {
    fc.assert(
      fc.property(fc.oneof(u64, fc.bigInt({ min: 0n, max: 70_000n })), anyBytes(0, 5), (value, before) => {
        const encoded = writeBigSize(value);
        const read = readBigSize(Uint8Array.of(...before, ...encoded, 0xff), before.length);
        expect(read).toEqual({ value, end: before.length + encoded.length });
      }),
    );
  });

  // The appendix of BOLT 1.
  it.each([
    ['00', 0n],
    ['fc', 252n],
    ['fd00fd', 253n],
    ['fdffff', 65535n],
    ['fe00010000', 65536n],
    ['feffffffff', 4294967295n],
    ['ff0000000100000000', 4294967296n],
    ['ffffffffffffffffff', 18446744073709551615n],
  ])('%s is %s', (encoded, value) => {
    expect(readBigSize(bytes(encoded), 0).value).toBe(value);
    expect(hex(writeBigSize(value))).toBe(encoded);
  });

  it.each([
    'fd00fc',
    'fe0000ffff',
    'ff00000000ffffffff',
    'fd00',
    'feffff',
    'ffffffffff',
    '',
    'fd',
    'fe',
    'ff',
  ])('refuses %s', (encoded) => {
    expect(() => readBigSize(bytes(encoded), 0)).toThrow(invalidTlv());
  });
});

describe('TLV streams', () => {
  it('read what they write, and nothing else reads the same', () => {
    const record = fc.record({
      type: fc.oneof(u64, fc.bigInt({ min: 0n, max: 300n })),
      value: anyBytes(0, 300),
    });
    fc.assert(
      fc.property(fc.uniqueArray(record, { selector: ({ type }) => type, maxLength: 6 }), (records) => {
        const stream = writeTlvStream(records);
        const read = readTlvStream(stream);
        const sorted = [...records].sort((a, b) => (a.type < b.type ? -1 : 1));
        expect(read.map(({ type, value }) => [type, hex(value)])).toEqual(
          sorted.map(({ type, value }) => [type, hex(value)]),
        );
        expect(hex(writeTlvStream(read))).toBe(hex(stream));
      }),
    );
  });

  it('any bytes either are the one encoding of their records, or are refused', () => {
    fc.assert(
      fc.property(anyBytes(0, 40), (stream) => {
        let records: ReturnType<typeof readTlvStream>;
        try {
          records = readTlvStream(stream);
        } catch (error) {
          expect(error).toEqual(invalidTlv());
          return;
        }
        expect(hex(writeTlvStream(records))).toBe(hex(stream));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['type out of order', '0201000101', 1n, 3],
    ['type twice', '02000200', 2n, 2],
    ['value longer than the stream', '020001fd00ff00', 1n, 2],
    ['length of 2^64-1', '02ffffffffffffffffff00', 2n, 0],
    ['no length', '0200fd0100', 256n, 2],
    ['length not in its shortest form', '02fd000100', 2n, 0],
  ])('refuses: %s', (_, stream, type, offset) => {
    expect(() => readTlvStream(bytes(stream))).toThrow(invalidTlv(type, offset));
  });
});

describe('final payloads', () => {
  const paymentData = fc.record({ paymentAddr: bytes32, totalMsat: u64 });
  const payload = fc.record({ amountMsat: u64, cltvExpiry: u32 });

  it('read what they write', () => {
    fc.assert(
      fc.property(payload, fc.option(paymentData, { nil: undefined }), (fields, data) => {
        const full = data ? { ...fields, paymentData: data } : fields;
        expect(decodeFinalPayload(encodeFinalPayload(full))).toEqual(full);
      }),
    );
  });

  it('pass over odd and custom records, AMP and metadata', () => {
    const ignored = fc.record({
      type: fc.oneof(
        fc.bigInt({ min: 4n, max: 32767n }).map((half) => half * 2n + 1n),
        fc.bigInt({ min: 65536n, max: 2n ** 64n - 1n }),
        fc.constant(16n),
      ),
      value: anyBytes(0, 40),
    });
    fc.assert(
      fc.property(
        payload,
        paymentData,
        fc.uniqueArray(ignored, { selector: ({ type }) => type }),
        (fields, data, more) => {
          const full = { ...fields, paymentData: data };
          const stream = writeTlvStream([...readTlvStream(encodeFinalPayload(full)), ...more]);
          expect(decodeFinalPayload(stream)).toEqual(full);
        },
      ),
    );
    const amp = { type: 14n, value: Uint8Array.of(...new Uint8Array(64), 5) };
    const base = { amountMsat: 1n, cltvExpiry: 2 };
    expect(decodeFinalPayload(writeTlvStream([...readTlvStream(encodeFinalPayload(base)), amp]))).toEqual(
      base,
    );
  });

  it('refuse every unknown even type below 65536, next hops and blinded paths, saying which and where', () => {
    const known = [0n, 2n, 4n, 8n, 14n, 16n];
    const even = fc.bigInt({ min: 0n, max: 32767n }).map((half) => half * 2n);
    const unknown = fc
      .oneof(even, fc.constantFrom(6n, 10n, 12n, 18n))
      .filter((type) => !known.includes(type));
    fc.assert(
      fc.property(payload, unknown, anyBytes(0, 10), (fields, type, value) => {
        const stream = writeTlvStream([...readTlvStream(encodeFinalPayload(fields)), { type, value }]);
        const offset = readTlvStream(stream).find((record) => record.type === type)!.offset;
        expect(() => decodeFinalPayload(stream)).toThrow(
          expect.objectContaining({ code: 'invalid_onion_payload', tlvType: type, offset }),
        );
      }),
    );
  });

  it.each([
    ['empty', '', 2n],
    ['no amount', '04022710', 2n],
    ['no expiry', '02022710', 4n],
    ['amount with a leading zero', '0202002704022710', 2n],
    ['amount of nine bytes', '020901000000000000000004022710', 2n],
    ['expiry of five bytes', '0201010405ffffffffff', 4n],
    ['payment data of 31 bytes', `020101040101081f${'00'.repeat(31)}`, 8n],
    ['total with a leading zero', `0201010401010822${'00'.repeat(32)}0001`, 8n],
    ['AMP of 63 bytes', `0201010401010e3f${'00'.repeat(63)}`, 14n],
    ['legacy hop data', `00${'00'.repeat(32)}`, 0n],
  ])('refuse: %s', (_, stream, tlvType) => {
    expect(() => decodeFinalPayload(bytes(stream))).toThrow(
      expect.objectContaining({ code: 'invalid_onion_payload', tlvType }),
    );
  });

  it('the golden payload', () => {
    expect(decodeFinalPayload(bytes(golden.onion.payload))).toEqual({
      amountMsat: 10000n,
      cltvExpiry: 1040,
      paymentData: { paymentAddr: bytes(golden.invoices[0]!.paymentAddr), totalMsat: 10000n },
    });
  });

  it('payloads of forwarding hops read what they write and are not final', () => {
    fc.assert(
      fc.property(u64, u32, u64, (amountMsat, cltvExpiry, chanId) => {
        const encoded = encodeHopPayload({ amountMsat, cltvExpiry, chanId });
        expect(decodeHopPayload(encoded)).toEqual({ amountMsat, cltvExpiry, chanId });
        expect(() => decodeFinalPayload(encoded)).toThrow(
          expect.objectContaining({ tlvType: 6n, message: 'payload names a next hop' }),
        );
      }),
    );
    expect(hex(writeTruncatedUint(0n))).toBe('');
  });
});
