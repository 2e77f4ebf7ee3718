import type { Clock } from '../../src/actors/ports/clock.ts';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

/** Time that only moves when it is told to. Timers of the same moment fire in the order in which they were set. */
export class SimulatedClock implements Clock {
  readonly #timers = new Set<Timer>();
  #now: number;
  #order = 0;
  #offset = 0;

  constructor(now = 1_700_000_000_000) {
    this.#now = now;
  }

  /** Timers that are set and have not fired. */
  get pending(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now + this.#offset;
  }

  /** The wall clock is set; no time passes, and timers do not notice. */
  jump(ms: number): void {
    this.#offset += ms;
  }

  setTimeout(fn: () => void, ms: number): unknown {
    const timer = { at: this.#now + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as Timer);
  }

  /** Lets `ms` pass; whatever becomes due meanwhile fires at its moment, and may set further timers. */
  async advance(ms: number): Promise<void> {
    await turns();
    const end = this.#now + ms;
    for (let next = this.#due(end); next; next = this.#due(end)) {
      this.#timers.delete(next);
      this.#now = next.at;
      next.fn();
      await turns();
    }
    this.#now = end;
    await turns();
  }

  #due(end: number): Timer | undefined {
    let due: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > end) continue;
      if (!due || timer.at < due.at || (timer.at === due.at && timer.order < due.order)) due = timer;
    }
    return due;
  }
}

/** Lets the event loop turn, so that everything that waits for nothing but a turn is done. */
export async function turns(count = 12): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
