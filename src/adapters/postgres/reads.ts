import {
  EventsDeleted,
  FencedRead,
  type Recovery,
  type StoredEvent,
  type StoredFail,
  type StoredInvoice,
  type StoredMember,
} from '../../actors/ports/decisionStore.ts';
import type { FailResult } from '../../domain/failResult.ts';
import type { NodeId, PaymentHash, SetId } from '../../domain/hash.ts';
import { compareHtlcKeys, type HtlcKey } from '../../domain/htlcKey.ts';
import { byteaArray, fromInt64 } from './sqlTypes.ts';

/** Runs one query and gives its rows as arrays. */
export type Read = (text: string, values?: readonly unknown[]) => Promise<readonly (readonly unknown[])[]>;

/** Unix milliseconds as a double: exact, and much cheaper than the numeric that extract() gives. */
const MS = (column: string) => `round(date_part('epoch', ${column}) * 1000)`;
const INVOICE = `encode(i.hash, 'hex'), i.preimage, encode(i.set_id, 'hex'), i.amount_msat, i.status::text,
  i.released_at IS NOT NULL OR i.set_id IS NULL, i.cause, i.settled_msat, i.sequence_num,
  ${MS('i.settle_requested_at')}, ${MS('i.finalized_at')}`;
const MEMBER = `encode(h.node, 'hex'), h.chan_id, h.htlc_id, h.amount_msat, h.auto_fail_height, h.status::text,
  h.fee_msat, h.cltv_expiry`;
const INVOICE_COLUMNS = 11;
const EVENT = `seq, ${MS('at')} AS at_ms, epoch, encode(hash, 'hex') AS hash_hex, encode(set_id, 'hex') AS set_id_hex,
  machine, from_state, event, to_state, details`;
const QUERY_COLUMNS = Array.from({ length: INVOICE_COLUMNS + 8 }, (_, i) => `c${i}`).join(', ');

/**
 * What is not final. There is no index for it on purpose: one on the status would fill with dead entries and slow
 * every payment down. A parallel scan finds 100,000 among a million finished ones in about half a second.
 */
export async function readRecovery(read: Read, epoch: bigint): Promise<Recovery> {
  const invoices = await readFenced(
    read,
    `SELECT ${INVOICE}, ${MEMBER}
    FROM lnmux.invoices i LEFT JOIN lnmux.htlcs h ON h.hash = i.hash WHERE i.status = 'SETTLE_REQUESTED'`,
    [],
    epoch,
  );
  // Failures need no fence: they are never taken back, whoever leads.
  const fails =
    await read(`SELECT encode(node, 'hex'), chan_id, htlc_id, encode(hash, 'hex'), encode(set_id, 'hex'),
    reason, failure_onion, auto_fail_height FROM lnmux.failed_htlcs`);
  const height = await read('SELECT height FROM lnmux.high_water WHERE id = 1');
  return { invoices: groupInvoices(invoices), fails: fails.map(failOf), height: height[0]![0] as number };
}

export async function readByHash(
  read: Read,
  hashes: readonly PaymentHash[],
  epoch: bigint | undefined,
): Promise<readonly StoredInvoice[]> {
  if (hashes.length === 0) return [];
  const query = `SELECT ${INVOICE}, ${MEMBER} FROM lnmux.invoices i LEFT JOIN lnmux.htlcs h ON h.hash = i.hash
      WHERE i.hash = ANY($1::bytea[])`;
  const values = [byteaArray(hashes)];
  return groupInvoices(
    await (epoch === undefined ? read(query, values) : readFenced(read, query, values, epoch)),
  );
}

/**
 * The rows of a query, if its snapshot is one in which `epoch` leads. What it shows as released then was released by
 * this leader or an earlier one, and nobody can abort it any more.
 */
async function readFenced(
  read: Read,
  query: string,
  values: readonly unknown[],
  epoch: bigint,
): Promise<readonly (readonly unknown[])[]> {
  const rows = await read(
    `SELECT q.*, l.epoch = $${values.length + 1}::bigint FROM lnmux.leader l LEFT JOIN (
      SELECT x.* FROM (${query}) x(${QUERY_COLUMNS})) q ON true WHERE l.id = 1`,
    [...values, epoch],
  );
  if (rows.length === 0 || rows[0]!.at(-1) !== true) throw new FencedRead();
  return rows.filter((row) => row[0] !== null);
}

/** Payment hashes of all rows after a sequence number, a page of them. */
export async function readHashes(
  read: Read,
  after: bigint,
  max: number,
): Promise<{ readonly hashes: readonly PaymentHash[]; readonly last: bigint }> {
  const rows = await read(
    `SELECT encode(hash, 'hex'), sequence_num FROM lnmux.invoices WHERE sequence_num > $1::bigint
      ORDER BY sequence_num LIMIT $2`,
    [after, max],
  );
  return {
    hashes: rows.map(([hash]) => hash as PaymentHash),
    last: BigInt((rows.at(-1)?.[1] as number) ?? after),
  };
}

/** At most `max` invoices from `sequenceStart` on (included), in the order of their sequence numbers. */
export async function readList(
  read: Read,
  sequenceStart: bigint,
  max: number,
): Promise<readonly StoredInvoice[]> {
  const rows = await read(
    `SELECT ${INVOICE}, ${MEMBER}
      FROM (SELECT * FROM lnmux.invoices WHERE sequence_num >= $1::bigint ORDER BY sequence_num LIMIT $2) i
      LEFT JOIN lnmux.htlcs h ON h.hash = i.hash ORDER BY i.sequence_num`,
    [sequenceStart, max],
  );
  return groupInvoices(rows);
}

