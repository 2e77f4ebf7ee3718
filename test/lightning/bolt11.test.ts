import * as bolt11Package from 'bolt11';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NodeId } from '../../src/domain/hash.ts';
import { MAX_MSAT } from '../../src/domain/msat.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { decodeBech32, encodeBech32, wordsForBytes, writeWords } from '../../src/lightning/bech32.ts';
import { createInvoice, decodeInvoice, type InvoiceInput } from '../../src/lightning/bolt11.ts';
import { invoiceDigest } from '../../src/lightning/bolt11Format.ts';
import { publicKeyOf, signRecoverable } from '../../src/lightning/crypto.ts';
import { networkParams } from '../../src/lightning/networks.ts';
import { bytes32, privateKey, u32, u64 } from './arbitraries.ts';
import { bytes, type GoldenInvoice, golden, hex, identityKey, vectors } from './vectors.ts';

const bolt11 = vectors('bolt11-vectors.json') as Record<
  'valid' | 'invalid',
  { name: string; invoice: string }[]
>;
const rejected = expect.objectContaining({ name: 'DecodeError', code: 'invalid_invoice' });

function goldenInput(vector: GoldenInvoice): InvoiceInput {
  return {
    network: vector.net,
    identityKey: identityKey(vector.key),
    timestamp: vector.timestamp,
    expirySecs: vector.expirySecs,
    amountMsat: BigInt(vector.amtMsat),
    description: vector.description,
    descriptionHash: vector.descriptionHash === undefined ? undefined : bytes(vector.descriptionHash),
    paymentHash: bytes(vector.paymentHash),
    paymentAddr: bytes(vector.paymentAddr),
    hints: vector.nodes.map((node) => ({
      nodeId: node as NodeId,
      chanId: virtualChannelId(node as NodeId),
      feeBaseMsat: vector.policy.base,
      feeRatePpm: vector.policy.ppm,
      cltvDelta: vector.policy.delta,
    })),
  };
}

const hint = fc.record({
  nodeId: privateKey.map((key) => hex(publicKeyOf(key)) as NodeId),
  chanId: u64,
  feeBaseMsat: u32,
  feeRatePpm: u32,
  cltvDelta: fc.nat({ max: 0xffff }),
});

const input: fc.Arbitrary<InvoiceInput> = fc.record({
  network: fc.constantFrom('mainnet', 'testnet', 'signet', 'regtest', 'simnet'),
  identityKey: privateKey,
  timestamp: fc.integer({ min: 1, max: 2 ** 35 - 1 }),
  expirySecs: fc.integer({ min: 1, max: 2 ** 40 }),
  amountMsat: fc.oneof(
    fc.bigInt({ min: 1n, max: MAX_MSAT }),
    fc
      .tuple(fc.bigInt({ min: 1n, max: 21n }), fc.nat({ max: 17 }))
      .map(([n, zeros]) => n * 10n ** BigInt(zeros)),
  ),
  description: fc
    .string({ maxLength: 100, unit: 'grapheme' })
    .filter((text) => Buffer.from(text).length <= 639),
  descriptionHash: fc.option(bytes32, { nil: undefined }),
  paymentHash: bytes32,
  paymentAddr: bytes32,
  hints: fc.array(hint, { maxLength: 3 }),
  finalCltvDelta: fc.integer({ min: 1, max: 0xffff }),
});

/** The same invoice by the bolt11 package alone. */
function byPackage(from: InvoiceInput): string {
  const description = from.descriptionHash
    ? { tagName: 'purpose_commit_hash', data: hex(from.descriptionHash) }
    : { tagName: 'description', data: from.description ?? '' };
  const bech32 = networkParams(from.network).invoicePrefix.slice(2);
  const unsigned = bolt11Package.encode(
    {
      network: { bech32, pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] },
      millisatoshis: from.amountMsat.toString(),
      timestamp: from.timestamp,
      tags: [
        { tagName: 'payment_hash', data: hex(from.paymentHash) },
        description,
        { tagName: 'min_final_cltv_expiry', data: from.finalCltvDelta ?? 40 },
        { tagName: 'expire_time', data: from.expirySecs },
        ...from.hints.map((each) => ({
          tagName: 'routing_info',
          data: [
            {
              pubkey: each.nodeId,
              short_channel_id: each.chanId.toString(16).padStart(16, '0'),
              fee_base_msat: each.feeBaseMsat,
              fee_proportional_millionths: each.feeRatePpm,
              cltv_expiry_delta: each.cltvDelta,
            },
          ],
        })),
        { tagName: 'payment_secret', data: hex(from.paymentAddr) },
        {
          tagName: 'feature_bits',
          data: {
            word_length: 4,
            var_onion_optin: { supported: true },
            payment_secret: { required: true },
            basic_mpp: { supported: true },
          },
        },
      ],
    },
    false,
  );
  return bolt11Package.sign(unsigned, Buffer.from(from.identityKey)).paymentRequest!;
}

