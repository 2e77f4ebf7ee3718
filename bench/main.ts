import { cpus } from 'node:os';
import { BENCH_USAGE, type BenchOptions, type PartName, parseBenchOptions } from './options.ts';
import { addInvoicePart } from './parts/addInvoice.ts';
import { baselinePart } from './parts/baseline.ts';
import { coldStartPart } from './parts/coldStart.ts';
import type { BenchContext } from './parts/context.ts';
import { memoryPart } from './parts/memory.ts';
import { multipartPart } from './parts/multipart.ts';
import { oldInvoicesPart } from './parts/oldInvoices.ts';
import { recoveryPart } from './parts/recovery.ts';
import { replayPart } from './parts/replay.ts';
import { settlePart } from './parts/settle.ts';
import { slowSubscriberPart } from './parts/slowSubscriber.ts';
import { Report } from './report/report.ts';
import { fileSystemOf, startDatabaseServer } from './system/database.ts';
import { useTwoCores } from './system/pinning.ts';
import { Workspace } from './system/workspace.ts';

const RUN: Readonly<Record<PartName, (context: BenchContext) => Promise<void>>> = {
  settle: settlePart,
  multipart: multipartPart,
  replay: replayPart,
  slowsubscriber: slowSubscriberPart,
  memory: memoryPart,
  addinvoice: addInvoicePart,
  coldstart: coldStartPart,
  recovery: recoveryPart,
  old: oldInvoicesPart,
  baseline: baselinePart,
};

/** Runs the bench and gives its exit status: 0 when it measured, whatever the figures; 1 when something broke. */
async function main(argv: readonly string[]): Promise<number> {
  let options: BenchOptions;
  try {
    options = parseBenchOptions(argv);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${BENCH_USAGE}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(BENCH_USAGE);
    return 0;
  }
  const workspace = new Workspace();
  stopOnSignals(workspace);
  const report = new Report();
  try {
    await measure(options, workspace, report);
  } catch (error) {
    // A signal tears everything down under the part that runs.
    if (workspace.isClosing) await new Promise(() => {});
    report.fault(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  await workspace.close();
  process.stdout.write(report.text());
  if (options.json !== undefined) report.writeJson(options.json);
  return report.failed ? 1 : 0;
}

async function measure(options: BenchOptions, workspace: Workspace, report: Report): Promise<void> {
  const say = (text: string) => void process.stderr.write(`${text}\n`);
  const cores = useTwoCores();
  const server = await startDatabaseServer(workspace);
  const surroundings = {
    cpu: cpus()[0]?.model,
    cores,
    node: process.version,
    postgres: server.version,
    fileSystem: fileSystemOf(workspace.dir),
    commitUs: Math.round(server.commitUs),
  };
  report.detail('surroundings', surroundings);
  say(
    `${surroundings.cpu}; ${cores}; Node ${surroundings.node}; PostgreSQL ${surroundings.postgres}, durable, on ` +
      `${surroundings.fileSystem}, ${surroundings.commitUs} µs per commit`,
  );
  const context: BenchContext = { options, workspace, server, report, say };
  for (const part of options.parts) await RUN[part](context);
  ratio(report);
  if (options.quick) report.note('A quick run: too short to be a measurement.');
}

/**
 * Both as fast as they go and for the same time: ours with everything around it, the Go program's SQL by itself on
 * tables that start empty.
 */
function ratio(report: Report): void {
  const ours = report.get('rate.capacity') ?? report.get('old.empty');
  const theirs = report.get('go.rate');
  const first = report.get('go.first');
  if (ours === undefined || theirs === undefined || first === undefined) return;
  report.figure('go.ratio', ours / theirs);
  report.note(
    `Against the first seconds of the Go program's SQL, its tables nearly empty: ${(ours / first).toFixed(1)}×`,
  );
}

function stopOnSignals(workspace: Workspace): void {
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => void workspace.close().then(() => process.exit(status)));
  }
}

process.exit(await main(process.argv.slice(2)));
