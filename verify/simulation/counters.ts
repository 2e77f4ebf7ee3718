/** How often things happened, by name: proof that every fault and every way back was really taken. */
export class Counters {
  readonly #counts = new Map<string, number>();

  hit(name: string, times = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + times);
  }

  get(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  entries(): [string, number][] {
    return [...this.#counts].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  addAll(entries: Iterable<readonly [string, number]>): void {
    for (const [name, count] of entries) this.hit(name, count);
  }
}
