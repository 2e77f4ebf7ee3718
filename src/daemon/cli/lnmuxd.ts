import { EXIT } from '../exit.ts';
import type { LnmuxdCommand } from '../lnmuxdCommand.ts';
import { lnmuxVersion } from '../version.ts';
import { type LnmuxdWork, lnmuxdWork } from './commands.ts';
import { parseLnmuxdArgs } from './lnmuxdArgs.ts';
import { lnmuxdHelp } from './lnmuxdHelp.ts';
import { withoutAddressWarnings } from './warnings.ts';

function execute(command: LnmuxdCommand, work: LnmuxdWork): Promise<number> | number {
  switch (command.command) {
    case 'run':
      return work.run(command);
    case 'migrate':
      return work.migrate(command);
    case 'simulate':
      return work.simulate(command);
    case 'auth':
      return work.auth(command);
    case 'config check':
      return import('./configCheck.ts').then(({ checkConfig }) => checkConfig(command));
    case 'help':
      process.stdout.write(lnmuxdHelp(command.topic));
      return EXIT.ok;
    case 'version':
      process.stdout.write(`lnmuxd ${lnmuxVersion()}\n`);
      return EXIT.ok;
  }
}

/** Runs lnmuxd with the arguments after its name and gives its exit status. */
export async function main(args: readonly string[]): Promise<number> {
  const parsed = parseLnmuxdArgs(args);
  if (!parsed.ok) {
    process.stderr.write(`lnmuxd: ${parsed.problem}\n`);
    return EXIT.usage;
  }
  withoutAddressWarnings();
  return execute(parsed.command, lnmuxdWork);
}
