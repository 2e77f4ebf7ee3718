/**
 * What is due at which block height. Heights are few (expiries lie within some thousand blocks), entries many:
 * one bucket a height, so that a block costs only what is due.
 */
export class Deadlines<T> {
  readonly #buckets = new Map<number, Set<T>>();

  add(height: number, entry: T): void {
    const bucket = this.#buckets.get(height);
    if (bucket) bucket.add(entry);
    else this.#buckets.set(height, new Set([entry]));
  }

  remove(height: number, entry: T): void {
    const bucket = this.#buckets.get(height);
    if (!bucket) return;
    bucket.delete(entry);
    if (bucket.size === 0) this.#buckets.delete(height);
  }

  /** Takes out everything that is due at `height` or was before. */
  due(height: number): T[] {
    const due: T[] = [];
    for (const [at, bucket] of this.#buckets) {
      if (at > height) continue;
      this.#buckets.delete(at);
      due.push(...bucket);
    }
    return due;
  }

  /** The nearest height that something waits for which `counts`. */
  nearest(counts: (entry: T) => boolean = () => true): number | undefined {
    let nearest: number | undefined;
    for (const [at, bucket] of this.#buckets) {
      if (nearest !== undefined && at >= nearest) continue;
      for (const entry of bucket) {
        if (!counts(entry)) continue;
        nearest = at;
        break;
      }
    }
    return nearest;
  }
}
