import { Distribution, SECONDS } from './distribution.ts';

/** How long HTLCs of one node waited for their answer. */
export class ReplyTimes {
  readonly settle = new Distribution(SECONDS);
  readonly fail = new Distribution(SECONDS);
  readonly #now: () => number;

  /** `now`: milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** When an HTLC is offered: what {@link answered} wants to know. */
  now(): number {
    return this.#now();
  }

  answered(settled: boolean, offeredAt: number): void {
    (settled ? this.settle : this.fail).observeMs(this.#now() - offeredAt);
  }
}
