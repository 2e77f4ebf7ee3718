/** Seconds from 1 ms to an hour: from a reject to a settlement that waits for a node. */
export const SECONDS: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3_600,
];

/** Seconds of one write to the database. */
export const WRITE_SECONDS: readonly number[] = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

/** Items in one write. */
export const ITEMS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** How often values fell into each of some fixed buckets. Noting one costs a few comparisons and no memory. */
export class Distribution {
  /** Upper bounds, inclusive and rising; beyond the last is one more bucket. */
  readonly bounds: readonly number[];
  readonly counts: number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.counts[bucket]! += 1;
    this.sum += value;
  }

  /** Notes how long something took by the wall clock, which may have been set back meanwhile. */
  observeMs(ms: number): void {
    this.observe(Math.max(0, ms) / 1_000);
  }
}
