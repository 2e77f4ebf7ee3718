import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClusterNode } from '../e2e/cluster.ts';
import { Daemon, killDaemons, writeConfig } from '../e2e/daemon.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';

const ROOT = join(import.meta.dirname, '../..');

/** What the Dockerfile copies, and the packages that `npm ci --omit=dev --omit=optional` would leave. */
const FOLDERS = ['bin', 'src', 'migrations', 'package.json'];

const dir = mkdtempSync(join(tmpdir(), 'lnmux-production-'));
const alice = new ClusterNode('alice', dir, 1);
let database: TestDatabase;

beforeAll(async () => {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean; devOptional?: boolean }>;
  };
  for (const folder of FOLDERS) cpSync(join(ROOT, folder), join(dir, 'app', folder), { recursive: true });
  for (const [path, { dev, optional, devOptional }] of Object.entries(packages)) {
    // A package inside of another one comes with it.
    if (path === '' || dev || optional || devOptional || path.lastIndexOf('node_modules/') > 0) continue;
    mkdirSync(dirname(join(dir, 'app', path)), { recursive: true });
    symlinkSync(join(ROOT, path), join(dir, 'app', path));
  }
  [database] = await Promise.all([createTestDatabase(), alice.start()]);
});

afterAll(async () => {
  killDaemons();
  await alice.close();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

it('with the dependencies of the image alone, lnmuxd migrates, serves and ends', async () => {
  const config = writeConfig(dir, { nodes: [alice.config], dsn: database.dsn });
  // Links keep their own place, so that nothing is found in the folder that they lead to.
  const env = { NODE_OPTIONS: '--preserve-symlinks --preserve-symlinks-main' };
  const program = join(dir, 'app/bin/lnmuxd.js');
  const migrated = spawnSync(process.execPath, [program, '-c', config, 'migrate', 'up'], {
    env: { ...process.env, ...env },
    encoding: 'utf8',
  });
  expect(migrated.stderr).toBe('');
  expect(migrated.stdout).toMatch(/^version is \d+\n$/);
  const daemon = new Daemon(['-c', config, 'run'], env, program);
  await daemon.line('Node ready');
  expect(await daemon.stop()).toEqual({ code: 0, signal: null });
});
