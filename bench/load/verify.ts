import { parseDsn } from '../../src/adapters/postgres/dsn.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { withClient } from '../system/database.ts';

const AT_ONCE = 20_000;
/** Nobody waits for the final status of a payment, so it may lag behind. */
const FINAL_TIMEOUT_MS = 120_000;

/** Payments that were sent and settled, as the nodes see it. */
export interface Sent {
  readonly hashes: readonly PaymentHash[];
  readonly parts: number;
}

/**
 * Waits until the database says of every payment that it is settled: one row SETTLED with the whole amount, every
 * part SETTLED, and exactly one line of events that says so. Throws when that does not come to be.
 */
export async function verifySettled(dsn: string, sent: readonly Sent[]): Promise<number> {
  const start = performance.now();
  await withClient(parseDsn(dsn), async (client) => {
    for (const { hashes, parts } of sent) {
      for (let from = 0; from < hashes.length; from += AT_ONCE) {
        const slice = hashes.slice(from, from + AT_ONCE);
        const wanted = { invoices: slice.length, htlcs: slice.length * parts, events: slice.length };
        for (;;) {
          const found = await countSettled(client, slice);
          if (isSame(found, wanted)) break;
          if (performance.now() - start > FINAL_TIMEOUT_MS) {
            throw new Error(`settled in the database: ${text(found)}, expected ${text(wanted)}`);
          }
          await new Promise((wake) => setTimeout(wake, 100));
        }
      }
    }
  });
  return performance.now() - start;
}

interface Settled {
  readonly invoices: number;
  readonly htlcs: number;
  readonly events: number;
}

async function countSettled(
  client: { query(text: string, values: unknown[]): Promise<{ rows: Record<string, unknown>[] }> },
  hashes: readonly PaymentHash[],
): Promise<Settled> {
  const { rows } = await client.query(
    `WITH h AS MATERIALIZED (SELECT decode(hash, 'hex') AS hash FROM unnest($1::text[]) AS u(hash))
    SELECT
      (SELECT count(*) FROM h JOIN lnmux.invoices i USING (hash)
        WHERE i.status = 'SETTLED' AND i.settled_msat = i.amount_msat)::int AS invoices,
      (SELECT count(*) FROM h JOIN lnmux.htlcs USING (hash) WHERE status = 'SETTLED')::int AS htlcs,
      (SELECT count(*) FROM h JOIN lnmux.events e USING (hash)
        WHERE e.machine = 'invoice' AND e.to_state = 'settled')::int AS events`,
    [hashes],
  );
  return rows[0] as unknown as Settled;
}

function isSame(a: Settled, b: Settled): boolean {
  return a.invoices === b.invoices && a.htlcs === b.htlcs && a.events === b.events;
}

function text({ invoices, htlcs, events }: Settled): string {
  return `${invoices} invoices, ${htlcs} parts, ${events} lines of events`;
}
