import type pg from 'pg';

/** Quoted names of the enum types of the status columns, `"schema"."type"`. */
export interface StatusTypes {
  readonly invoice: string;
  readonly htlc: string;
}

/** Looks the types up: the Go program's migrations put them into lnmux or public, as it happened. */
export async function readStatusTypes(client: Pick<pg.Client, 'query'>): Promise<StatusTypes> {
  const { rows } = await client.query(`
    SELECT a.attrelid = 'lnmux.invoices'::regclass AS invoice, format('%I.%I', n.nspname, t.typname) AS name
    FROM pg_attribute a
    JOIN pg_type t ON t.oid = a.atttypid
    JOIN pg_namespace n ON n.oid = t.typnamespace
    WHERE a.attrelid IN ('lnmux.invoices'::regclass, 'lnmux.htlcs'::regclass) AND a.attname = 'status'`);
  const nameOf = (invoice: boolean): string => rows.find((row) => row.invoice === invoice).name;
  return { invoice: nameOf(true), htlc: nameOf(false) };
}
