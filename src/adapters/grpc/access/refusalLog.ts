import type { Log, LogFields } from '../../../actors/ports/log.ts';

/** Strangers decide how often they are refused, and must not fill the disk with it. */
const MAX_LINES = 20;
const PER_MS = 60_000;

/** Logs refused calls, at most 20 lines a minute, and then how many were left out. */
export class RefusalLog {
  readonly #log: Log;
  readonly #now: () => number;
  #since = Number.NEGATIVE_INFINITY;
  #count = 0;

  constructor(log: Log, now: () => number = Date.now) {
    this.#log = log;
    this.#now = now;
  }

  note(fields: LogFields): void {
    const now = this.#now();
    if (now - this.#since >= PER_MS || now < this.#since) {
      const left = this.#count - MAX_LINES;
      if (left > 0) this.#log.warn({ left }, 'Calls refused, more than were logged');
      this.#since = now;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= MAX_LINES) this.#log.warn(fields, 'Call refused');
  }
}
