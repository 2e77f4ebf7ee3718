import { parseArgs } from 'node:util';

/** What one run does. Times are in milliseconds. */
export interface ChaosOptions {
  /** How long faults are made at least; start, healing and judgement come on top. */
  readonly chaosMs: number;
  /** Goes on until so many kills were done, since mercy and a slow machine take their time, ... */
  readonly leastKills: number;
  /** ... but not beyond this. */
  readonly longestChaosMs: number;
  /** Of payments, plans and attacks. What the machine does in between is not repeatable. */
  readonly seed: number;
  readonly paymentsPerSecond: number;
  readonly killsPerMinute: number;
  /** Network faults and other mischief that kills nothing. */
  readonly disturbancesPerMinute: number;
  /** Before anything else is broken: take-overs one at a time, to be measured. */
  readonly calm: { readonly stops: number; readonly kills: number };
  /** Logs are kept without a violation as well. */
  readonly keepLogs: boolean;
  readonly timing: ChaosTiming;
  /** Where progress is told. */
  readonly say: (line: string) => void;
}

export interface ChaosTiming {
  /** Between two blocks of each node. */
  readonly blockMs: number;
  /** lnmuxd's holdTimeout and acceptTimeout. */
  readonly holdMs: number;
  readonly acceptMs: number;
  /** After healing, everything must have come to its end within this. */
  readonly drainMs: number;
}

/** Blocks of margin: with the block time above this is the longest outage that payments are planned to survive. */
export const DEADLINE_MARGIN = 20;

const LONG: ChaosTiming = { blockMs: 2_000, holdMs: 15_000, acceptMs: 25_000, drainMs: 90_000 };
const SHORT: ChaosTiming = { blockMs: 3_000, holdMs: 5_000, acceptMs: 6_000, drainMs: 45_000 };

/** The version for continuous integration: a minute of faults. */
export const CI_OPTIONS: Omit<ChaosOptions, 'say'> = {
  chaosMs: 60_000,
  leastKills: 40,
  longestChaosMs: 150_000,
  seed: 1,
  paymentsPerSecond: 15,
  killsPerMinute: 90,
  disturbancesPerMinute: 40,
  calm: { stops: 1, kills: 0 },
  keepLogs: false,
  timing: SHORT,
};

export const USAGE = `Usage: npm run verify:chaos -- [options]

  --minutes N           how long faults are made, at least (default 10)
  --kills N             go on until so many kills are done, three times as long at most (default 0)
  --seed N              of payments and attacks (default 1)
  --rate R              payments a second (default 25)
  --kills-per-minute K  kills, stops and restarts (default 75)
  --disturbances D      network faults a minute (default 40)
  --keep-logs           keep logs and data also when all is well
`;

/** Reads the command line. Throws TypeError or RangeError with a text for the user. */
export function parseOptions(argv: readonly string[], say: (line: string) => void): ChaosOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      minutes: { type: 'string', default: '10' },
      kills: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      rate: { type: 'string', default: '25' },
      'kills-per-minute': { type: 'string', default: '75' },
      disturbances: { type: 'string', default: '40' },
      'keep-logs': { type: 'boolean', default: false },
    },
  });
  const chaosMs = numberOf('minutes', values.minutes) * 60_000;
  return {
    chaosMs,
    leastKills: Math.floor(numberOf('kills', values.kills)),
    longestChaosMs: 3 * chaosMs,
    seed: Math.floor(numberOf('seed', values.seed)),
    paymentsPerSecond: numberOf('rate', values.rate),
    killsPerMinute: numberOf('kills-per-minute', values['kills-per-minute']),
    disturbancesPerMinute: numberOf('disturbances', values.disturbances),
    calm: { stops: 4, kills: 4 },
    keepLogs: values['keep-logs'],
    timing: LONG,
    say,
  };
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new RangeError(`--${name} must be a number`);
  return value;
}