/** All events of a hash, or the newest of them, in their order. */
export async function readEvents(
  read: Read,
  hash: PaymentHash,
  newest: number | undefined,
): Promise<readonly StoredEvent[]> {
  const rows = await read(
    `SELECT ${EVENT} FROM lnmux.events WHERE hash = $1::bytea ORDER BY seq DESC LIMIT $2`,
    [`\\x${hash}`, newest ?? null],
  );
  return rows.map(eventOf).reverse();
}

/**
 * Numbers have no gaps and follow the order of commits, so that nothing can appear before what was read. Whether
 * something was deleted is seen in the same snapshot, and in one row where there are no lines.
 */
export async function readEventsAfter(
  read: Read,
  sequence: bigint,
  max: number,
): Promise<readonly StoredEvent[]> {
  const rows = await read(
    `SELECT e.*, r.deleted FROM lnmux.event_retention r LEFT JOIN LATERAL (
      SELECT ${EVENT} FROM lnmux.events WHERE seq > $1::bigint ORDER BY seq LIMIT $2) e ON true
    WHERE r.id = 1 ORDER BY e.seq`,
    [sequence, max],
  );
  const deleted = rows[0]!.at(-1) as bigint;
  if (deleted > sequence) throw new EventsDeleted(deleted);
  return rows.filter((row) => row[0] !== null).map(eventOf);
}

export async function readLastEvent(read: Read): Promise<bigint> {
  const rows = await read('SELECT last FROM lnmux.event_counter WHERE id = 1');
  return rows[0]![0] as bigint;
}

/** Joined rows, one per member, become invoices in the order in which they first appear. */
function groupInvoices(rows: readonly (readonly unknown[])[]): StoredInvoice[] {
  const members = new Map<unknown, StoredMember[]>();
  const invoices: StoredInvoice[] = [];
  for (const row of rows) {
    const found = members.get(row[0]);
    const list = found ?? [];
    if (!found) {
      members.set(row[0], list);
      invoices.push(invoiceOf(row, list));
    }
    if (row[INVOICE_COLUMNS] !== null) list.push(memberOf(row));
  }
  for (const list of members.values()) {
    if (list.length > 1) list.sort((a, b) => compareHtlcKeys(a.key, b.key));
  }
  return invoices;
}

function invoiceOf(row: readonly unknown[], members: readonly StoredMember[]): StoredInvoice {
  const ms = (value: unknown) => (value ?? undefined) as number | undefined;
  return {
    paymentHash: row[0] as PaymentHash,
    preimage: copyOf(row[1]),
    setId: (row[2] ?? undefined) as SetId | undefined,
    amountMsat: row[3] as bigint,
    status: row[4] as StoredInvoice['status'],
    released: row[5] as boolean,
    cause: (row[6] ?? undefined) as string | undefined,
    settledMsat: (row[7] ?? undefined) as bigint | undefined,
    sequenceNumber: BigInt(row[8] as number),
    settleRequestedAt: ms(row[9]),
    finalizedAt: ms(row[10]),
    members,
  };
}

function memberOf(row: readonly unknown[]): StoredMember {
  return {
    key: keyOf(row, INVOICE_COLUMNS),
    amountMsat: row[INVOICE_COLUMNS + 3] as bigint,
    autoFailHeight: (row[INVOICE_COLUMNS + 4] ?? undefined) as number | undefined,
    status: row[INVOICE_COLUMNS + 5] as StoredMember['status'],
    feeMsat: (row[INVOICE_COLUMNS + 6] ?? undefined) as bigint | undefined,
    cltvExpiry: row[INVOICE_COLUMNS + 7] === null ? undefined : Number(row[INVOICE_COLUMNS + 7]),
  };
}

function failOf(row: readonly unknown[]): StoredFail {
  return {
    key: keyOf(row, 0),
    paymentHash: row[3] as PaymentHash,
    setId: row[4] as SetId,
    reason: row[5] as FailResult,
    failureOnion: copyOf(row[6]),
    autoFailHeight: row[7] as number,
  };
}

function eventOf(row: readonly unknown[]): StoredEvent {
  const details = row[9] as StoredEvent['details'] | null;
  return {
    sequence: row[0] as bigint,
    at: row[1] as number,
    epoch: row[2] as bigint,
    paymentHash: (row[3] ?? undefined) as PaymentHash | undefined,
    setId: (row[4] ?? undefined) as SetId | undefined,
    machine: row[5] as StoredEvent['machine'],
    from: row[6] as string,
    event: row[7] as string,
    to: row[8] as string,
    ...(details ? { details } : {}),
  };
}

function keyOf(row: readonly unknown[], start: number): HtlcKey {
  return {
    nodeId: row[start] as NodeId,
    chanId: fromInt64(row[start + 1] as bigint),
    htlcId: fromInt64(row[start + 2] as bigint),
  };
}

/** Small buffers of the driver are slices of a shared slab: a slice that is kept would keep all of it. */
function copyOf(bytes: unknown): Uint8Array {
  return new Uint8Array(bytes as Buffer);
}
