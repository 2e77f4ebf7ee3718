import { type Bech32, decodeBech32, encodeBech32, writeWords } from '../../../src/lightning/bech32.ts';
import { createInvoice, type DecodedInvoice, decodeInvoice } from '../../../src/lightning/bolt11.ts';
import { invoiceDigest, SIGNATURE_WORDS } from '../../../src/lightning/bolt11Format.ts';
import { publicKeyOf, signRecoverable } from '../../../src/lightning/crypto.ts';
import { concat } from '../../../src/lightning/tlv.ts';
import { golden, hex, identityKey, vectors } from '../../../test/lightning/vectors.ts';
import { mutateBytes } from '../engine/bytes.ts';
import type { Random } from '../engine/random.ts';
import { type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';
import { refusal } from './tlvStream.ts';

/** First byte of an input: what is put right before the text is decoded. */
const TEXT = 0;
const CHECKSUM = 1;
const SIGNATURE = 2;

const key = identityKey('K1');
const payee = hex(publicKeyOf(key));

/** Structured inputs hold the prefix's length, the prefix, and one byte for each word. */
function textOf(input: Uint8Array): string {
  if (input[0] !== CHECKSUM && input[0] !== SIGNATURE)
    return Buffer.from(input.subarray(1)).toString('latin1');
  const prefixEnd = 2 + (input[1] ?? 0);
  const prefix = Buffer.from(input.subarray(2, prefixEnd)).toString('latin1');
  const words = input.subarray(prefixEnd).map((word) => word & 31);
  return encodeBech32(
    prefix,
    input[0] === SIGNATURE ? concat([words, signatureWords(prefix, words)]) : words,
  );
}

function signatureWords(prefix: string, words: Uint8Array): Uint8Array {
  const { signature, recoveryId } = signRecoverable(invoiceDigest(prefix, words), key);
  const signed = new Uint8Array(SIGNATURE_WORDS);
  writeWords(signed, 0, concat([signature, Uint8Array.of(recoveryId)]));
  return signed;
}

function structured(kind: number, { prefix, words }: Bech32): Uint8Array {
  const kept = kind === SIGNATURE ? words.subarray(0, -SIGNATURE_WORDS) : words;
  return concat([Uint8Array.of(kind, prefix.length), Buffer.from(prefix, 'latin1'), kept]);
}

/** Encoded by us and decoded again, it says the same; refusals of our encoder are of what it never makes. */
function checkRoundTrip(invoice: DecodedInvoice): string {
  const { amountMsat, hints } = invoice;
  if (amountMsat === undefined || hints.some((route) => route.length !== 1))
    return 'decoded, not of our making';
  let text: string;
  try {
    text = createInvoice({ ...invoice, identityKey: key, amountMsat, hints: hints.flat() });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return `decoded, not encoded: ${error.message}`;
  }
  const { features: _features, metadata: _metadata, ...terms } = invoice;
  const { features: _again, metadata: _none, ...read } = decodeInvoice(text);
  mustEqual(read, { ...terms, payee }, 'the invoice, encoded again, says the same');
  return 'decoded and encoded again';
}

function checkValues(invoice: DecodedInvoice): void {
  must(invoice.paymentHash.length === 32 && invoice.paymentAddr.length === 32, 'hashes have 32 bytes');
  for (const value of [invoice.timestamp, invoice.expirySecs, invoice.finalCltvDelta]) {
    must(Number.isSafeInteger(value) && value >= 0, 'numbers are whole and exact');
  }
  must(invoice.amountMsat === undefined || invoice.amountMsat > 0n, 'an amount is more than nothing');
  must((invoice.description === undefined) !== (invoice.descriptionHash === undefined), 'one description');
}

function run(input: Uint8Array): string {
  let invoice: DecodedInvoice;
  const text = textOf(input);
  try {
    invoice = decodeInvoice(text);
  } catch (error) {
    return refusal(error);
  }
  checkValues(invoice);
  must(input[0] !== SIGNATURE || invoice.payee === payee, 'the payee is who signed');
  mustEqual(decodeInvoice(text.toUpperCase()), invoice, 'capitals say the same');
  return checkRoundTrip(invoice);
}

const TAGS = [1, 3, 5, 6, 13, 16, 19, 23, 24, 27, 9, 0, 31];
const LENGTHS = [0, 1, 2, 4, 7, 51, 52, 53, 82, 163, 164, 639, 1023];

/** A field of any kind and length, now and then with a wrong length. */
function field(random: Random): Uint8Array {
  const words = random
    .bytes(random.oneIn(3) ? random.below(12) : random.pick(LENGTHS))
    .map((word) => word & 31);
  const length = random.oneIn(8) ? random.below(1024) : words.length;
  return concat([Uint8Array.of(random.pick(TAGS), length >> 5, length & 31), words]);
}

const PREFIXES = ['lnbc', 'lntb', 'lntbs', 'lnbcrt', 'lnsb', 'ln', 'lnxx', 'lnbc1'];
const AMOUNTS = ['', '1', '20m', '2500u', '1p', '10p', '25n', '0', '01', '21000000', '99999999999999999999'];

function splitFields(words: Uint8Array): Uint8Array[] {
  const fields: Uint8Array[] = [];
  for (let at = 7; at < words.length; ) {
    const end = Math.min(words.length, at + 3 + (words[at + 1] ?? 0) * 32 + (words[at + 2] ?? 0));
    fields.push(words.subarray(at, end));
    at = end;
  }
  return fields;
}

function mutate(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  if (input[0] !== CHECKSUM && input[0] !== SIGNATURE) {
    return concat([Uint8Array.of(TEXT), mutateBytes(input.subarray(1), random, other.subarray(1))]);
  }
  const prefixEnd = 2 + (input[1] ?? 0);
  let prefix = input.subarray(2, prefixEnd);
  if (random.oneIn(8)) prefix = Buffer.from(random.pick(PREFIXES) + random.pick(AMOUNTS), 'latin1');
  const words = input.subarray(prefixEnd);
  const fields = splitFields(words);
  const at = random.below(fields.length);
  const kind = random.below(6);
  if (kind < 2) fields.splice(random.below(fields.length + 1), 0, field(random));
  else if (kind === 2) fields.splice(at, 1);
  else if (kind === 3 && fields.length > 0) fields.splice(random.below(fields.length + 1), 0, fields[at]!);
  else if (kind === 4 && fields.length > 0) fields[at] = mutateBytes(fields[at]!, random, fields[at]!);
  const time = random.oneIn(8) ? random.bytes(7) : words.subarray(0, 7);
  const kindByte = random.oneIn(12) ? 1 + random.below(2) : input[0];
  return concat([Uint8Array.of(kindByte, prefix.length), prefix, time, ...fields]);
}

function seeds(): Uint8Array[] {
  const texts = [
    ...golden.invoices.map(({ invoice }) => invoice),
    ...(vectors('bolt11-vectors.json') as { valid: { invoice: string }[] }).valid.map(
      ({ invoice }) => invoice,
    ),
  ];
  return texts.flatMap((text) => [
    concat([Uint8Array.of(TEXT), Buffer.from(text, 'latin1')]),
    structured(CHECKSUM, decodeBech32(text)),
    structured(SIGNATURE, decodeBech32(text)),
  ]);
}

export const bolt11: Target = {
  name: 'bolt11',
  promise: 'decodeInvoice: refuses with DecodeError, or the invoice encoded again decodes to the same terms',
  maxBytes: 7_200,
  maxMs: 100,
  open: (): LiveTarget => ({ seeds: seeds(), run, mutate, show: textOf }),
};
