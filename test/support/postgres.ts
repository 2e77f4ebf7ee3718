import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { clientConfig, type PostgresTarget, parseDsn } from '../../src/adapters/postgres/dsn.ts';

/** A database of a test's own on the server of this run. */
export interface TestDatabase {
  readonly dsn: string;
  readonly target: PostgresTarget;
  /** Runs SQL beside the store under test. */
  query(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** Disconnects everybody and drops it. */
  drop(): Promise<void>;
}

/**
 * Makes a database with the current schema, cloned from a template (about 50 ms); `empty: true` gives one without
 * any schema. The server is started by the first caller of the run (about 1.5 s).
 */
export async function createTestDatabase(options: { readonly empty?: boolean } = {}): Promise<TestDatabase> {
  const response = await fetch(inject('postgresDoor'));
  const text = await response.text();
  if (!response.ok) throw new Error(`the test database server did not start: ${text}`);
  const name = `test_${randomBytes(8).toString('hex')}`;
  const dsn = text.replace('/lnmux?', `/${name}?`);
  const target = parseDsn(dsn);
  const template = options.empty ? 'template0' : 'lnmux_template';
  await asAdministrator(target, `CREATE DATABASE ${name} TEMPLATE ${template}`);
  const pool = new pg.Pool({ ...clientConfig(target, 'test'), max: 2 });
  pool.on('error', () => {});
  return {
    dsn,
    target,
    async query(sql, values = []) {
      const result = await pool.query(sql, values);
      return result.rows;
    },
    async drop() {
      await pool.end();
      await asAdministrator(target, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function asAdministrator(target: PostgresTarget, sql: string): Promise<void> {
  const client = new pg.Client(clientConfig({ ...target, database: 'postgres' }, 'test administrator'));
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
