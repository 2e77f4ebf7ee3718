import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../cli/harness.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { Daemon, E2E_IDENTITY_KEY, killDaemons, writeConfig } from './daemon.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-secure-'));
chmodSync(dir, 0o755);
const auth = (...args: string[]) => run('lnmuxd', ['auth', ...args], { cwd: dir });
let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(async () => {
  killDaemons();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

it('serves beyond this machine with TLS and callers, in plaintext not, and no secret is in its output', async () => {
  const open = join(dir, 'open');
  mkdirSync(open);
  const plain = writeConfig(open, { dsn: database.dsn, listenAddress: '0.0.0.0:0' });
  const refused = new Daemon(['-c', plain, 'run']);
  expect(await refused.exited).toEqual({ code: 1, signal: null });
  expect(refused.output).toMatch(
    /listenAddress: this address can be reached .*lnmuxd auth.*api\.allowPlaintext: true/,
  );

  await auth('ca');
  await auth('server', '--host', '127.0.0.1');
  const token = (await auth('token', '--name', 'shop', '--role', 'invoices')).stdout.trim();
  const config = writeConfig(dir, {
    dsn: database.dsn,
    listenAddress: '0.0.0.0:0',
    more: [
      'api:',
      '  tlsCertPath: auth/server.crt',
      '  tlsKeyPath: auth/server.key',
      '  accessPath: auth/access',
    ],
  });
  const daemon = new Daemon(['-c', config, 'run']);
  const port = (await daemon.address()).split(':').at(-1);
  const where = ['--rpcserver', `127.0.0.1:${port}`, '--tls-cert', join(dir, 'auth', 'ca.crt')];
  const cli = (args: string[], secret: string) =>
    run('lnmuxcli', [...where, ...args], { env: { LNMUX_TOKEN: secret } });
  const wrong = `lnmux_${'W'.repeat(43)}`;
  const [added, denied, unknown] = await Promise.all([
    cli(['addinvoice', '--amt_msat', '1000', '--show_preimage'], token),
    cli(['settleinvoice', '11'.repeat(32), '22'.repeat(32)], token),
    cli(['getinfo'], wrong),
  ]);
  expect(JSON.parse(added.stdout)).toMatchObject({ preimage: '' });
  expect(denied.stderr).toContain('PERMISSION_DENIED: shop has not the role "settle"');
  expect(unknown.stderr).toContain('UNAUTHENTICATED: this token is not known here');
  const plaintext = await run('lnmuxcli', ['--rpcserver', `127.0.0.1:${port}`, 'getinfo']);
  expect(plaintext.code).toBe(3);
  await daemon.line('Call refused', ({ caller }) => caller === 'shop');
  await daemon.stop();

  const key = readFileSync(join(dir, 'auth', 'server.key'), 'utf8').split('\n')[1] as string;
  const hash =
    readFileSync(join(dir, 'auth', 'access'), 'utf8')
      .split('token:')[1]
      ?.trim() ?? '';
  for (const secret of [
    token.slice(6, 30),
    wrong.slice(6, 30),
    key.slice(0, 24),
    hash.slice(0, 24),
    E2E_IDENTITY_KEY,
  ]) {
    expect(secret).not.toBe('');
    expect(daemon.output).not.toContain(secret);
  }
});