describe('createInvoice', () => {
  it.each(golden.invoices)('golden invoice $id', (vector) => {
    expect(createInvoice(goldenInput(vector))).toBe(vector.invoice);
    expect(byPackage(goldenInput(vector))).toBe(vector.invoice);
  });

  it('gives the same text as the bolt11 package', () => {
    fc.assert(
      fc.property(input, (each) => {
        expect(createInvoice(each)).toBe(byPackage(each));
      }),
      { numRuns: 200 },
    );
  });

  it('is decoded to what went in', () => {
    fc.assert(
      fc.property(input, (each) => {
        const decoded = decodeInvoice(createInvoice(each));
        const { identityKey: key, hints, description, ...rest } = each;
        expect(decoded).toEqual({
          ...rest,
          description: each.descriptionHash ? undefined : description,
          hints: hints.map((hop) => [hop]),
          payee: hex(publicKeyOf(key)),
          features: new Set([9, 14, 17]),
          metadata: undefined,
        });
      }),
      { numRuns: 50 },
    );
  });

  it('encodes hints again when they are another array', () => {
    const from = goldenInput(golden.invoices[0]!);
    const [one, two] = [from.hints.slice(0, 1), from.hints.slice(1)];
    expect(decodeInvoice(createInvoice({ ...from, hints: one })).hints).toEqual([one]);
    expect(decodeInvoice(createInvoice({ ...from, hints: two })).hints).toEqual([two]);
    expect(createInvoice(from)).toBe(golden.invoices[0]!.invoice);
  });

  it('refuses what does not fit its field', () => {
    const valid = goldenInput(golden.invoices[0]!);
    const longest = 'x'.repeat(639);
    expect(decodeInvoice(createInvoice({ ...valid, description: longest })).description).toBe(longest);
    const [first] = valid.hints;
    for (const wrong of [
      { description: `${longest}x` },
      { amountMsat: 0n },
      { amountMsat: -1n },
      { amountMsat: MAX_MSAT + 1n },
      { timestamp: 2 ** 35 },
      { timestamp: 1.5 },
      { expirySecs: -1 },
      { expirySecs: Number.NaN },
      { paymentHash: new Uint8Array(31) },
      { paymentAddr: new Uint8Array(33) },
      { descriptionHash: new Uint8Array(0) },
      { identityKey: new Uint8Array(32) },
      { hints: [{ ...first!, feeBaseMsat: 2 ** 32 }] },
      { hints: [{ ...first!, feeRatePpm: -1 }] },
      { hints: [{ ...first!, cltvDelta: 65536 }] },
      { hints: new Array(100).fill(first!) },
    ]) {
      expect(() => createInvoice({ ...valid, ...wrong }), JSON.stringify(Object.keys(wrong))).toThrow(
        RangeError,
      );
    }
  });
});

