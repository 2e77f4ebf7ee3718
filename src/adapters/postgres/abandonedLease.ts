import pg from 'pg';
import { clientConfig, type PostgresTarget } from './dsn.ts';

/**
 * Ends the lease that a killed leader has left behind. Only for a server that this process has just started for
 * itself alone: nobody who led on it before can reach it any more, so waiting for the lease to run out would be for
 * nothing. Safety does not hang on it: the next leader raises the epoch as ever.
 */
export async function endAbandonedLease(target: PostgresTarget): Promise<void> {
  const client = new pg.Client(clientConfig(target, 'lnmux start'));
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`UPDATE lnmux.leader SET expires_at = '-infinity' WHERE id = 1`);
  } finally {
    await client.end();
  }
}
