import { type GoRates, replayGo } from '../baseline/goReplay.ts';
import { fillGo } from '../system/fill.ts';
import type { BenchContext } from './context.ts';

const GO_SCHEMA_VERSION = 4;
const MANY = 100_000;

/** The Go program's SQL on its own schema: from empty tables for as long as our own run, and with rows in them. */
export async function baselinePart(context: BenchContext): Promise<void> {
  const { options, report } = context;
  const seconds = options.quick ? 5 : 15;
  const empty = await measure(context, 0, options.quick ? 5 : 60);
  report.figure('go.rate', empty.payments);
  report.figure('go.first', empty.paymentsAtFirst);
  report.figure('go.final', empty.finals);
  const many = await measure(context, MANY, seconds);
  report.figure('go.rate.100k', many.payments);
  report.figure('go.final.100k', many.finals);
  const old = options.oldInvoices > 0 ? await measure(context, options.oldInvoices, seconds) : undefined;
  if (old) {
    report.figure('go.rate.old', old.payments);
    report.figure('go.final.old', old.finals);
  }
  report.detail('baseline', { empty, with100000: many, withOld: old });
}

async function measure({ server, say }: BenchContext, rows: number, seconds: number): Promise<GoRates> {
  const database = await server.create(`go_${rows}`, GO_SCHEMA_VERSION);
  if (rows > 0) await fillGo(database, rows);
  const rates = await replayGo(database.target, seconds);
  const { payments, paymentsAtFirst, finals } = rates;
  say(
    `baseline, ${rows} old rows, ${seconds} s: ${Math.round(payments)} payments/s ` +
      `(${Math.round(paymentsAtFirst)} in the first tenth), ${Math.round(finals)} final parts/s`,
  );
  await database.drop();
  return rates;
}