describe('decodeInvoice', () => {
  it.each(bolt11.valid)('takes: $name', ({ invoice }) => {
    const { paymentHash, features, payee } = decodeInvoice(invoice);
    expect(paymentHash.length).toBe(32);
    expect(features.has(14)).toBe(true);
    expect(payee).toMatch(/^0[23][0-9a-f]{64}$/);
  });

  it.each(bolt11.invalid)('refuses: $name', ({ invoice }) => {
    expect(() => decodeInvoice(invoice)).toThrow(rejected);
  });

  it('reads fields, defaults, routes of several hops and metadata', () => {
    const byName = (start: string) =>
      decodeInvoice(bolt11.valid.find(({ name }) => name.startsWith(start))!.invoice);
    const donation = byName('Please make a donation');
    expect(donation).toMatchObject({
      network: 'mainnet',
      timestamp: 1496314658,
      expirySecs: 3600,
      finalCltvDelta: 18,
      amountMsat: undefined,
      description: 'Please consider supporting this project',
      payee: '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad',
      hints: [],
    });
    expect(byName('On mainnet, with fallback address 1Rusty').hints).toEqual([
      [
        {
          nodeId: '029e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255',
          chanId: 0x0102030405060708n,
          feeBaseMsat: 1,
          feeRatePpm: 20,
          cltvDelta: 3,
        },
        {
          nodeId: '039e03a901b85534ff1e92c43c74431f7ce72046060fcf7a95c37e148f78c77255',
          chanId: 0x030405060708090an,
          feeBaseMsat: 2,
          feeRatePpm: 30,
          cltvDelta: 4,
        },
      ],
    ]);
    expect(byName('Please send 0.01 BTC with payment metadata').metadata).toEqual(bytes('01fafaf0'));
    expect(byName('Please send 0.00967878534 BTC')).toMatchObject({
      amountMsat: 967878534n,
      expirySecs: 604800,
      finalCltvDelta: 10,
    });
    expect(byName('Same, but including fields').payee).toBe(donation.payee);
  });

  it('takes upper case as a whole, never mixed, nor letters that only become ASCII in lower case', () => {
    const { invoice } = golden.invoices[0]!;
    expect(decodeInvoice(invoice.toUpperCase())).toEqual(decodeInvoice(invoice));
    expect(() => decodeInvoice(`L${invoice.slice(1)}`)).toThrow(rejected);
    // U+212A, the Kelvin sign, is k in lower case and itself in upper case.
    expect(() => decodeInvoice(invoice.toUpperCase().replace('K', '\u212a'))).toThrow(rejected);
  });

  it('notices every changed character', () => {
    const { invoice } = golden.invoices[0]!;
    fc.assert(
      fc.property(
        fc.nat({ max: invoice.length - 1 }),
        fc.constantFrom(...'qpzry9x8gf2tvdw0s3jn54khce6mua7l1b '),
        (at, char) => {
          fc.pre(invoice[at] !== char);
          expect(() => decodeInvoice(invoice.slice(0, at) + char + invoice.slice(at + 1))).toThrow(rejected);
        },
      ),
    );
  });

  it('whatever stands between timestamp and signature: an invoice or a DecodeError, in bounded time', () => {
    const words = fc.uint8Array({ min: 0, max: 31, maxLength: 600 });
    const { prefix, words: original } = decodeBech32(golden.invoices[0]!.invoice);
    const started = performance.now();
    fc.assert(
      fc.property(
        fc.constantFrom(prefix, 'lnbc', 'lnbc1', 'lntb9p', 'ln', 'lnxx1'),
        words,
        (start, middle) => {
          const text = encodeBech32(
            start,
            Uint8Array.of(...original.subarray(0, 7), ...middle, ...original.subarray(-104)),
          );
          try {
            decodeInvoice(text);
          } catch (error) {
            expect(error).toEqual(rejected);
          }
        },
      ),
      { numRuns: 300 },
    );
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('the longest text of empty fields is answered quickly', () => {
    const original = decodeBech32(golden.invoices[0]!.invoice).words;
    for (const tag of [13, 2, 9, 3]) {
      const empty = Array.from({ length: 6900 }, (_, i) => (i % 3 === 0 ? tag : 0));
      const text = encodeBech32(
        'lnbc',
        Uint8Array.of(...original.subarray(0, 7), ...empty, ...original.subarray(-104)),
      );
      const started = performance.now();
      expect(() => decodeInvoice(text)).toThrow(rejected);
      expect(performance.now() - started).toBeLessThan(500);
    }
    expect(() => decodeInvoice('l'.repeat(1_000_000))).toThrow(rejected);
  });
});

describe('decodeInvoice with fields of any making', () => {
  const key = identityKey('K1');
  const hash = writtenWords(bytes(golden.invoices[0]!.paymentHash));
  const good = {
    p: [1, hash],
    s: [16, hash],
    d: [13, writtenWords(Buffer.from('tea'))],
    h: [23, hash],
  } satisfies Record<string, Field>;

  type Field = [tag: number, words: Uint8Array];

  function writtenWords(data: Uint8Array): Uint8Array {
    const words = new Uint8Array(wordsForBytes(data.length));
    writeWords(words, 0, data);
    return words;
  }

  function signed(fields: Field[], end: number[] = []): string {
    const written = fields.flatMap(([tag, words]) => [tag, words.length >> 5, words.length & 31, ...words]);
    const words = Uint8Array.of(0, 0, 0, 0, 0, 0, 1, ...written, ...end);
    const { signature, recoveryId } = signRecoverable(invoiceDigest('lnbc', words), key);
    const signatureWords = writtenWords(Uint8Array.of(...signature, recoveryId));
    return encodeBech32('lnbc', Uint8Array.of(...words, ...signatureWords));
  }

  it('the least that an invoice needs', () => {
    expect(decodeInvoice(signed([good.p, good.s, good.d]))).toMatchObject({
      description: 'tea',
      payee: golden.identity[0]!.pubkey,
      timestamp: 1,
    });
    expect(decodeInvoice(signed([good.p, good.s, good.h])).description).toBeUndefined();
  });

  it('the first field of a kind counts, and hashes of another length do not', () => {
    const other: Uint8Array = new Uint8Array(52);
    const invoice = decodeInvoice(
      signed([
        [1, other.subarray(1)],
        [16, new Uint8Array(53)],
        [19, new Uint8Array(52)],
        good.p,
        good.s,
        good.d,
        [1, other],
        [16, other],
        [13, writtenWords(Buffer.from('coffee'))],
      ]),
    );
    expect(hex(invoice.paymentHash)).toBe(golden.invoices[0]!.paymentHash);
    expect(hex(invoice.paymentAddr)).toBe(golden.invoices[0]!.paymentHash);
    expect(invoice.description).toBe('tea');
    expect(invoice.payee).toBe(golden.identity[0]!.pubkey);
  });

  const otherPayee = writtenWords(bytes(golden.identity[1]!.pubkey));
  const hint = new Uint8Array(51);
  it.each<[string, Field[], number[]]>([
    ['no payment hash', [good.s, good.d], []],
    ['no payment address', [good.p, good.d], []],
    ['neither description nor its hash', [good.p, good.s], []],
    ['description and its hash', [good.p, good.s, good.d, good.h], []],
    ['a description that is not UTF-8', [good.p, good.s, [13, writtenWords(Uint8Array.of(0xff))]], []],
    ['another payee', [good.p, good.s, good.d, [19, otherPayee]], []],
    ['a route hint that is cut off', [good.p, good.s, good.d, [3, writtenWords(hint.subarray(1))]], []],
    ['an empty route hint', [good.p, good.s, good.d, [3, new Uint8Array()]], []],
    ['a route hint with no node key', [good.p, good.s, good.d, [3, writtenWords(hint)]], []],
    [
      'a route hint with a key off the curve',
      [
        good.p,
        good.s,
        good.d,
        [3, writtenWords(Uint8Array.of(2, ...new Uint8Array(31), 5, ...new Uint8Array(18)))],
      ],
      [],
    ],
    ['a field longer than the rest', [good.p, good.s, good.d], [2, 0, 1]],
    ['a field header that is cut off', [good.p, good.s, good.d], [2, 0]],
    ['an expiry beyond any number', [good.p, good.s, good.d, [6, new Uint8Array(20).fill(31)]], []],
    ['a required feature that we lack', [good.p, good.s, good.d, [5, Uint8Array.of(1)]], []],
    [
      'more characters than lnd reads',
      [good.p, good.s, good.d, ...new Array(7).fill([2, new Uint8Array(1000)])],
      [],
    ],
  ])('refuses: %s', (_, fields, end) => {
    expect(() => decodeInvoice(signed(fields, end))).toThrow(rejected);
  });
});
