import { concat } from '../../../src/lightning/tlv.ts';
import { edgeValue, mutateBytes } from './bytes.ts';
import type { Random } from './random.ts';

interface Field {
  readonly tag: bigint;
  /** The varint, the fixed bytes, or the content of a length-delimited field. */
  readonly value: Uint8Array;
}

/** A varint of the wire format, now and then longer than it has to be, up to more than the ten bytes allowed. */
export function varint(value: bigint, random?: Random): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    if (rest < 0x80n) break;
  }
  for (let pad = random?.oneIn(12) ? random.below(10) : 0; pad > 0; pad--) bytes.push(0x80);
  bytes.push(bytes.pop()! & 0x7f);
  return Uint8Array.from(bytes);
}

function readVarint(bytes: Uint8Array, start: number): { readonly value: bigint; readonly end: number } {
  let value = 0n;
  for (let at = start; at < bytes.length && at < start + 10; at++) {
    value |= BigInt(bytes[at]! & 0x7f) << BigInt(7 * (at - start));
    if (bytes[at]! < 0x80) return { value, end: at + 1 };
  }
  return { value, end: bytes.length };
}

/** Reads as far as the bytes make sense. */
function split(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tag = readVarint(bytes, at);
    const wire = Number(tag.value & 7n);
    let start = tag.end;
    let end = start;
    if (wire === 0) end = readVarint(bytes, start).end;
    else if (wire === 1) end = start + 8;
    else if (wire === 5) end = start + 4;
    else if (wire === 2) {
      const length = readVarint(bytes, start);
      start = length.end;
      end = start + Number(length.value % 65_536n);
    }
    fields.push({ tag: tag.value, value: bytes.slice(start, Math.min(end, bytes.length)) });
    at = Math.max(Math.min(end, bytes.length), at + 1);
  }
  return fields;
}

function written({ tag, value }: Field, random: Random): Uint8Array {
  const head = varint(tag, random);
  if ((tag & 7n) !== 2n) return concat([head, value]);
  const length = random.oneIn(40) ? edgeValue(random) : BigInt(value.length);
  return concat([head, varint(length, random), value]);
}

const LENGTHS = [0, 1, 4, 8, 20, 31, 32, 33, 64, 128, 639, 640, 1366];
const TEXTS = ['', 'hi', '\0', '%s%n', '😀', '‮', 'a\nb', '{"', "'; --"].map((text) => Buffer.from(text));

function anyField(random: Random): Field {
  const number = random.oneIn(6) ? edgeValue(random) >> 3n : BigInt(1 + random.below(12));
  const wire = random.oneIn(4) ? BigInt(random.below(8)) : random.pick([0n, 2n]);
  const tag = (number << 3n) | wire;
  if (wire === 0n) return { tag, value: varint(edgeValue(random), random) };
  if (wire !== 2n) return { tag, value: random.bytes(random.pick([0, 4, 8])) };
  if (random.oneIn(3)) return { tag, value: random.pick(TEXTS) };
  return { tag, value: random.bytes(random.pick(LENGTHS)) };
}

function change(fields: Field[], random: Random, other: Field[]): void {
  const at = random.below(fields.length);
  const chosen = fields[at];
  const kind = random.below(9);
  if (!chosen || kind === 0) fields.splice(random.below(fields.length + 1), 0, anyField(random));
  else if (kind === 1) fields.splice(at, 1);
  else if (kind === 2) fields.splice(random.below(fields.length + 1), 0, chosen);
  else if (kind === 3) fields.splice(random.below(fields.length), 0, ...fields.splice(at, 1));
  else if (kind === 4) fields[at] = { ...chosen, tag: (chosen.tag & ~7n) | BigInt(random.below(8)) };
  else if (kind === 5) fields[at] = { ...chosen, tag: anyField(random).tag };
  else if (kind === 6 && (chosen.tag & 7n) === 0n)
    fields[at] = { ...chosen, value: varint(edgeValue(random)) };
  else if (kind === 7 && other.length > 0) fields.splice(at, random.below(2), random.pick(other));
  else if ((chosen.tag & 7n) === 2n && random.oneIn(3)) {
    fields[at] = { ...chosen, value: mutateProtobuf(chosen.value, random, chosen.value) };
  } else fields[at] = { ...chosen, value: mutateBytes(chosen.value, random, chosen.value) };
}

/** One to three changes of fields of a protobuf message. */
export function mutateProtobuf(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  const fields = split(bytes);
  for (let left = 1 + random.below(3); left > 0; left--) change(fields, random, split(other));
  return concat(fields.map((field) => written(field, random)));
}
