import { runProbe } from '../probes/runProbe.ts';
import { type BenchContext, startRig, stopRig } from './context.ts';

const CALLERS = 64;

/** AddInvoice as a function and as a call. */
export async function addInvoicePart(context: BenchContext): Promise<void> {
  const { options, report, say, server, workspace } = context;
  const seconds = options.quick ? 2 : 6;
  const bare = await runProbe<{ perSecond: number }>(workspace, 'addInvoice', [String(seconds)]);
  report.figure('invoice.function', bare.perSecond);
  say(`addinvoice, function: ${Math.round(bare.perSecond)}/s`);
  const database = await server.create('addinvoice');
  const rig = await startRig(context, database);
  const many = await rig.load.call('addInvoices', { seconds, concurrency: CALLERS });
  const one = await rig.load.call('addInvoices', { seconds, concurrency: 1 });
  report.figure('invoice.grpc', many.perSecond);
  report.figure('invoice.p99', one.latency.p99);
  report.detail('addinvoice', { functionPerSecond: bare.perSecond, callers64: many, callers1: one });
  say(
    `addinvoice over gRPC: ${Math.round(many.perSecond)}/s with ${CALLERS} callers ` +
      `(p99 ${many.latency.p99.toFixed(1)} ms, daemon ${Math.round(many.daemonUsPerCall)} µs/call), ` +
      `${Math.round(one.perSecond)}/s with one (p99 ${one.latency.p99.toFixed(1)} ms)`,
  );
  await stopRig(rig);
  await database.drop();
}
