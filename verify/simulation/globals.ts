import type { Scheduler } from './scheduler.ts';

const forbidden = (name: string) => () => {
  throw new Error(`${name} was used in a simulated run: time and chance come from the seed alone`);
};

/**
 * For the time of `run`, everything that could make two runs of a seed differ belongs to the scheduler or throws:
 * setImmediate is a step, Date.now is the simulated clock, and other dates, Math.random and real timers are errors.
 */
export async function withoutChance<T>(
  scheduler: Scheduler,
  uncaught: (error: unknown) => void,
  run: () => Promise<T>,
): Promise<T> {
  const saved = {
    setImmediate: globalThis.setImmediate,
    setTimeout: globalThis.setTimeout,
    setInterval: globalThis.setInterval,
    Date: globalThis.Date,
  };
  const { random } = Math;
  const { now } = performance;
  class NoDate extends saved.Date {
    constructor(...args: ConstructorParameters<typeof Date>) {
      if ((args as unknown[]).length === 0) forbidden('Date')();
      super(...args);
    }
    // XState notes when it schedules a timer; nothing depends on it.
    static override now = () => scheduler.wallClockMs;
  }
  const defer = (fn: (...args: unknown[]) => void, ...args: unknown[]) => scheduler.defer(() => fn(...args));
  Object.assign(globalThis, {
    setImmediate: defer,
    setTimeout: rethrown(uncaught),
    setInterval: forbidden('setInterval'),
    Date: NoDate,
  });
  Math.random = forbidden('Math.random') as unknown as () => number;
  performance.now = forbidden('performance.now') as unknown as () => number;
  try {
    return await run();
  } finally {
    Object.assign(globalThis, saved);
    Math.random = random;
    performance.now = now;
  }
}

/** XState throws what no actor handles in a timer of its own: in a real process that is an uncaught exception. */
function rethrown(uncaught: (error: unknown) => void) {
  return (fn: () => void, ms?: number) => {
    if (ms !== undefined) forbidden('setTimeout')();
    try {
      fn();
    } catch (error) {
      uncaught(error);
    }
  };
}
