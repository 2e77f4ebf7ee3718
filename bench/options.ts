import { parseArgs } from 'node:util';

/** The parts of a run, in the order in which they run. */
export const PARTS = [
  'settle',
  'multipart',
  'replay',
  'slowsubscriber',
  'memory',
  'addinvoice',
  'coldstart',
  'recovery',
  'baseline',
  'old',
] as const;
export type PartName = (typeof PARTS)[number];

export interface BenchOptions {
  /** A few seconds for each part: shows that everything works, not how fast it is. */
  readonly quick: boolean;
  readonly parts: readonly PartName[];
  /** How many finished invoices are stored before the runs of the part `old`, and before recovery. 0: none. */
  readonly oldInvoices: number;
  /** Where all figures go as JSON. */
  readonly json: string | undefined;
  /** Where the daemon's CPU profiles go; profiling slows it down. */
  readonly profile: string | undefined;
  readonly help: boolean;
}

export const BENCH_USAGE = `Usage: npm run bench -- [options]

  --quick             a few seconds for each part: whether it works, not how fast it is
  --only PART         just this part, may be repeated: ${PARTS.join(', ')}
  --old-invoices N    second mode: the parts ${'`old`'}, recovery and baseline with N finished invoices stored before
  --json FILE         all figures as JSON
  --profile DIR       CPU profiles of the daemon at 2,000 payments/s (the figures are worse then)
`;

/** Reads the command line. Throws TypeError or RangeError with a text for the user. */
export function parseBenchOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true },
      'old-invoices': { type: 'string', default: '0' },
      json: { type: 'string' },
      profile: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const oldInvoices = Number(values['old-invoices']);
  if (!Number.isInteger(oldInvoices) || oldInvoices < 0 || oldInvoices > 100_000_000) {
    throw new RangeError('--old-invoices must be a number up to 100000000');
  }
  const secondMode: readonly PartName[] = ['recovery', 'baseline', 'old'];
  const all = oldInvoices > 0 ? secondMode : PARTS.filter((part) => part !== 'old');
  const parts = values.only?.map(partName) ?? all;
  if (parts.includes('old') && oldInvoices === 0) throw new RangeError('the part old needs --old-invoices N');
  return {
    quick: values.quick,
    parts: PARTS.filter((part) => parts.includes(part)),
    oldInvoices,
    json: values.json,
    profile: values.profile,
    help: values.help,
  };
}

function partName(name: string): PartName {
  const found = PARTS.find((part) => part === name);
  if (!found) throw new RangeError(`unknown part ${name}: expected one of ${PARTS.join(', ')}`);
  return found;
}
