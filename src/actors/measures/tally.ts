/** Counts by a name out of a small, fixed vocabulary. Names must not come from outside: there would be no end of them. */
export class Tally {
  readonly #counts = new Map<string, number>();

  /** `names` are there from the start, as zero. */
  constructor(names: readonly string[] = []) {
    for (const name of names) this.#counts.set(name, 0);
  }

  add(name: string, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  entries(): Iterable<readonly [string, number]> {
    return this.#counts.entries();
  }
}
