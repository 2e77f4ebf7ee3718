import type pg from 'pg';
import { currentVersion } from './migrate.ts';
import { readMigrations } from './migrationFiles.ts';

/** The server is set so that an acknowledged commit could be lost, or can't be written to. */
export class DatabaseSettingsError extends Error {
  override readonly name = 'DatabaseSettingsError';
}

/** The schema is not the one that this program works with; the message names the command that mends it. */
export class SchemaVersionError extends Error {
  override readonly name = 'SchemaVersionError';
  readonly found: number;
  readonly wanted: number;

  constructor(found: number, wanted: number) {
    super(
      found < wanted
        ? `the database schema is at version ${found}, this program needs ${wanted}: run "lnmuxd migrate up"`
        : `the database schema is at version ${found}, newer than the ${wanted} of this program: run a newer lnmuxd, or "lnmuxd migrate down" of that one`,
    );
    this.found = found;
    this.wanted = wanted;
  }
}

const OLDEST_SERVER = 14;

/**
 * Refuses a database on which decisions would not be durable.
 *
 * @throws DatabaseSettingsError, SchemaVersionError
 */
export async function checkDatabase(client: Pick<pg.Client, 'query'>): Promise<void> {
  const { rows } = await client.query(`SELECT pg_is_in_recovery() AS standby,
    current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_page_writes,
    current_setting('synchronous_commit') AS synchronous_commit,
    current_setting('default_transaction_read_only') AS read_only`);
  const found = rows[0];
  const faults: string[] = [];
  if (found.version < OLDEST_SERVER * 10_000) {
    faults.push(`the server is older than PostgreSQL ${OLDEST_SERVER}`);
  }
  if (found.standby) faults.push('the server is a standby: connect to the primary');
  if (found.read_only !== 'off') faults.push('default_transaction_read_only is on');
  for (const name of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    if (found[name] === 'off') faults.push(`${name} is off: acknowledged payments could be lost`);
  }
  if (faults.length > 0) throw new DatabaseSettingsError(faults.join('; '));
  const [version, steps] = [await currentVersion(client), await readMigrations()];
  if (version !== steps.length) throw new SchemaVersionError(version, steps.length);
}
