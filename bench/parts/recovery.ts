import { runProbe } from '../probes/runProbe.ts';
import { startDaemon } from '../system/daemon.ts';
import { fillFinished, fillPending } from '../system/fill.ts';
import { type BenchContext, startCluster } from './context.ts';

/** A start with payments that are released and not final, and old ones around them. */
export async function recoveryPart(context: BenchContext): Promise<void> {
  const { options, report, say, server, workspace } = context;
  const pending = options.quick ? 10_000 : 100_000;
  const database = await server.create('recovery');
  const { load, nodes } = await startCluster(context);
  if (options.oldInvoices > 0) {
    say(`recovery: storing ${options.oldInvoices} old invoices`);
    await fillFinished(database, options.oldInvoices);
  }
  say(`recovery: storing ${pending} pending ones`);
  await fillPending(
    database,
    pending,
    nodes.map(({ pubkey }) => pubkey),
  );
  const alone = await runProbe<{ recoverMs: number; pending: number }>(workspace, 'recovery', [database.dsn]);
  if (alone.pending !== pending) report.fault(`recovery: ${alone.pending} of ${pending} were recovered`);
  // The lead of the probe lasts for a second.
  await new Promise((wake) => setTimeout(wake, 1_500));
  const daemon = await startDaemon(workspace, { dsn: database.dsn, nodes });
  const readyMs = daemon.startMs + (await load.call('getInfo', { address: daemon.address }));
  await daemon.stop('kill');
  report.figure('recovery.ready', readyMs / 1000);
  report.figure('recovery.alone', alone.recoverMs / 1000);
  report.detail('recovery', { ...alone, oldInvoices: options.oldInvoices, readyMs });
  report.note(`Recovery: ${pending} pending, ${options.oldInvoices} old invoices stored.`);
  say(
    `recovery: ready after ${Math.round(readyMs)} ms, recovery by itself ${Math.round(alone.recoverMs)} ms`,
  );
  await load.stop();
  await database.drop();
}
