const CHUNK_BITS = 20;
const CHUNK = 1 << CHUNK_BITS;

/** A growing list of 32-bit numbers outside of the JavaScript heap. */
export class NumberList {
  length = 0;
  readonly #chunks: Uint32Array[] = [];

  push(value: number): void {
    const chunk = this.length >> CHUNK_BITS;
    if (chunk === this.#chunks.length) this.#chunks.push(new Uint32Array(CHUNK));
    this.#chunks[chunk]![this.length & (CHUNK - 1)] = value;
    this.length++;
  }

  get(index: number): number {
    return this.#chunks[index >> CHUNK_BITS]![index & (CHUNK - 1)]!;
  }
}

/** The healing steps of every explored state, in the order of exploration. */
export class HealingEdges {
  readonly #states = new NumberList();
  readonly #targets = new NumberList();
  /** Where the targets of each state begin. */
  readonly #starts = new NumberList();

  beginState(state: number): void {
    this.#states.push(state);
    this.#starts.push(this.#targets.length);
  }

  add(target: number): void {
    this.#targets.push(target);
  }

  /** How many states were explored. */
  get explored(): number {
    return this.#states.length;
  }

  state(turn: number): number {
    return this.#states.get(turn);
  }

  some(turn: number, test: (target: number) => boolean): boolean {
    const end = turn + 1 < this.#starts.length ? this.#starts.get(turn + 1) : this.#targets.length;
    for (let i = this.#starts.get(turn); i < end; i++) if (test(this.#targets.get(i))) return true;
    return false;
  }
}
