import type { EventRow } from './database.ts';
import type { Ledger } from './ledger.ts';

const iso = (at: number | Date | undefined) => (at === undefined ? 'never' : new Date(at).toISOString());

/** All that is known of one payment, in the order of time within each source. */
export function tellStory(
  hash: string,
  ledger: Ledger,
  events: readonly EventRow[],
  logLines: readonly string[],
): string {
  const payment = ledger.payments.get(hash);
  const out = [`--- ${hash}`];
  if (payment) {
    const { fate, amountMsat, parts, startedAt } = payment;
    out.push(`payment: ${amountMsat} msat in ${parts}, plan ${fate}, started ${iso(startedAt)}`);
  }
  for (const htlc of ledger.htlcsOf(hash)) {
    out.push(
      `htlc ${htlc.key}: ${htlc.amountMsat} msat, expiry ${htlc.expiry}, sent ${iso(htlc.sentAt)}, ` +
        `${htlc.outcome} ${iso(htlc.endedAt)} at height ${htlc.heightAtEnd ?? '?'}`,
    );
  }
  for (const { at, kind, setId, daemon, answer } of ledger.calls.get(hash) ?? []) {
    out.push(`call ${iso(at)} ${kind} ${setId.slice(0, 12)} at ${daemon}: ${answer}`);
  }
  for (const { seq, at, epoch, text } of events) out.push(`event ${seq} ${iso(at)} epoch ${epoch} ${text}`);
  for (const line of [...logLines].sort(byTime)) out.push(`log ${line.slice(0, 400)}`);
  return out.join('\n');
}

function byTime(a: string, b: string): number {
  const time = (line: string) => /"time":"([^"]+)"/.exec(line)?.[1] ?? '';
  return time(a) < time(b) ? -1 : 1;
}
