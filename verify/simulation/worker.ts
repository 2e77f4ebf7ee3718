import { parentPort, workerData } from 'node:worker_threads';
import { Counters } from './counters.ts';
import { runSeed } from './run.ts';

/** What a worker is to do: seeds from, from + step, … below `to`; each twice where `twice`. */
export interface WorkerTask {
  readonly from: number;
  readonly to: number;
  readonly step: number;
  readonly twice: boolean;
}

/** What it tells every now and then, and at its end. */
export interface WorkerReport {
  readonly seeds: number;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly counters: readonly [string, number][];
  readonly failures: readonly { readonly seed: number; readonly message: string }[];
  readonly over: boolean;
}

const REPORT_EVERY = 25;

async function work(task: WorkerTask): Promise<void> {
  let seeds = 0;
  let steps = 0;
  let simulatedMs = 0;
  let counters = new Counters();
  let failures: { seed: number; message: string }[] = [];
  const report = (over: boolean) => {
    const said: WorkerReport = { seeds, steps, simulatedMs, counters: counters.entries(), failures, over };
    parentPort?.postMessage(said);
    seeds = steps = simulatedMs = 0;
    counters = new Counters();
    failures = [];
  };
  for (let seed = task.from; seed < task.to; seed += task.step) {
    const result = await runSeed(seed);
    if (result.violation) failures.push({ seed, message: result.violation.message });
    if (task.twice) {
      const again = await runSeed(seed);
      if (again.hash !== result.hash)
        failures.push({ seed, message: `not repeatable: ${result.hash}, ${again.hash}` });
    }
    counters.addAll(result.counters.entries());
    seeds += 1;
    steps += result.steps;
    simulatedMs += result.simulatedMs;
    if (seeds === REPORT_EVERY) report(false);
  }
  report(true);
}

await work(workerData as WorkerTask);
