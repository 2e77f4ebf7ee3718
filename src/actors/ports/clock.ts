/** Time and timers, injected everywhere: tests and simulations own the clock, nothing sleeps. */
export interface Clock {
  /** Wall clock, unix milliseconds. Only for expiries and records, never for a decision about released money. */
  now(): number;
  /** Calls `fn` once after `ms`; the handle is what {@link clearTimeout} takes. Same shape as XState's clock. */
  setTimeout(fn: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
}
