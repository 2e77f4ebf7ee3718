import pg from 'pg';
import { clientConfig, type PostgresTarget } from './dsn.ts';
import { type MigrationStep, readMigrations } from './migrationFiles.ts';
import { describeSqlError } from './sqlErrors.ts';

/** Versions before and after. */
export interface MigrationResult {
  readonly from: number;
  readonly to: number;
}

/** A step could not be applied; everything of it was rolled back, the steps before it stay. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError';
}

type Client = Pick<pg.Client, 'query'>;

/**
 * Brings the schema to a version. The version table is the Go program's (`lnmux.migrations`): append-only, no
 * primary key, and the current version is that of the row with the highest id. Each step is one transaction
 * together with its version row, under a lock that lets one migrator at a time through.
 */
export class Migrator {
  readonly #target: PostgresTarget;

  constructor(target: PostgresTarget) {
    this.#target = target;
  }

  /** Makes schema and version table where they are missing. */
  async init(): Promise<MigrationResult> {
    return this.#connected(async (client) => {
      await initialise(client);
      const version = await currentVersion(client);
      return { from: version, to: version };
    });
  }

  /** The current version; 0 when there is no version table, or no row in it. */
  async version(): Promise<number> {
    return this.#connected(currentVersion);
  }

  /** Applies what is missing up to `target` (by default, all). */
  async up(target?: number): Promise<MigrationResult> {
    const steps = await readMigrations();
    if (target !== undefined && (target < 0 || target > steps.length)) {
      throw new MigrationError(`there is no version ${target}: this program knows 1 to ${steps.length}`);
    }
    return this.#connected(async (client) => {
      await initialise(client);
      return walk(client, (version) => {
        const step = version < (target ?? steps.length) ? steps[version] : undefined;
        return step && { label: label(step, 'up'), sql: step.up, to: step.version };
      });
    });
  }

  /** Takes the last step back. What only its tables and columns know is lost. */
  async down(): Promise<MigrationResult> {
    return this.#back((version, from) => version === from);
  }

  /** Takes every step back. All data is lost. */
  async reset(): Promise<MigrationResult> {
    return this.#back(() => true);
  }

  /** Records a version without running anything: to repair a history by hand. */
  async setVersion(version: number): Promise<MigrationResult> {
    return this.#connected(async (client) => {
      await initialise(client);
      let done = false;
      return walk(client, () => {
        if (done) return undefined;
        done = true;
        return { label: `version ${version}`, sql: '', to: version };
      });
    });
  }

  async #back(more: (version: number, from: number) => boolean): Promise<MigrationResult> {
    const steps = await readMigrations();
    return this.#connected(async (client) => {
      await initialise(client);
      const from = await currentVersion(client);
      return walk(client, (version) => {
        const step = more(version, from) ? steps[version - 1] : undefined;
        return step && { label: label(step, 'down'), sql: step.down, to: version - 1 };
      });
    });
  }

  async #connected<T>(work: (client: Client) => Promise<T>): Promise<T> {
    const client = new pg.Client(clientConfig(this.#target, 'lnmux migrate'));
    client.on('error', () => {});
    try {
      await client.connect();
      return await work(client);
    } catch (error) {
      throw error instanceof MigrationError ? error : new MigrationError(describeSqlError(error));
    } finally {
      await client.end().catch(() => {});
    }
  }
}

interface Move {
  readonly label: string;
  readonly sql: string;
  readonly to: number;
}

/** Takes moves, one transaction each, until there is none. Which one comes next is decided under the lock. */
async function walk(client: Client, next: (version: number) => Move | undefined): Promise<MigrationResult> {
  let from: number | undefined;
  for (;;) {
    await client.query('BEGIN');
    let move: Move | undefined;
    try {
      await client.query('LOCK TABLE lnmux.migrations IN EXCLUSIVE MODE');
      const version = await currentVersion(client);
      from ??= version;
      move = next(version);
      if (!move) {
        await client.query('ROLLBACK');
        return { from, to: version };
      }
      if (move.sql) await client.query(move.sql);
      await client.query('INSERT INTO lnmux.migrations (version, created_at) VALUES ($1, now())', [move.to]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      throw new MigrationError(`${move?.label ?? 'migration lock'}: ${describeSqlError(error)}`);
    }
  }
}

async function initialise(client: Client): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS lnmux;
    CREATE TABLE IF NOT EXISTS lnmux.migrations (id serial, version bigint, created_at timestamptz)`);
}

/** The newest recorded version, 0 when there is none. Also used by the check at start. */
export async function currentVersion(client: Client): Promise<number> {
  const found = await client.query("SELECT to_regclass('lnmux.migrations') IS NOT NULL AS present");
  if (!found.rows[0].present) return 0;
  const { rows } = await client.query('SELECT version FROM lnmux.migrations ORDER BY id DESC LIMIT 1');
  return Number(rows[0]?.version ?? 0);
}

function label(step: MigrationStep, direction: 'up' | 'down'): string {
  return `migration ${step.version} (${step.name}) ${direction}`;
}
