import { parseArgs } from 'node:util';
import { type FuzzReport, fuzz } from './engine/fuzz.ts';
import type { Target } from './engine/target.ts';
import { figures, findingText, outcomeLines } from './report.ts';
import { TARGETS } from './targets/all.ts';

const HELP = `node verify/fuzz/main.ts [--target NAME[,NAME…]|all] [--runs N] [--seed N] [--no-coverage] [--list]

Runs mutated inputs against everything that takes input from outside, until the first finding of a target.
--target       all of them unless given
--runs         inputs per target (1000000)
--seed         another number gives other inputs (1)
--no-coverage  does not ask V8 what ran: faster, and the same inputs on every machine
--list         names the targets and what must hold for each`;

interface Options {
  readonly targets: readonly Target[];
  readonly runs: number;
  readonly seed: number;
  readonly coverage: boolean;
}

function wholeNumber(name: string, text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw new RangeError(`--${name} must be a whole number`);
  return Number(text);
}

function chosen(names: string): readonly Target[] {
  if (names === 'all') return TARGETS;
  return names.split(',').map((name) => {
    const target = TARGETS.find((each) => each.name === name);
    if (!target)
      throw new RangeError(`no target ${name}; there are ${TARGETS.map((t) => t.name).join(', ')}`);
    return target;
  });
}

function readOptions(args: string[]): Options | 'help' | 'list' {
  const { values } = parseArgs({
    args,
    options: {
      target: { type: 'string', default: 'all' },
      runs: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: '1' },
      coverage: { type: 'boolean', default: true },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
    allowNegative: true,
  });
  if (values.help) return 'help';
  if (values.list) return 'list';
  return {
    targets: chosen(values.target),
    runs: wholeNumber('runs', values.runs),
    seed: wholeNumber('seed', values.seed),
    coverage: values.coverage,
  };
}

/** A line every few seconds; on a terminal it overwrites itself. */
function progressLine(name: string): (progress: { runs: number; seconds: number; kept: number }) => void {
  let next = 5;
  return ({ runs, seconds, kept }) => {
    if (seconds < next) return;
    next = seconds + (process.stderr.isTTY ? 1 : 30);
    const text = `${name}: ${runs} inputs, ${Math.round(runs / seconds)}/s, ${kept} kept`;
    process.stderr.write(process.stderr.isTTY ? `\r${text}\x1b[K` : `${text}\n`);
  };
}

async function runTarget(target: Target, { runs, seed, coverage }: Options): Promise<FuzzReport> {
  const report = await fuzz(target, { runs, seed, coverage, onProgress: progressLine(target.name) });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  console.log(figures(report));
  for (const line of outcomeLines(report)) console.log(line);
  return report;
}

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === 'help') console.log(HELP);
  if (options === 'list')
    for (const { name, promise } of TARGETS) console.log(`${name.padEnd(32)}${promise}`);
  if (typeof options === 'string') return 0;
  let found = 0;
  for (const target of options.targets) {
    const report = await runTarget(target, options);
    if (!report.finding) continue;
    found += 1;
    const live = await target.open();
    console.log(findingText(report, options.seed, live.show?.bind(live)));
    await live.close?.();
  }
  return found === 0 ? 0 : 1;
}

/** An exception outside of any input's run is a finding as well: the process ends with it. */
main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    console.error(error);
    process.exit(2);
  },
);
