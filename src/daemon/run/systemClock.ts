import type { Clock } from '../../actors/ports/clock.ts';

/** The real time. Its timers do not keep the process alive: that is for sockets and signals. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms).unref(),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** The same, but nobody can set it: for durations that another process counts as well. Its zero is any moment. */
export const steadyClock: Clock = { ...systemClock, now: () => performance.now() };
