import type { Percentiles } from './protocol.ts';

/** Percentiles (nearest rank) of times in microseconds. All zero when there are none. */
export function percentilesOf(times: Float64Array): Percentiles {
  const sorted = times.slice().sort();
  const at = (share: number) => {
    const rank = Math.max(0, Math.ceil(share * sorted.length) - 1);
    return (sorted[rank] ?? 0) / 1000;
  };
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}
