import type { Clock } from '../../actors/ports/clock.ts';

/** The real time. Its timers do not keep the process alive: that is for sockets and signals. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
