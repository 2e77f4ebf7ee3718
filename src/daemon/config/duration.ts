import { parseInteger } from './integer.ts';

const NANOS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Go's time.Duration is 64 bits of nanoseconds: about 292 years. */
const MAX_NANOS = 2 ** 63;

/**
 * Milliseconds of a Go duration: `15s`, `1m30s`, `1.5h`, `-1s`, `0`, or an integer number of nanoseconds
 * in any notation of YAML. Undefined when the text is neither, or beyond 292 years.
 */
export function parseDuration(text: string): number | undefined {
  const bare = bareNanos(text);
  if (bare !== undefined) return Math.abs(bare) < MAX_NANOS ? bare / 1e6 : undefined;
  const match = /^([+-]?)((?:(?:\d{1,19}(?:\.\d{0,19})?|\.\d{1,19})(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!match) return undefined;
  let nanos = 0;
  for (const [, number, unit] of (match[2] as string).matchAll(/([\d.]+)([a-zµμ]+)/g)) {
    nanos += Number(number) * (NANOS[unit as string] as number);
  }
  if (!(nanos < MAX_NANOS)) return undefined;
  return (match[1] === '-' ? -nanos : nanos) / 1e6;
}

/** Above 2^53 nanoseconds (104 days) a number is not exact any more, and needn't be. */
function bareNanos(text: string): number | undefined {
  if (/^[+-]?\d{1,19}$/.test(text)) return Number(text);
  const nanos = parseInteger(text);
  return Number.isNaN(nanos) ? undefined : nanos;
}

/** The shortest usual way to write a duration, for messages: 90000 is `1m30s`. */
export function formatDuration(millis: number): string {
  const parts: string[] = [];
  let rest = millis;
  for (const [unit, size] of [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
    ['ms', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count}${unit}`);
    rest -= count * size;
  }
  return parts.join('') || '0s';
}
