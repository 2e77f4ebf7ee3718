import type { LeadershipStore } from '../../actors/ports/decisionStore.ts';
import type { Read } from './reads.ts';

type Acquired = Awaited<ReturnType<LeadershipStore['acquire']>>;

/**
 * Leadership by the leader row. Expiry goes by the database's clock alone. Raising the epoch waits for statements
 * that are under way with the old one (they hold the row FOR SHARE) and fences all later ones. Rejects when the
 * database can't be reached or the outcome is open; the lease of an open success ends by itself.
 */
export function leadershipStore(write: Read): LeadershipStore {
  return {
    async acquire(owner, leaseMs): Promise<Acquired> {
      for (let attempt = 0; ; attempt++) {
        const won = await write(
          `UPDATE lnmux.leader SET epoch = epoch + 1, owner = $1,
            expires_at = clock_timestamp() + $2::float8 * interval '1 ms'
          WHERE id = 1 AND expires_at <= clock_timestamp() RETURNING epoch`,
          [owner, leaseMs],
        );
        if (won[0]) return { acquired: true, epoch: won[0][0] as bigint };
        const held = await write(
          `SELECT owner, CASE WHEN expires_at <= clock_timestamp() THEN 0
            ELSE ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000)::float8 END
          FROM lnmux.leader WHERE id = 1`,
        );
        const [holder, remainingMs] = held[0]! as [string, number];
        // It expired between the two looks: try once more before sending the caller away.
        if (remainingMs > 0 || attempt > 0) return { acquired: false, owner: holder, remainingMs };
      }
    },
    async renew(epoch, leaseMs) {
      const rows = await write(
        `UPDATE lnmux.leader SET expires_at = clock_timestamp() + $2::float8 * interval '1 ms'
        WHERE id = 1 AND epoch = $1 RETURNING epoch`,
        [epoch, leaseMs],
      );
      return rows.length > 0;
    },
    async release(epoch) {
      await write(`UPDATE lnmux.leader SET expires_at = '-infinity' WHERE id = 1 AND epoch = $1`, [epoch]);
    },
  };
}
