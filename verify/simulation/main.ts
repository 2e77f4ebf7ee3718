import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { Counters } from './counters.ts';
import { EXPECTED, EXPECTED_OF_MANY } from './expected.ts';
import { runSeed } from './run.ts';
import { shrink } from './shrink.ts';
import type { WorkerReport, WorkerTask } from './worker.ts';

const USAGE = `node verify/simulation/main.ts [options]
  --seeds N               run N seeds (default 2000)
  --from S                first seed (default 1)
  --workers W             threads (default 2)
  --check-determinism K   run K seeds twice and compare their traces
  --seed X                one seed: prints its history, and shortens it when it fails
  --only p1,f2,...        with --seed: keep only these payments and faults
  --log                   with --seed: print what the daemons log as well
`;

/** From so many seeds on, something that never happened means that the simulation has a hole. */
const ENOUGH_SEEDS = 2_000;
const MANY_SEEDS = 10_000;
const MOST_SHRUNK = 2;

const out = (text: string) => void process.stdout.write(`${text}\n`);

interface Totals {
  seeds: number;
  steps: number;
  simulatedMs: number;
  readonly counters: Counters;
  readonly failures: { readonly seed: number; readonly message: string }[];
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '2000' },
      from: { type: 'string', default: '1' },
      workers: { type: 'string', default: '2' },
      'check-determinism': { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      log: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    out(USAGE);
    return 0;
  }
  if (values.seed !== undefined) return one(Number(values.seed), values.only, values.log);
  const twice = values['check-determinism'];
  const count = Number(twice ?? values.seeds);
  const from = Number(values.from);
  const totals = await many({
    from,
    to: from + count,
    twice: twice !== undefined,
    workers: Number(values.workers),
  });
  return judge(totals, twice !== undefined);
}

/** One seed, for a person. */
async function one(seed: number, only: string | undefined, log: boolean): Promise<number> {
  const kept = only === undefined ? {} : { only: new Set(only.split(',')) };
  const result = await runSeed(seed, { ...kept, history: 100_000, ...(log ? { print: out } : {}) });
  out(result.history.join('\n'));
  out(
    `seed ${seed}: trace ${result.hash}, ${result.steps} steps, ${Math.round(result.simulatedMs / 1000)} s simulated`,
  );
  if (!result.violation) return 0;
  out(`VIOLATION ${result.violation.message}`);
  if (only === undefined) await explain(seed);
  return 1;
}

/** The shortest history that still shows the failure, and how to see it again. */
async function explain(seed: number): Promise<void> {
  out(`shortening seed ${seed} ...`);
  const shrunk = await shrink(seed);
  if (!shrunk) return out('it does not fail any more: the run is not repeatable');
  const { only, result, runs } = shrunk;
  const { plan } = result;
  out(
    `--- seed ${seed}, shortened by ${runs} runs to ${only.length} payments and faults: ${result.violation?.message}`,
  );
  for (const fault of plan.faults) out(`  ${fault.label} ${fault.kind} at ${fault.at.toFixed(0)} ms`);
  for (const payment of plan.payments) {
    const parts = payment.parts.map((part) => `${part.kind} over lnd${part.node}`).join(', ');
    out(`  ${payment.label} at ${payment.at.toFixed(0)} ms, ${payment.intention}: ${parts}`);
  }
  out(
    result.history
      .filter((line) => !/app looks|timer (1000|5000|250|100)$|> info|< info|db (acquire|renew)/.test(line))
      .slice(-120)
      .join('\n'),
  );
  out(`replay: node verify/simulation/main.ts --seed ${seed} --only ${only.join(',')}`);
  out(`whole:  node verify/simulation/main.ts --seed ${seed}`);
}

interface Many {
  readonly from: number;
  readonly to: number;
  readonly twice: boolean;
  readonly workers: number;
}

async function many({ from, to, twice, workers }: Many): Promise<Totals> {
  const totals: Totals = { seeds: 0, steps: 0, simulatedMs: 0, counters: new Counters(), failures: [] };
  const began = performance.now();
  const progress = () => {
    const seconds = (performance.now() - began) / 1000;
    const hours = totals.simulatedMs / 3_600_000;
    const speed = `${(totals.seeds / seconds).toFixed(1)} seeds/s, ${(totals.steps / seconds / 1000).toFixed(0)} k steps/s`;
    out(
      `${totals.seeds} of ${to - from} seeds, ${speed}, ${hours.toFixed(1)} h simulated, ${totals.failures.length} failed`,
    );
  };
  const ticker = setInterval(progress, 10_000);
  await Promise.all(
    Array.from({ length: workers }, (_, index) => {
      const task: WorkerTask = { from: from + index, to, step: workers, twice };
      return runWorker(task, (report) => {
        totals.seeds += report.seeds;
        totals.steps += report.steps;
        totals.simulatedMs += report.simulatedMs;
        totals.counters.addAll(report.counters);
        totals.failures.push(...report.failures);
        for (const { seed, message } of report.failures) out(`seed ${seed} FAILED ${message}`);
      });
    }),
  );
  clearInterval(ticker);
  progress();
  return totals;
}

function runWorker(task: WorkerTask, report: (report: WorkerReport) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: task });
    worker.on('message', (message: WorkerReport) => report(message));
    worker.on('error', reject);
    worker.on('exit', () => resolve());
  });
}

async function judge(totals: Totals, twice: boolean): Promise<number> {
  if (twice) {
    out(`${totals.seeds} seeds run twice, ${totals.failures.length} differ or fail`);
    return totals.failures.length === 0 ? 0 : 1;
  }
  for (const [name, count] of totals.counters.entries()) out(`  ${name.padEnd(45)} ${count}`);
  const expected = totals.seeds >= MANY_SEEDS ? [...EXPECTED, ...EXPECTED_OF_MANY] : EXPECTED;
  const missing = expected.filter((name) => totals.counters.get(name) === 0);
  if (missing.length > 0) out(`never happened: ${missing.join(', ')}`);
  for (const { seed } of totals.failures.slice(0, MOST_SHRUNK)) await explain(seed);
  if (totals.failures.length > 0) return 1;
  return missing.length > 0 && totals.seeds >= ENOUGH_SEEDS ? 1 : 0;
}

process.exitCode = await main();
