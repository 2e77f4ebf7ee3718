import { EXIT } from '../exit.ts';
import type { LnmuxdCommand } from '../lnmuxdCommand.ts';
import { lnmuxVersion } from '../version.ts';
import { type LnmuxdWork, lnmuxdWork } from './commands.ts';
import { parseLnmuxdArgs } from './lnmuxdArgs.ts';
import { lnmuxdHelp } from './lnmuxdHelp.ts';

function execute(command: LnmuxdCommand, work: LnmuxdWork): Promise<number> | number {
  switch (command.command) {
    case 'run':
      return work.run(command);
    case 'migrate':
      return work.migrate(command);
    case 'simulate':
      return work.simulate(command);
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

/**
 * Node warns of TLS to an IP address (DEP0123), which is what most lnd configurations have and which works; on an
 * operator's terminal that is noise.
 */
function withoutAddressWarnings(): void {
  const shown = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if ((warning as { code?: string }).code === 'DEP0123') return;
    for (const show of shown) show.call(process, warning);
  });
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
