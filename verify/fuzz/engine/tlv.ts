import { concat, writeBigSize } from '../../../src/lightning/tlv.ts';
import { edgeValue, mutateBytes } from './bytes.ts';
import type { Random } from './random.ts';

interface Record {
  readonly type: Uint8Array;
  readonly length: Uint8Array;
  readonly value: Uint8Array;
}

const TYPES = [0n, 1n, 2n, 3n, 4n, 5n, 6n, 8n, 10n, 12n, 14n, 16n, 18n, 65535n, 65536n, 5482373484n];

/** Reads as far as the bytes make sense; what is left becomes one last value without a head. */
function split(bytes: Uint8Array): Record[] {
  const records: Record[] = [];
  for (let at = 0; at < bytes.length; ) {
    const typeEnd = at + sizeBytes(bytes, at);
    const lengthEnd = typeEnd + sizeBytes(bytes, typeEnd);
    const first = bytes[typeEnd] ?? 0;
    const length =
      first < 0xfd ? first : first === 0xfd ? (bytes[typeEnd + 1]! << 8) | bytes[typeEnd + 2]! : 0;
    const end = Math.min(lengthEnd + (Number.isNaN(length) ? 0 : length), bytes.length);
    records.push({
      type: bytes.slice(at, typeEnd),
      length: bytes.slice(typeEnd, lengthEnd),
      value: bytes.slice(lengthEnd, end),
    });
    at = Math.max(end, at + 1);
  }
  return records;
}

function sizeBytes(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  return first < 0xfd ? 1 : first === 0xfd ? 3 : first === 0xfe ? 5 : 9;
}

/** A number as BigSize, now and then in a longer form than it may have. */
function bigSize(value: bigint, random: Random): Uint8Array {
  if (!random.oneIn(12)) return writeBigSize(value);
  const width = random.pick([2, 4, 8]);
  const bytes = new Uint8Array(9);
  new DataView(bytes.buffer).setBigUint64(1, value);
  return concat([Uint8Array.of(width === 2 ? 0xfd : width === 4 ? 0xfe : 0xff), bytes.subarray(9 - width)]);
}

function record(type: Uint8Array, value: Uint8Array, random: Random): Record {
  return { type, length: bigSize(BigInt(value.length), random), value };
}

/** An integer as its field might hold it: shortened, with zeros in front, too long, or after 32 bytes. */
function integerValue(random: Random): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, edgeValue(random));
  let start = 0;
  while (start < 8 && bytes[start] === 0) start++;
  const short = bytes.slice(random.oneIn(4) ? random.below(8) : start);
  return random.oneIn(3) ? concat([random.bytes(random.oneIn(8) ? 31 + random.below(3) : 32), short]) : short;
}

function change(records: Record[], random: Random, other: Record[]): void {
  const at = random.below(records.length);
  const chosen = records[at];
  const kind = random.below(9);
  if (!chosen || kind === 0) {
    records.splice(at, 0, record(bigSize(random.pick(TYPES), random), integerValue(random), random));
  } else if (kind === 1) records.splice(at, 1);
  else if (kind === 2) records.splice(random.below(records.length + 1), 0, chosen);
  else if (kind === 3) records.splice(random.below(records.length), 0, ...records.splice(at, 1));
  else if (kind === 4) {
    const type = random.oneIn(2) ? random.pick(TYPES) : edgeValue(random);
    records[at] = { ...chosen, type: bigSize(type, random) };
  } else if (kind === 5) records[at] = { ...chosen, length: bigSize(edgeValue(random), random) };
  else if (kind === 6) records[at] = record(chosen.type, integerValue(random), random);
  else if (kind === 7 && other.length > 0) records.splice(at, random.below(2), random.pick(other));
  else records[at] = record(chosen.type, mutateBytes(chosen.value, random, chosen.value), random);
}

/** One to three changes of records of a TLV stream, sorted by type again most of the time. */
export function mutateTlv(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const records = split(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) change(records, random, split(other));
  if (!random.oneIn(4)) {
    records.sort((a, b) => a.type.length - b.type.length || Buffer.compare(a.type, b.type));
  }
  return concat(records.flatMap(({ type, length, value }) => [type, length, value]));
}
