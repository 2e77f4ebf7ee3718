/**
 * ChaCha20 (RFC 8439) with a zero nonce and a block counter from zero: the stream of BOLT 4. Setting up a cipher
 * of node:crypto costs more than the few hundred bytes needed per HTLC take here. Only additions, rotations and
 * exclusive ors: no access or branch depends on the key.
 */
const BLOCK = 64;
const state = new Uint32Array(16);
const working = new Uint32Array(16);
const blockBytes = new Uint8Array(BLOCK);
const blockView = new DataView(blockBytes.buffer);

/** The first `length` bytes of the key's stream. */
export function chacha20Stream(key: Uint8Array, length: number): Uint8Array {
  const stream = new Uint8Array(length);
  chacha20Xor(key, stream);
  return stream;
}

/** Combines `data` in place with the key's stream, from the stream's start; returns `data`. */
export function chacha20Xor(key: Uint8Array, data: Uint8Array): Uint8Array {
  loadKey(key);
  for (let offset = 0, counter = 0; offset < data.length; offset += BLOCK, counter++) {
    state[12] = counter;
    fillBlock();
    const end = Math.min(BLOCK, data.length - offset);
    for (let i = 0; i < end; i++) data[offset + i] = data[offset + i]! ^ blockBytes[i]!;
  }
  return data;
}

function loadKey(key: Uint8Array): void {
  if (key.length !== 32) throw new RangeError('a ChaCha20 key has 32 bytes');
  const view = new DataView(key.buffer, key.byteOffset, 32);
  state[0] = 0x61707865;
  state[1] = 0x3320646e;
  state[2] = 0x79622d32;
  state[3] = 0x6b206574;
  for (let i = 0; i < 8; i++) state[4 + i] = view.getUint32(4 * i, true);
  state[13] = 0;
  state[14] = 0;
  state[15] = 0;
}

function fillBlock(): void {
  const x = working;
  x.set(state);
  for (let round = 0; round < 10; round++) {
    quarterRound(x, 0, 4, 8, 12);
    quarterRound(x, 1, 5, 9, 13);
    quarterRound(x, 2, 6, 10, 14);
    quarterRound(x, 3, 7, 11, 15);
    quarterRound(x, 0, 5, 10, 15);
    quarterRound(x, 1, 6, 11, 12);
    quarterRound(x, 2, 7, 8, 13);
    quarterRound(x, 3, 4, 9, 14);
  }
  for (let i = 0; i < 16; i++) blockView.setUint32(4 * i, x[i]! + state[i]!, true);
}

function quarterRound(x: Uint32Array, a: number, b: number, c: number, d: number): void {
  let xa = x[a]! | 0;
  let xb = x[b]! | 0;
  let xc = x[c]! | 0;
  let xd = x[d]! | 0;
  xa = (xa + xb) | 0;
  xd = rotateLeft(xd ^ xa, 16);
  xc = (xc + xd) | 0;
  xb = rotateLeft(xb ^ xc, 12);
  xa = (xa + xb) | 0;
  xd = rotateLeft(xd ^ xa, 8);
  xc = (xc + xd) | 0;
  xb = rotateLeft(xb ^ xc, 7);
  x[a] = xa;
  x[b] = xb;
  x[c] = xc;
  x[d] = xd;
}

function rotateLeft(word: number, bits: number): number {
  return (word << bits) | (word >>> (32 - bits));
}
