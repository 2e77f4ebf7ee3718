import { runChaos } from './chaos.ts';
import { type ChaosOptions, parseOptions, USAGE } from './options.ts';
import { reportText } from './report.ts';
import { Workspace } from './workspace.ts';

/** `npm run verify:chaos`: exit code 0 when nothing was lost, doubled or left over. */
async function main(argv: readonly string[]): Promise<number> {
  let options: ChaosOptions;
  try {
    if (argv.includes('--help')) throw new TypeError('');
    options = parseOptions(argv, (line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  const workspace = new Workspace();
  const interrupted = new Promise<never>((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => reject(new Error(`ended by ${signal}`)));
    }
    // Whatever goes wrong here, everything that was started is ended. What breaks off then is no news.
    process.on('uncaughtException', (error) => reject(error));
  });
  try {
    const report = await Promise.race([runChaos(options, workspace), interrupted]);
    process.stdout.write(reportText(report));
    return report.violations.length === 0 ? 0 : 1;
  } catch (error) {
    process.stderr.write(`${(error as Error).stack}\n`);
    return 1;
  } finally {
    await workspace.close();
  }
}

process.exit(await main(process.argv.slice(2)));
