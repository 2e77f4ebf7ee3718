import type { AuthCommand, MigrateCommand, RunCommand, SimulateCommand } from '../lnmuxdCommand.ts';

/** Where each command's work is. They load on demand: `migrate` need not pay for what `run` needs. */
export interface LnmuxdWork {
  run(command: RunCommand): Promise<number>;
  migrate(command: MigrateCommand): Promise<number>;
  simulate(command: SimulateCommand): Promise<number>;
  auth(command: AuthCommand): Promise<number>;
}

export const lnmuxdWork: LnmuxdWork = {
  run: async (command) => (await import('../run/run.ts')).runDaemon(command),
  migrate: async (command) => (await import('../run/migrate.ts')).migrateDatabase(command),
  simulate: async ({ args }) => (await import('../../simulator/main.ts')).simulateCommand(args),
  auth: async ({ args }) => (await import('./authCommand.ts')).authCommand(args),
};
