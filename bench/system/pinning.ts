import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

const CORES = 2;

/**
 * Ties this process, and so all that it starts, to two cores: the machine that the goals are written for. Gives
 * what was done, for the report.
 */
export function useTwoCores(): string {
  const available = availableParallelism();
  if (available <= CORES) return `${available} cores, all used`;
  try {
    execFileSync('taskset', ['-acp', `0-${CORES - 1}`, String(process.pid)], { stdio: 'ignore' });
    return `${CORES} of ${available} cores (taskset)`;
  } catch {
    return `${available} cores: taskset is missing, so more are used than the goals assume`;
  }
}
