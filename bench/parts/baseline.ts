import { type GoRates, replayGo } from '../baseline/goReplay.ts';
import { fillGo } from '../system/fill.ts';
import type { BenchContext } from './context.ts';

const GO_SCHEMA_VERSION = 4;
const MANY = 100_000;

/** The Go program's SQL on its own schema: from empty tables, and with rows in them. */
export async function baselinePart(context: BenchContext): Promise<void> {
  const { options, report, say } = context;
  const seconds = options.quick ? 4 : 15;
  const empty = await measure(context, 0, seconds);
  report.figure('go.rate', empty.payments);
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
  const ours = report.get('rate.capacity') ?? report.get('old.empty');
  if (ours === undefined) say('baseline: no ratio without the part settle');
}

async function measure({ server, say }: BenchContext, rows: number, seconds: number): Promise<GoRates> {
  const database = await server.create(`go_${rows}`, GO_SCHEMA_VERSION);
  if (rows > 0) await fillGo(database, rows);
  const rates = await replayGo(database.target, seconds);
  say(
    `baseline, ${rows} old rows: ${Math.round(rates.payments)} payments/s, ${Math.round(rates.finals)} final parts/s`,
  );
  await database.drop();
  return rates;
}
