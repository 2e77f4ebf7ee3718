import type pg from 'pg';

type Client = Pick<pg.Client, 'query'>;

/** Why a step must not be taken now, with what to do about it; undefined when it may. */
export type Guard = (client: Client) => Promise<string | undefined>;

/** The version from which on a database remembers what the Go program doesn't know of. */
const FIRST_OF_OURS = 5;

/** HTLCs of version 1 do not say which node has them; the operator has to. */
export function nodeIsNamed(node: string | undefined): Guard {
  return async (client) => {
    if (node !== undefined) return undefined;
    const { rows } = await client.query('SELECT count(*)::int AS count FROM lnmux.htlcs');
    const { count } = rows[0] as { count: number };
    if (count === 0) return undefined;
    return (
      `the database is from before lnmux had several nodes, and its ${count} HTLCs do not say which node has them: ` +
      'name it, "lnmuxd migrate up --node PUBKEY" (66 hex digits)'
    );
  };
}

/**
 * Before going back: nobody may be at work, and nothing may be open that a schema without our tables can't express.
 * A set whose release still waits would count as released, a failed HTLC that comes back would be taken anew.
 */
export function nothingIsOpen(version: number): Guard {
  return async (client) => {
    if (version < FIRST_OF_OURS) return undefined;
    const { rows: leaders } =
      version > FIRST_OF_OURS
        ? await client.query('SELECT owner FROM lnmux.leader WHERE expires_at > clock_timestamp()')
        : { rows: [] };
    if (leaders.length > 0) return 'an lnmuxd is running on this database: stop it first';
    const { rows } = await client.query(`SELECT
      (SELECT count(*) FROM lnmux.failed_htlcs)::int AS failed,
      (SELECT count(*) FROM lnmux.invoices
        WHERE status = 'SETTLE_REQUESTED' AND set_id IS NOT NULL AND released_at IS NULL)::int AS waiting`);
    const { failed, waiting } = rows[0] as { failed: number; waiting: number };
    if (failed === 0 && waiting === 0) return undefined;
    const parts = [
      failed > 0 ? `${failed} failed HTLCs that their nodes may still offer` : undefined,
      waiting > 0 ? `${waiting} settlements that wait for a node` : undefined,
    ].filter((part) => part !== undefined);
    return (
      `it would forget ${parts.join(' and ')}: run lnmuxd until they are final ` +
      '(docs/migrating-from-go.md, "Back to the Go program")'
    );
  };
}
