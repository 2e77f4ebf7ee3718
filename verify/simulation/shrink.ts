import { planOf } from './plan.ts';
import { type RunOptions, type RunResult, runSeed } from './run.ts';

export interface Shrunk {
  /** Labels of the payments and faults that are enough. */
  readonly only: readonly string[];
  readonly result: RunResult;
  readonly runs: number;
}

/**
 * Leaves out payments and faults, in halves and then in ever smaller groups, as long as the same invariant still
 * breaks (ddmin). Everything is replayed by label, so that what is left behaves as it did.
 */
export async function shrink(
  seed: number,
  options: RunOptions = {},
  mostRuns = 300,
): Promise<Shrunk | undefined> {
  const plan = planOf(seed, options.only);
  let labels = [...plan.faults.map((f) => f.label), ...plan.payments.map((p) => p.label)];
  const first = await runSeed(seed, options);
  if (!first.violation) return undefined;
  const { invariant } = first.violation;
  let best = first;
  let runs = 1;
  let groups = 2;
  while (labels.length > 1 && runs < mostRuns) {
    const size = Math.ceil(labels.length / groups);
    let smaller: string[] | undefined;
    for (let at = 0; at < labels.length && runs < mostRuns; at += size) {
      const rest = [...labels.slice(0, at), ...labels.slice(at + size)];
      const result = await runSeed(seed, { ...options, only: new Set(rest) });
      runs += 1;
      if (result.violation?.invariant !== invariant) continue;
      smaller = rest;
      best = result;
      break;
    }
    if (smaller) {
      labels = smaller;
      groups = Math.max(groups - 1, 2);
    } else if (size === 1) break;
    else groups = Math.min(groups * 2, labels.length);
  }
  const result = await runSeed(seed, { ...options, only: new Set(labels), history: 400 });
  return { only: labels, result: result.violation ? result : best, runs };
}
