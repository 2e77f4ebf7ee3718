import type { SimulatedLndInfo } from '../../src/simulator/server/simulatedLnd.ts';
import type { LoadProcess } from '../load/loadProcess.ts';
import { startLoadProcess } from '../load/loadProcess.ts';
import type { LoadResult } from '../load/protocol.ts';
import type { BenchOptions } from '../options.ts';
import type { Report } from '../report/report.ts';
import { type Daemon, startDaemon } from '../system/daemon.ts';
import type { BenchDatabase, DatabaseServer } from '../system/database.ts';
import type { Workspace } from '../system/workspace.ts';

/** What every part works with. */
export interface BenchContext {
  readonly options: BenchOptions;
  readonly workspace: Workspace;
  readonly server: DatabaseServer;
  readonly report: Report;
  /** A line of progress, not part of the result. */
  say(text: string): void;
}

/** Everything that a payment passes, running and connected. */
export interface Rig {
  readonly database: BenchDatabase;
  readonly load: LoadProcess;
  readonly nodes: readonly SimulatedLndInfo[];
  readonly daemon: Daemon;
}

const NODES = 2;
let clusters = 0;

export async function startCluster({ workspace }: BenchContext) {
  const load = startLoadProcess(workspace);
  const nodes = await load.call('startCluster', { dir: workspace.path(`lnd-${++clusters}`), nodes: NODES });
  return { load, nodes };
}

/** A new daemon on a database, with two simulated nodes and an application. */
export async function startRig(
  context: BenchContext,
  database: BenchDatabase,
  nodeFlags: readonly string[] = [],
): Promise<Rig> {
  const { workspace, server } = context;
  const { load, nodes } = await startCluster(context);
  const daemon = await startDaemon(workspace, { dsn: database.dsn, nodes, nodeFlags });
  await load.call('connect', {
    address: daemon.address,
    pids: { daemon: daemon.pid, postgres: server.pid },
    dsn: database.dsn,
  });
  return { database, load, nodes, daemon };
}

export async function stopRig({ load, daemon }: Rig, how: 'orderly' | 'kill' = 'orderly'): Promise<void> {
  await load.call('disconnect', {});
  await daemon.stop(how);
  await load.stop();
}

/** Payments until every process runs as fast as it will: V8 compiles what is used often. */
export async function warmUp({ options }: BenchContext, { load }: Rig): Promise<void> {
  const maxPayments = options.quick ? 3_000 : 12_000;
  await load.call('closedLoop', { inFlight: 64, seconds: 120, discardSeconds: 0, parts: 1, maxPayments });
}

/** Notes what must not have happened, and that every payment is settled in the database. */
export async function checkRun(
  context: BenchContext,
  rig: Rig,
  name: string,
  results: readonly LoadResult[],
) {
  for (const { faults } of results) {
    for (const [fault, count] of Object.entries(faults)) context.report.fault(`${name}: ${count} × ${fault}`);
  }
  try {
    const { payments, finalLagMs } = await rig.load.call('verify', {});
    context.say(`  ${payments} payments are settled in the database (${Math.round(finalLagMs)} ms later)`);
  } catch (error) {
    context.report.fault(`${name}: ${(error as Error).message.split('\n')[0]}`);
  }
}

/** One line about a run. */
export function describeRun(result: LoadResult): string {
  const { interception, scheduled, cpuEach, coresUsed } = result;
  const us = (value: number) => `${Math.round(value)}`;
  const ms = (value: number) => value.toFixed(1);
  return [
    `${us(result.donePerSecond)}/s done`,
    `interception to settle p50 ${ms(interception.p50)} p95 ${ms(interception.p95)} p99 ${ms(interception.p99)} max ${ms(interception.max)} ms`,
    `due to settle p50 ${ms(scheduled.p50)} p99 ${ms(scheduled.p99)} ms`,
    `CPU µs/payment: daemon ${us(cpuEach.daemonUs)} (main ${us(cpuEach.daemonMainUs)}), simulator and application ${us(cpuEach.loadUs)}, PostgreSQL ${us(cpuEach.postgresUs)}`,
    `cores used: ${coresUsed.ours.toFixed(2)} by these, ${coresUsed.others.toFixed(2)} by others`,
  ].join('; ');
}
