import { hashBytes } from '../domain/hash.ts';
import { MAX_MSAT, type Msat } from '../domain/msat.ts';
import { encodeBech32, MAX_INVOICE_CHARS, wordsForBytes, writeWords } from './bech32.ts';
import {
  HINT_HOP_BYTES,
  invoiceDigest,
  MAX_FIELD_WORDS,
  type RouteHint,
  SIGNATURE_WORDS,
  TAG,
  TIMESTAMP_WORDS,
} from './bolt11Format.ts';
import { signRecoverable } from './crypto.ts';
import { type Network, networkParams } from './networks.ts';

/** Bits 9 (TLV onion), 14 (payment address, required) and 17 (multi-part), as words. */
const FEATURES = Uint8Array.of(4, 16, 16, 0);

export interface InvoiceInput {
  readonly network: Network;
  readonly identityKey: Uint8Array;
  /** Unix seconds. */
  readonly timestamp: number;
  readonly expirySecs: number;
  readonly amountMsat: Msat;
  /** At most 639 bytes of UTF-8. Ignored where there is a description hash; empty where there is neither. */
  readonly description?: string | undefined;
  readonly descriptionHash?: Uint8Array | undefined;
  readonly paymentHash: Uint8Array;
  readonly paymentAddr: Uint8Array;
  /** One route of one hop each. Pass the same array again where it can be: its encoding is kept. */
  readonly hints: readonly RouteHint[];
  /** Blocks; 40 unless given. */
  readonly finalCltvDelta?: number;
}

/**
 * A signed invoice (BOLT 11) with the fields p, d or h, c, x, r…, s and 9 in this order: the bytes that Go lnmux
 * makes of the same values. Throws RangeError when a value does not fit its field or the text is too long.
 */
export function createInvoice(input: InvoiceInput): string {
  const prefix = networkParams(input.network).invoicePrefix + amountText(input.amountMsat);
  const hints = hintWords(input.hints);
  const words = new Uint8Array(hints.length + 512 + MAX_FIELD_WORDS);
  let end = writeUint(words, 0, uint(input.timestamp, 2 ** 35 - 1, 'timestamp'), TIMESTAMP_WORDS);
  end = writeHash(words, end, TAG.paymentHash, input.paymentHash);
  end = writeDescription(words, end, input);
  end = writeNumber(words, end, TAG.finalCltvDelta, uint(input.finalCltvDelta ?? 40, 0xffffffff, 'cltv'));
  end = writeNumber(words, end, TAG.expiry, uint(input.expirySecs, Number.MAX_SAFE_INTEGER, 'expiry'));
  words.set(hints, end);
  end += hints.length;
  end = writeHash(words, end, TAG.paymentAddr, input.paymentAddr);
  end = writeHeader(words, end, TAG.features, FEATURES.length);
  words.set(FEATURES, end);
  end += FEATURES.length;

  const digest = invoiceDigest(prefix, words.subarray(0, end));
  end = writeSignature(words, end, digest, input.identityKey);
  const text = encodeBech32(prefix, words.subarray(0, end));
  if (text.length > MAX_INVOICE_CHARS) throw new RangeError('invoice is too long');
  return text;
}

const UNITS: readonly (readonly [suffix: string, msat: bigint])[] = [
  ['', 100_000_000_000n],
  ['m', 100_000_000n],
  ['u', 100_000n],
  ['n', 100n],
];

/** The amount in the largest unit that divides it (BOLT 11). */
function amountText(amountMsat: Msat): string {
  if (amountMsat <= 0n || amountMsat > MAX_MSAT) throw new RangeError('amount out of range');
  // From the smallest unit up: most amounts stop early.
  let text = `${amountMsat * 10n}p`;
  for (let i = UNITS.length - 1; i >= 0; i--) {
    const [suffix, unit] = UNITS[i]!;
    if (amountMsat % unit !== 0n) break;
    text = `${amountMsat / unit}${suffix}`;
  }
  return text;
}

function writeDescription(words: Uint8Array, start: number, input: InvoiceInput): number {
  if (input.descriptionHash) return writeHash(words, start, TAG.descriptionHash, input.descriptionHash);
  const bytes = Buffer.from(input.description ?? '', 'utf8');
  const length = wordsForBytes(bytes.length);
  if (length > MAX_FIELD_WORDS) throw new RangeError('description is too long');
  return writeWords(words, writeHeader(words, start, TAG.description, length), bytes);
}

const hintCache = new WeakMap<readonly RouteHint[], Uint8Array>();

/** The `r` fields. A daemon's hints change with its configuration only, so each array is encoded once. */
function hintWords(hints: readonly RouteHint[]): Uint8Array {
  let words = hintCache.get(hints);
  if (!words) {
    const fieldWords = wordsForBytes(HINT_HOP_BYTES);
    words = new Uint8Array(hints.length * (3 + fieldWords));
    let end = 0;
    for (const hint of hints) {
      end = writeWords(words, writeHeader(words, end, TAG.routeHint, fieldWords), hintBytes(hint));
    }
    hintCache.set(hints, words);
  }
  return words;
}

function hintBytes(hint: RouteHint): Uint8Array {
  const bytes = new Uint8Array(HINT_HOP_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set(hashBytes(hint.nodeId));
  view.setBigUint64(33, hint.chanId);
  view.setUint32(41, uint(hint.feeBaseMsat, 0xffffffff, 'base fee'));
  view.setUint32(45, uint(hint.feeRatePpm, 0xffffffff, 'fee rate'));
  view.setUint16(49, uint(hint.cltvDelta, 0xffff, 'cltv delta'));
  return bytes;
}

function writeSignature(words: Uint8Array, start: number, digest: Uint8Array, key: Uint8Array): number {
  const { signature, recoveryId } = signRecoverable(digest, key);
  const bytes = new Uint8Array(65);
  bytes.set(signature);
  bytes[64] = recoveryId;
  const end = writeWords(words, start, bytes);
  if (end - start !== SIGNATURE_WORDS) throw new RangeError('signature has a wrong length');
  return end;
}

function writeHash(words: Uint8Array, start: number, tag: number, hash: Uint8Array): number {
  if (hash.length !== 32) throw new RangeError('a hash or payment address has 32 bytes');
  return writeWords(words, writeHeader(words, start, tag, wordsForBytes(32)), hash);
}

function writeNumber(words: Uint8Array, start: number, tag: number, value: number): number {
  let length = 1;
  for (let rest = Math.floor(value / 32); rest > 0; rest = Math.floor(rest / 32)) length++;
  return writeUint(words, writeHeader(words, start, tag, length), value, length);
}

function writeHeader(words: Uint8Array, start: number, tag: number, length: number): number {
  words[start] = tag;
  words[start + 1] = length >> 5;
  words[start + 2] = length & 31;
  return start + 3;
}

function writeUint(words: Uint8Array, start: number, value: number, length: number): number {
  for (let i = length - 1, rest = value; i >= 0; i--, rest = Math.floor(rest / 32)) {
    words[start + i] = rest % 32;
  }
  return start + length;
}

function uint(value: number, max: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new RangeError(`${what} out of range`);
  return value;
}
