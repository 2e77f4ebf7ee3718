import type { Clock } from './ports/clock.ts';

/** A batch of so many items shows that there is company to wait for. */
const COMPANY = 2;

/**
 * A least time from the start of one batch to the start of the next, where there is load. After a batch of one, or a
 * pause, the next goes at the end of its turn: nobody waits for company where there is none. Under load fewer and
 * larger batches save the database and this process half of the work.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #ms: number;
  #startedAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, ms: number) {
    this.#clock = clock;
    this.#ms = ms;
  }

  /** A batch of `items` starts now. */
  started(items: number): void {
    this.#startedAt = items >= COMPANY ? this.#clock.now() : Number.NEGATIVE_INFINITY;
  }

  /** Milliseconds that a start would come too early now; never more than the pace, since clocks are set back. */
  get early(): number {
    return Math.min(this.#ms, Math.max(0, this.#startedAt + this.#ms - this.#clock.now()));
  }

  /** Runs once, when it is time; `wait` milliseconds from now where somebody knows better. */
  schedule(run: () => void, wait = this.early): void {
    if (wait > 0) this.#clock.setTimeout(run, wait);
    else setImmediate(run);
  }
}
