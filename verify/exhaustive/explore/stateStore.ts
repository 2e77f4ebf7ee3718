import { allows, BUDGETS, CORE_WORDS, WORDS } from '../world/layout.ts';

const CHUNK_BITS = 18;
const CHUNK = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK - 1;

/**
 * Every state that was ever seen, exactly (no fingerprints), in the order in which it was found, with the state
 * from which it was reached first. Memory lies outside of the JavaScript heap: some 60 bytes a state.
 */
export class StateStore {
  size = 0;
  readonly #chunks: Uint32Array[] = [];
  readonly #parents: Uint32Array[] = [];
  /** Open addressing by what the states are without their budgets: 0 is free, else index + 1. */
  #table = new Uint32Array(1 << 16);
  readonly #covers: (budgets: number, others: number) => boolean;

  /** With `byBudget`, a state stands for all that differ from it in lower budgets only. */
  constructor(byBudget: boolean) {
    this.#covers = byBudget ? allows : (a, b) => a === b;
  }

  /** Index of a state that stands for the one in `words`; a new one gets `parent`. `size` tells if it was new. */
  add(words: Uint32Array, parent: number): number {
    const found = this.#find(words, -1);
    if (found >= 0) return found;
    const index = this.size++;
    this.#table[-1 - found] = index + 1;
    const chunk = index >> CHUNK_BITS;
    if (chunk === this.#chunks.length) {
      this.#chunks.push(new Uint32Array(CHUNK * WORDS));
      this.#parents.push(new Uint32Array(CHUNK));
    }
    this.#chunks[chunk]!.set(words, (index & CHUNK_MASK) * WORDS);
    this.#parents[chunk]![index & CHUNK_MASK] = parent;
    if (this.size * 4 > this.#table.length * 3) this.#grow();
    return index;
  }

  has(words: Uint32Array): boolean {
    return this.#find(words, -1) >= 0;
  }

  /** Another state that stands for this one by now; itself if there is none. */
  standInOf(index: number, words: Uint32Array): number {
    const found = this.#find(words, index);
    return found < 0 ? index : found;
  }

  /** A state that stands for the one in `words` and is not `except`; else -1 - the free slot. */
  #find(words: Uint32Array, except: number): number {
    const mask = this.#table.length - 1;
    let slot = hashOf(words, 0) & mask;
    for (;;) {
      const found = this.#table[slot]! - 1;
      if (found < 0) return -1 - slot;
      if (found !== except && this.#isCovered(found, words)) return found;
      slot = (slot + 1) & mask;
    }
  }

  chunkOf(index: number): Uint32Array {
    return this.#chunks[index >> CHUNK_BITS]!;
  }

  offsetOf(index: number): number {
    return (index & CHUNK_MASK) * WORDS;
  }

  parentOf(index: number): number {
    return this.#parents[index >> CHUNK_BITS]![index & CHUNK_MASK]!;
  }

  #isCovered(index: number, words: Uint32Array): boolean {
    const chunk = this.#chunks[index >> CHUNK_BITS]!;
    const at = (index & CHUNK_MASK) * WORDS;
    for (let i = 0; i < CORE_WORDS; i++) if (chunk[at + i] !== words[i]) return false;
    return this.#covers(chunk[at + BUDGETS]!, words[BUDGETS]!);
  }

  #grow(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const mask = table.length - 1;
    for (let index = 0; index < this.size; index++) {
      let slot = hashOf(this.chunkOf(index), this.offsetOf(index)) & mask;
      while (table[slot] !== 0) slot = (slot + 1) & mask;
      table[slot] = index + 1;
    }
    this.#table = table;
  }
}

function hashOf(words: Uint32Array, at: number): number {
  let h = 0x9e3779b9;
  for (let i = 0; i < CORE_WORDS; i++) {
    h = Math.imul(h ^ words[at + i]!, 0x85ebca6b);
    h ^= h >>> 15;
  }
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 13)) >>> 0;
}
