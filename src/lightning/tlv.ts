import { DecodeError } from './errors.ts';

/** One record of a TLV stream. The value is a view into the stream; the offset is that of the type's first byte. */
export interface TlvRecord {
  readonly type: bigint;
  readonly value: Uint8Array;
  readonly offset: number;
}

/** A BigSize number and the offset of the byte after it. */
export interface BigSize {
  readonly value: bigint;
  readonly end: number;
}

/** Reads a BigSize (BOLT 1). Throws DecodeError invalid_tlv when it is cut off or not the shortest form. */
export function readBigSize(bytes: Uint8Array, offset: number): BigSize {
  const first = bytes[offset];
  if (first === undefined) throw invalid('BigSize is cut off', 0n, offset);
  if (first < 0xfd) return { value: BigInt(first), end: offset + 1 };
  const length = first === 0xfd ? 2 : first === 0xfe ? 4 : 8;
  const end = offset + 1 + length;
  if (end > bytes.length) throw invalid('BigSize is cut off', 0n, offset);
  const value = readUint(bytes, offset + 1, end);
  const least = length === 2 ? 0xfdn : length === 4 ? 0x10000n : 0x100000000n;
  if (value < least) throw invalid('BigSize is not the shortest form', 0n, offset);
  return { value, end };
}

/**
 * Records of a TLV stream (BOLT 1): types strictly ascending, every length within the stream. Whether an unknown
 * type is allowed is the caller's decision. Throws DecodeError invalid_tlv with the type and the offset.
 */
export function readTlvStream(bytes: Uint8Array): TlvRecord[] {
  const records: TlvRecord[] = [];
  let previous = -1n;
  for (let offset = 0; offset < bytes.length; ) {
    const type = readBigSize(bytes, offset);
    if (type.value <= previous) throw invalid('TLV types do not ascend', type.value, offset);
    const length = readLength(bytes, type, offset);
    const end = length.end + Number(length.value);
    records.push({ type: type.value, value: bytes.subarray(length.end, end), offset });
    previous = type.value;
    offset = end;
  }
  return records;
}

function readLength(bytes: Uint8Array, type: BigSize, offset: number): BigSize {
  let length: BigSize;
  try {
    length = readBigSize(bytes, type.end);
  } catch (error) {
    throw error instanceof DecodeError ? invalid(error.message, type.value, offset) : error;
  }
  if (length.value > BigInt(bytes.length - length.end)) {
    throw invalid('TLV value is cut off', type.value, offset);
  }
  return length;
}

/** Reads a truncated integer of at most `maxBytes`: no leading zero byte. Throws DecodeError invalid_tlv. */
export function readTruncatedUint(record: TlvRecord, start: number, maxBytes: 4 | 8): bigint {
  const { value } = record;
  if (value.length < start || value.length - start > maxBytes) {
    throw invalid('integer has a wrong length', record.type, record.offset);
  }
  if (value[start] === 0) throw invalid('integer has a leading zero', record.type, record.offset);
  return readUint(value, start, value.length);
}

/** BigSize in its shortest form. */
export function writeBigSize(value: bigint): Uint8Array {
  if (value < 0n || value > 0xffffffffffffffffn) throw new RangeError('not a u64');
  if (value < 0xfdn) return Uint8Array.of(Number(value));
  const length = value <= 0xffffn ? 2 : value <= 0xffffffffn ? 4 : 8;
  const prefix = length === 2 ? 0xfd : length === 4 ? 0xfe : 0xff;
  return Uint8Array.of(prefix, ...writeUint(value, length));
}

/** An unsigned integer without leading zero bytes; zero has no bytes at all (tu32, tu64 of BOLT 1). */
export function writeTruncatedUint(value: bigint): Uint8Array {
  let length = 0;
  for (let rest = value; rest > 0n; rest >>= 8n) length++;
  if (value < 0n || length > 8) throw new RangeError('not a u64');
  return writeUint(value, length);
}

/** A TLV stream of the records given, sorted by type. */
export function writeTlvStream(records: readonly Pick<TlvRecord, 'type' | 'value'>[]): Uint8Array {
  const sorted = [...records].sort((a, b) => (a.type < b.type ? -1 : 1));
  return concat(
    sorted.flatMap(({ type, value }) => [writeBigSize(type), writeBigSize(BigInt(value.length)), value]),
  );
}

/** The big-endian integer between two offsets, at most eight bytes. */
export function readUint(bytes: Uint8Array, start: number, end: number): bigint {
  let high = 0;
  let low = 0;
  for (let i = start; i < end; i++) {
    if (end - i > 4) high = high * 256 + bytes[i]!;
    else low = low * 256 + bytes[i]!;
  }
  return (BigInt(high) << 32n) | BigInt(low);
}

function writeUint(value: bigint, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 0xffn);
  return bytes;
}

/** All parts in one array of their own. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

function invalid(message: string, tlvType: bigint, offset: number): DecodeError {
  return new DecodeError('invalid_tlv', message, { tlvType, offset });
}
