import { EXIT } from './exit.ts';
import type { MigrateCommand, RunCommand, SimulateCommand } from './lnmuxdArgs.ts';

/** Where each command's work is. They load on demand: `migrate` need not pay for what `run` needs. */
export interface LnmuxdWork {
  run(command: RunCommand): Promise<number>;
  migrate(command: MigrateCommand): Promise<number>;
  simulate(command: SimulateCommand): Promise<number>;
}

async function notThere(name: string): Promise<number> {
  process.stderr.write(`lnmuxd ${name}: not part of this build\n`);
  return EXIT.failed;
}

export const lnmuxdWork: LnmuxdWork = {
  run: () => notThere('run'),
  migrate: () => notThere('migrate'),
  simulate: () => notThere('simulate'),
};
