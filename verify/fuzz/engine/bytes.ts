import type { Random } from './random.ts';

const SMALL = [0, 1, 2, 3, 4, 6, 8, 10, 0x7f, 0x80, 0xfc, 0xfd, 0xfe, 0xff];
const WIDE = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xfcn,
  0xfdn,
  0xffn,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x1fffffffffffffn,
  0x20000000000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xffffffffffffffffn,
];

/** Values at the edges of what integers of any width hold. */
export function edgeValue(random: Random): bigint {
  if (random.oneIn(4)) return BigInt(random.u32()) * (random.oneIn(2) ? BigInt(random.u32()) : 1n);
  const edge = random.pick(WIDE) + BigInt(random.below(3) - 1);
  return BigInt.asUintN(64, edge);
}

/** Replaces `remove` bytes at `at` by others. */
export function spliced(bytes: Uint8Array, at: number, remove: number, insert: Uint8Array): Uint8Array {
  const result = new Uint8Array(bytes.length - remove + insert.length);
  result.set(bytes.subarray(0, at));
  result.set(insert, at);
  result.set(bytes.subarray(at + remove), at + insert.length);
  return result;
}

/** A big-endian integer of 1, 2, 4 or 8 bytes at the edge of its range. */
function edgeBytes(random: Random): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, edgeValue(random));
  const width = random.pick([1, 2, 4, 8]);
  const start = bytes.subarray(8 - width);
  return random.oneIn(4) ? start.slice().reverse() : start;
}

type Mutation = (bytes: Uint8Array, random: Random, other: Uint8Array) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    if (bytes.length === 0) return random.bytes(1);
    const copy = bytes.slice();
    const at = random.below(copy.length);
    copy[at] = copy[at]! ^ (1 << random.below(8));
    return copy;
  },
  function setByte(bytes, random) {
    if (bytes.length === 0) return random.bytes(1);
    const copy = bytes.slice();
    copy[random.below(copy.length)] = random.oneIn(2) ? random.pick(SMALL) : random.u32() & 0xff;
    return copy;
  },
  function writeEdge(bytes, random) {
    const edge = edgeBytes(random);
    const at = random.below(bytes.length + 1);
    return spliced(bytes, at, Math.min(edge.length, bytes.length - at), edge);
  },
  function insertEdge(bytes, random) {
    return spliced(bytes, random.below(bytes.length + 1), 0, edgeBytes(random));
  },
  function insertRandom(bytes, random) {
    return spliced(bytes, random.below(bytes.length + 1), 0, random.bytes(1 + random.below(8)));
  },
  function removeRange(bytes, random) {
    const at = random.below(bytes.length);
    const count = Math.min(1 + random.below(random.oneIn(4) ? bytes.length : 8), bytes.length - at);
    return spliced(bytes, at, count, new Uint8Array());
  },
  function truncate(bytes, random) {
    return bytes.slice(0, random.below(bytes.length + 1));
  },
  function repeatRange(bytes, random) {
    const at = random.below(bytes.length);
    const count = Math.min(1 + random.below(40), bytes.length - at);
    return spliced(bytes, random.below(bytes.length + 1), 0, bytes.slice(at, at + count));
  },
  function fillRange(bytes, random) {
    const copy = bytes.slice();
    const at = random.below(copy.length);
    return copy.fill(random.pick(SMALL), at, at + 1 + random.below(16));
  },
  function spliceOther(bytes, random, other) {
    const start = random.below(other.length);
    const piece = other.subarray(start, start + 1 + random.below(other.length - start));
    const at = random.below(bytes.length + 1);
    return spliced(bytes, at, random.below(bytes.length - at + 1), piece);
  },
];

/** One to four changes of plain bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random, other: Uint8Array): Uint8Array {
  // A Buffer's slices would share its memory, and a change would change the input itself.
  let result: Uint8Array = new Uint8Array(bytes);
  for (let left = 1 + random.below(4); left > 0; left--)
    result = random.pick(MUTATIONS)(result, random, other);
  return result;
}
