import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { readMigrations } from '../../src/adapters/postgres/migrationFiles.ts';
import { run } from '../cli/harness.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { writeConfig } from './daemon.ts';

const LATEST = (await readMigrations()).length;

it('lnmuxd migrate says what the Go program said, with exit codes', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-migrate-'));
  const database = await createTestDatabase({ empty: true });
  onTestFinished(async () => {
    rmSync(dir, { recursive: true });
    await database.drop();
  });
  const config = writeConfig(dir, { dsn: database.dsn });
  const ahead = `the database is at version 99, this program knows 1 to ${LATEST}: go back with the one that knows it`;
  const steps: readonly (readonly [string, number, string])[] = [
    ['version', 1, 'lnmuxd migrate: table "lnmux.migrations" does not exist; did you run init?'],
    ['init', 0, 'version is 0'],
    ['up 3', 0, 'migrated from version 0 to 3'],
    ['up', 0, `migrated from version 3 to ${LATEST}`],
    ['set_version 99', 0, `migrated from version ${LATEST} to 99`],
    ['reset', 1, `lnmuxd migrate: ${ahead}`],
  ];
  for (const [action, code, says] of steps) {
    const done = await run('lnmuxd', ['-c', config, 'migrate', ...action.split(' ')]);
    const text = { stdout: code === 0 ? `${says}\n` : '', stderr: code === 0 ? '' : `${says}\n` };
    expect({ action, ...done }).toEqual({ action, signal: null, code, ...text });
  }
});
