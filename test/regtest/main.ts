import { withoutAddressWarnings } from '../../src/daemon/cli/warnings.ts';
import { killDaemons } from '../e2e/daemon.ts';
import { type Binaries, findBinaries } from './lnd/binaries.ts';
import { LndCluster } from './lnd/cluster.ts';
import { killProcesses } from './lnd/processes.ts';
import { checkVersions } from './lnd/versions.ts';
import { Workspace } from './lnd/workspace.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { type Result, runScenarios } from './run.ts';
import { SCENARIOS } from './scenarios/all.ts';
import type { Cluster } from './scenarios/cluster.ts';
import type { Scenario } from './scenarios/scenario.ts';
import { Stage } from './scenarios/stage.ts';
import { SimulatedCluster } from './simulated/cluster.ts';
import { reportText, Soak } from './soak/soak.ts';

const EXIT = { ok: 0, failed: 1, notRun: 2, interrupted: 130 } as const;

/** Of --soak: as many as three lnds and a chain on two cores bear. */
const PAYERS = 4;

const say = (text: string) => process.stdout.write(`${text}\n`);
const complain = (text: string) => process.stderr.write(`${text}\n`);

/** `npm run test:regtest`. Gives the exit status once everything has ended. */
async function main(argv: readonly string[]): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(argv);
  } catch (error) {
    complain(`${(error as Error).message}\n\n${USAGE}`);
    return EXIT.notRun;
  }
  if (options.help) {
    say(USAGE);
    return EXIT.ok;
  }
  const scenarios = chosen(options.only);
  if (scenarios.length === 0) {
    complain(
      `no scenario has ${options.only.map((text) => `"${text}"`).join(' or ')} in its name; see --list`,
    );
    return EXIT.notRun;
  }
  if (options.list) {
    for (const { name } of scenarios) say(name);
    return EXIT.ok;
  }
  if (options.simulated) return perform(options, scenarios, ({ dir }) => SimulatedCluster.start(dir));
  const usable = await usablePrograms(options.oldLnd);
  if (!usable) return EXIT.notRun;
  return perform(options, scenarios, (workspace) =>
    LndCluster.start(usable.binaries, usable.lnd, workspace, (text) => say(`  ${text}`)),
  );
}

function chosen(only: readonly string[]): readonly Scenario[] {
  if (only.length === 0) return SCENARIOS;
  return SCENARIOS.filter(({ name }) => only.some((text) => name.toLowerCase().includes(text.toLowerCase())));
}

/** What the environment names, and the version of its lnd. */
interface Programs {
  readonly binaries: Binaries;
  readonly lnd: string;
}

async function usablePrograms(allowOld: boolean): Promise<Programs | undefined> {
  const found = findBinaries(process.env);
  if (!found.ok) {
    complain('npm run test:regtest runs real lnd nodes, and needs to be told where they are:');
    for (const problem of found.problems) complain(`  ${problem}`);
    complain('For example:');
    complain(
      '  LND_BIN=/opt/lnd/lnd LNCLI_BIN=/opt/lnd/lncli BITCOIND_BIN=/usr/bin/bitcoind npm run test:regtest',
    );
    complain('With simulated nodes the same scenarios run in npm test. See docs/regtest.md');
    return undefined;
  }
  const checked = await checkVersions(found.binaries, { allowOld });
  if (!checked.ok) {
    complain('npm run test:regtest can not use these programs:');
    for (const problem of checked.problems) complain(`  ${problem}`);
    return undefined;
  }
  const { lnd, chain } = checked.versions;
  say(`lnd ${lnd}, ${found.binaries.chain.kind} ${chain}`);
  if (checked.weakness !== undefined) say(`known: ${checked.weakness}`);
  return { binaries: found.binaries, lnd };
}

/** Starts a cluster, runs the scenarios, and ends all of it, also on Ctrl-C. */
async function perform(
  options: Options,
  scenarios: readonly Scenario[],
  start: (workspace: Workspace) => Promise<Cluster>,
): Promise<number> {
  const workspace = new Workspace();
  say(`in ${workspace.dir}`);
  let stage: Stage | undefined;
  const interrupted = interruption();
  const work = async (): Promise<Result> => {
    const cluster = await start(workspace);
    stage = new Stage(cluster, workspace.folder('lnmux'));
    if (options.soakMinutes > 0) return soak(stage, options);
    return runScenarios(stage, scenarios, say);
  };
  const ended = await Promise.race([work().catch((error: unknown) => error as Error), interrupted]);
  const status = ended === 'interrupted' ? EXIT.interrupted : verdict(ended);
  stage?.writeLogs(workspace.logs);
  if (status === EXIT.ok) await stopInOrder(stage);
  killDaemons();
  killProcesses();
  if (status === EXIT.ok && !options.keep) workspace.remove();
  else say(`what every process printed is in ${workspace.logs}`);
  return status;
}

async function soak(stage: Stage, { soakMinutes, seed }: Options): Promise<Result> {
  const report = await new Soak(stage, { forMs: soakMinutes * 60_000, seed, payers: PAYERS }, say).run();
  say(reportText(report));
  return { passed: report.settled + report.failed, failed: report.violations, skipped: 0 };
}

function verdict(ended: Result | Error): number {
  if (ended instanceof Error) {
    complain(`could not start: ${ended.message}`);
    return EXIT.failed;
  }
  const { passed, failed, skipped } = ended;
  say(`${passed} passed, ${failed.length} failed, ${skipped} skipped`);
  return failed.length + skipped === 0 ? EXIT.ok : EXIT.failed;
}

async function stopInOrder(stage: Stage | undefined): Promise<void> {
  await stage?.stop();
  await stage?.cluster.stop();
}

function interruption(): Promise<'interrupted'> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        complain(`${signal}: ending everything`);
        resolve('interrupted');
      });
    }
  });
}

// Whatever happens to this process in an orderly way, nothing stays behind.
process.once('exit', () => {
  killDaemons();
  killProcesses();
});
withoutAddressWarnings();
process.exit(await main(process.argv.slice(2)));
