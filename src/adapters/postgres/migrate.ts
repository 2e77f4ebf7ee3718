import pg from 'pg';
import { clientConfig, type PostgresTarget } from './dsn.ts';
import { type MigrationStep, readMigrations } from './migrationFiles.ts';
import { type Guard, nodeIsNamed, nothingIsOpen } from './migrationGuards.ts';
import { describeSqlError } from './sqlErrors.ts';

/** Versions before and after. */
export interface MigrationResult {
  readonly from: number;
  readonly to: number;
}

export interface UpOptions {
  /** Public key of the node of a database of version 1, as hex digits. Later versions know it of each HTLC. */
  readonly node?: string | undefined;
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

  /** The current version; 0 when the version table is empty. */
  async version(): Promise<number> {
    return this.#initialised(currentVersion);
  }

  /** Applies what is missing up to `target` (by default, all). Makes schema and version table where they are missing. */
  async up(target?: number, { node }: UpOptions = {}): Promise<MigrationResult> {
    const steps = await readMigrations();
    if (target !== undefined && (target < 0 || target > steps.length)) {
      throw new MigrationError(`there is no version ${target}: this program knows 1 to ${steps.length}`);
    }
    return this.#connected(async (client) => {
      await initialise(client);
      return walk(client, (version) => {
        const step = version < (target ?? steps.length) ? steps[version] : undefined;
        if (!step) return undefined;
        const move = { label: label(step, 'up'), sql: step.up, to: step.version };
        return step.version === NODE_VERSION ? { ...move, node, guard: nodeIsNamed(node) } : move;
      });
    });
  }

  /** Takes the last step back. What only its tables and columns know is lost. */
  async down(): Promise<MigrationResult> {
    return this.#back((version, from) => version === from, nothingIsOpen);
  }

  /** Takes every step back. All data is lost. */
  async reset(): Promise<MigrationResult> {
    return this.#back(
      () => true,
      () => undefined,
    );
  }

  /** Records a version without running anything: to repair a history by hand. */
  async setVersion(version: number): Promise<MigrationResult> {
    return this.#initialised(async (client) => {
      let done = false;
      return walk(client, () => {
        if (done) return undefined;
        done = true;
        return { label: `version ${version}`, sql: '', to: version };
      });
    });
  }

  async #back(
    more: (version: number, from: number) => boolean,
    guardOf: (version: number) => Guard | undefined,
  ): Promise<MigrationResult> {
    const steps = await readMigrations();
    return this.#initialised(async (client) => {
      const from = await currentVersion(client);
      if (from > steps.length) {
        throw new MigrationError(
          `the database is at version ${from}, this program knows 1 to ${steps.length}: go back with the one that knows it`,
        );
      }
      return walk(client, (version) => {
        const step = more(version, from) ? steps[version - 1] : undefined;
        const guard = guardOf(version);
        return step && { label: label(step, 'down'), sql: step.down, to: version - 1, guard };
      });
    });
  }

  /** As the Go program: everything but `init` and, here, `up` wants the version table to be there. */
  async #initialised<T>(work: (client: Client) => Promise<T>): Promise<T> {
    return this.#connected(async (client) => {
      if (await hasVersionTable(client)) return work(client);
      throw new MigrationError('table "lnmux.migrations" does not exist; did you run init?');
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
  /** Looked at under the lock. */
  readonly guard?: Guard | undefined;
  /** What the SQL finds in the setting lnmux.node. */
  readonly node?: string | undefined;
}

/** The version that gives each HTLC its node. */
const NODE_VERSION = 2;

/** Nothing went wrong: the step is not to be taken. */
class Objection extends Error {}

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
      const objection = await move.guard?.(client);
      if (objection !== undefined) throw new Objection(objection);
      if (move.node !== undefined)
        await client.query("SELECT set_config('lnmux.node', $1, true)", [move.node]);
      if (move.sql) await client.query(move.sql);
      await client.query('INSERT INTO lnmux.migrations (version, created_at) VALUES ($1, now())', [move.to]);
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK').catch(() => {});
      if (error instanceof Objection) throw new MigrationError(error.message);
      throw new MigrationError(`${move?.label ?? 'migration lock'}: ${describeSqlError(error)}`);
    }
  }
}

async function initialise(client: Client): Promise<void> {
  await client.query(`CREATE SCHEMA IF NOT EXISTS lnmux;
    CREATE TABLE IF NOT EXISTS lnmux.migrations (id serial, version bigint, created_at timestamptz)`);
}

async function hasVersionTable(client: Client): Promise<boolean> {
  const { rows } = await client.query("SELECT to_regclass('lnmux.migrations') IS NOT NULL AS present");
  return rows[0].present;
}

/** The newest recorded version, 0 when there is none. Also used by the check at start. */
export async function currentVersion(client: Client): Promise<number> {
  if (!(await hasVersionTable(client))) return 0;
  const { rows } = await client.query('SELECT version FROM lnmux.migrations ORDER BY id DESC LIMIT 1');
  return Number(rows[0]?.version ?? 0);
}

function label(step: MigrationStep, direction: 'up' | 'down'): string {
  return `migration ${step.version} (${step.name}) ${direction}`;
}
