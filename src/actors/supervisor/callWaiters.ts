import type { Clock } from '../ports/clock.ts';

/**
 * Calls that wait for an answer from a statechart, by what they asked about. Answers go to everyone who asked the
 * same; a call that gets none in time is told so, and is forgotten.
 */
export class CallWaiters<TAnswer> {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #waiting = new Map<string, { resolve: (answer: TAnswer) => void; timer: unknown }[]>();

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** The answer to `key`, or `late` when there is none in time. */
  wait(key: string, late: TAnswer): Promise<TAnswer> {
    return new Promise((resolve) => {
      const call = { resolve, timer: undefined as unknown };
      call.timer = this.#clock.setTimeout(() => {
        this.#remove(key, call);
        resolve(late);
      }, this.#timeoutMs);
      const calls = this.#waiting.get(key);
      if (calls) calls.push(call);
      else this.#waiting.set(key, [call]);
    });
  }

  answer(key: string, answer: TAnswer): void {
    const calls = this.#waiting.get(key);
    if (!calls) return;
    this.#waiting.delete(key);
    for (const call of calls) {
      this.#clock.clearTimeout(call.timer);
      call.resolve(answer);
    }
  }

  /** Answers everyone, whatever they asked. */
  answerAll(answer: TAnswer): void {
    for (const key of [...this.#waiting.keys()]) this.answer(key, answer);
  }

  #remove(key: string, call: { resolve: (answer: TAnswer) => void; timer: unknown }): void {
    const left = this.#waiting.get(key)?.filter((c) => c !== call) ?? [];
    if (left.length > 0) this.#waiting.set(key, left);
    else this.#waiting.delete(key);
  }
}
