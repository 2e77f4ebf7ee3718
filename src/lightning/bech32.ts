import { DecodeError } from './errors.ts';

/** Longest invoice that lnd reads (zpay32), in characters. */
export const MAX_INVOICE_CHARS = 7089;

const CHECKSUM_WORDS = 6;
const CHARSET = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const charCodes = Uint8Array.from(CHARSET, (char) => char.charCodeAt(0));
const wordOfCharCode = new Int8Array(128).fill(-1);
for (const [word, code] of charCodes.entries()) wordOfCharCode[code] = word;

/** Effect of the five bits that leave the checksum's register, for each of their 32 values (BIP 173). */
const FEEDBACK = Int32Array.from({ length: 32 }, (_, top) => {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
  return generators.reduce((sum, generator, bit) => ((top >> bit) & 1 ? sum ^ generator : sum), 0);
});

/** A bech32 text taken apart: lower-case human-readable part, and the 5-bit words without the checksum. */
export interface Bech32 {
  readonly prefix: string;
  readonly words: Uint8Array;
}

/** Bech32 text of 5-bit words (BIP 173, without its limit of 90 characters). */
export function encodeBech32(prefix: string, words: Uint8Array): string {
  const text = Buffer.allocUnsafe(prefix.length + 1 + words.length + CHECKSUM_WORDS);
  text.write(prefix, 0, 'latin1');
  text[prefix.length] = 0x31;
  let offset = prefix.length + 1;
  for (const word of words) text[offset++] = charCodes[word]!;
  let checksum = checksumOf(prefix, words);
  for (let i = 0; i < CHECKSUM_WORDS; i++) checksum = step(checksum, 0);
  checksum ^= 1;
  for (let i = CHECKSUM_WORDS - 1; i >= 0; i--) text[offset++] = charCodes[(checksum >>> (5 * i)) & 31]!;
  return text.toString('latin1', 0, offset);
}

/**
 * Takes a bech32 text apart. Throws DecodeError invalid_invoice on a text that is too long, of mixed case, with a
 * foreign character or without separator, or whose checksum is wrong.
 */
export function decodeBech32(text: string): Bech32 {
  if (text.length > MAX_INVOICE_CHARS) throw invalid('text is too long');
  // Before the case is changed: letters outside ASCII can become others, or several.
  if (!/^[!-~]+$/.test(text)) throw invalid('foreign character');
  const lower = text.toLowerCase();
  if (text !== lower && text !== text.toUpperCase()) throw invalid('text mixes upper and lower case');
  const separator = lower.lastIndexOf('1');
  if (separator < 1 || separator + 1 + CHECKSUM_WORDS > lower.length) throw invalid('no separator');
  const prefix = lower.slice(0, separator);
  const words = new Uint8Array(lower.length - separator - 1);
  for (let i = 0; i < words.length; i++) {
    const word = wordOfCharCode[lower.charCodeAt(separator + 1 + i)] ?? -1;
    if (word < 0) throw invalid('foreign character');
    words[i] = word;
  }
  if (checksumOf(prefix, words) !== 1) throw invalid('wrong checksum');
  return { prefix, words: words.subarray(0, words.length - CHECKSUM_WORDS) };
}

function checksumOf(prefix: string, words: Uint8Array): number {
  let checksum = 1;
  for (let i = 0; i < prefix.length; i++) checksum = step(checksum, prefix.charCodeAt(i) >> 5);
  checksum = step(checksum, 0);
  for (let i = 0; i < prefix.length; i++) checksum = step(checksum, prefix.charCodeAt(i) & 31);
  for (const word of words) checksum = step(checksum, word);
  return checksum;
}

function step(checksum: number, word: number): number {
  return ((checksum & 0x1ffffff) << 5) ^ word ^ FEEDBACK[checksum >>> 25]!;
}

/** Number of 5-bit words that hold so many bytes. */
export function wordsForBytes(bytes: number): number {
  return Math.ceil((bytes * 8) / 5);
}

/** Writes bytes as 5-bit words, the last padded with zero bits; returns the offset after them. */
export function writeWords(words: Uint8Array, start: number, bytes: Uint8Array): number {
  let offset = start;
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) words[offset++] = (held >> (bits - 5)) & 31;
  }
  if (bits > 0) words[offset++] = (held << (5 - bits)) & 31;
  return offset;
}

/** Writes 5-bit words as bytes, the last padded with zero bits; returns the offset after them. */
export function writeBytes(bytes: Uint8Array, start: number, words: Uint8Array): number {
  let offset = start;
  let held = 0;
  let bits = 0;
  for (const word of words) {
    held = ((held << 5) | word) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[offset++] = (held >> bits) & 0xff;
    }
  }
  if (bits > 0) bytes[offset++] = (held << (8 - bits)) & 0xff;
  return offset;
}

function invalid(message: string): DecodeError {
  return new DecodeError('invalid_invoice', message);
}
