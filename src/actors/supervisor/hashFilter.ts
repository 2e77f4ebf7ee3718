import type { PaymentHash } from '../../domain/hash.ts';

const FIRST_CAPACITY = 1 << 16;
const LARGEST_CAPACITY = 1 << 22;
/** With these, one hash in two thousand that was never added is taken for one that was. */
const BITS_PER_HASH = 16;
const PROBES = 6;
const WORD_BITS = 32;

/** One table of bits for so many hashes. */
class Block {
  readonly capacity: number;
  readonly #bits: Uint32Array;
  readonly #mask: number;
  size = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#bits = new Uint32Array((capacity * BITS_PER_HASH) / WORD_BITS);
    this.#mask = capacity * BITS_PER_HASH - 1;
  }

  add(start: number, step: number): void {
    for (let i = 0, bit = start; i < PROBES; i++, bit = (bit + step) | 0) {
      const at = bit & this.#mask;
      this.#bits[at >>> 5]! |= 1 << (at & 31);
    }
    this.size += 1;
  }

  mayHave(start: number, step: number): boolean {
    for (let i = 0, bit = start; i < PROBES; i++, bit = (bit + step) | 0) {
      const at = bit & this.#mask;
      if ((this.#bits[at >>> 5]! & (1 << (at & 31))) === 0) return false;
    }
    return true;
  }
}

/**
 * A Bloom filter of payment hashes: it forgets none, and it may take a new one for known. Two bytes a hash, in blocks
 * that double, so that it never has to be built anew. Payment hashes are SHA-256, so their own bits spread them.
 */
export class HashFilter {
  readonly #blocks: Block[] = [];

  /** How many it can tell apart. */
  get size(): number {
    return this.#blocks.reduce((sum, block) => sum + block.size, 0);
  }

  /** Once more of the same takes no room: what is submitted again is added again. */
  add(hash: PaymentHash): void {
    if (this.mayHave(hash)) return;
    let last = this.#blocks.at(-1);
    if (!last || last.size === last.capacity) {
      last = new Block(last ? Math.min(last.capacity * 2, LARGEST_CAPACITY) : FIRST_CAPACITY);
      this.#blocks.push(last);
    }
    last.add(startOf(hash), stepOf(hash));
  }

  /** False: certainly never added. */
  mayHave(hash: PaymentHash): boolean {
    const start = startOf(hash);
    const step = stepOf(hash);
    return this.#blocks.some((block) => block.mayHave(start, step));
  }
}

const startOf = (hash: PaymentHash): number => Number.parseInt(hash.slice(0, 8), 16) | 0;
/** Odd, so that the probes never fall into a short cycle. */
const stepOf = (hash: PaymentHash): number => Number.parseInt(hash.slice(8, 16), 16) | 1;
