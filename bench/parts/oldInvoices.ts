import type { LoadResult } from '../load/protocol.ts';
import type { BenchDatabase } from '../system/database.ts';
import { fillFinished } from '../system/fill.ts';
import { type BenchContext, checkRun, describeRun, startRig, stopRig, warmUp } from './context.ts';

const IN_FLIGHT = 256;
const RATE = 2_000;

/** The same load with an empty database and with old invoices, in turns: noise hits both. */
export async function oldInvoicesPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const rounds = options.quick ? 1 : 3;
  const full = await server.create('old_full');
  say(`old: storing ${options.oldInvoices} old invoices`);
  await fillFinished(full, options.oldInvoices);
  const rates = { empty: [] as number[], full: [] as number[] };
  const latencies: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const empty = await server.create(`old_empty_${round}`);
    const without = await measure(context, empty, 'empty');
    await empty.drop();
    const among = await measure(context, full, `${options.oldInvoices} old`);
    rates.empty.push(without.capacity.donePerSecond);
    rates.full.push(among.capacity.donePerSecond);
    latencies.push(among.steady.interception.p99);
    report.detail(`old.${round}`, { without, among });
  }
  const [empty, old] = [median(rates.empty), median(rates.full)];
  report.figure('old.empty', empty);
  report.figure('old.full', old);
  report.figure('old.share', (100 * old) / empty);
  report.figure('old.p99', median(latencies));
  await full.drop();
}

async function measure(context: BenchContext, database: BenchDatabase, name: string) {
  const { options, say } = context;
  const rig = await startRig(context, database);
  await warmUp(context, rig);
  const discardSeconds = options.quick ? 1 : 2;
  const capacity: LoadResult = await rig.load.call('closedLoop', {
    inFlight: IN_FLIGHT,
    seconds: options.quick ? 4 : 12,
    discardSeconds,
    parts: 1,
  });
  say(`old, ${name}, ${IN_FLIGHT} under way: ${describeRun(capacity)}`);
  const steady = await rig.load.call('openLoop', {
    ratePerSecond: RATE,
    seconds: options.quick ? 4 : 12,
    discardSeconds,
    parts: 1,
  });
  say(`old, ${name}, ${RATE}/s: ${describeRun(steady)}`);
  await checkRun(context, rig, `old, ${name}`, [capacity, steady]);
  await stopRig(rig);
  return { capacity, steady };
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) / 2)]!;
}
