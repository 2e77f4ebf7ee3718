import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { eventually } from '../grpc/harness.ts';
import { oldNode, ROOT, run, start } from './harness.ts';

const folder = mkdtempSync(join(tmpdir(), 'lnmux-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const CANARY = '81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9';
const PASSWORD = 'correcthorsebatterystaple';
const GOOD = `lnd:
  network: regtest
  nodes: []
db:
  dsn: postgres://u:${PASSWORD}@localhost/lnmux
identityKey: ${CANARY}
`;

function file(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text, { mode: 0o600 });
  return path;
}

describe('lnmuxd, as a process', () => {
  it('config check of a right file gives 0', async () => {
    const path = file('good.yml', GOOD);
    const done = await run('lnmuxd', ['-c', path, 'config', 'check']);
    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(new RegExp(`\n${path} is right: regtest, 0 lnd nodes, PostgreSQL by dsn\n$`));
    expect(done.stdout).toContain('        5    dsn: postgres://u:***@localhost/lnmux\n');
    expect(done.stdout).toContain('  default  autoSettle: false\n');
  });

  it('config check of a wrong file gives 1 and every problem on a line, without secrets', async () => {
    const wrong = `${GOOD.replace('network: regtest', 'network: moon').replace('identityKey: ', 'identityKey: ff')}foo: 1\n`;
    const path = file('wrong.yml', wrong);
    const done = await run('lnmuxd', ['--config', path, 'config', 'check']);
    expect(done.code).toBe(1);
    const lines = done.stderr.trim().split('\n');
    expect(lines).toEqual([
      expect.stringMatching(/wrong.yml:2: lnd.network: unsupported network "moon"; write mainnet/),
      expect.stringMatching(/wrong.yml:6: identityKey: invalid identity key length: 66 characters/),
      expect.stringMatching(/wrong.yml:7: foo: unknown key; remove it/),
    ]);
    expect(done.stdout + done.stderr).not.toContain(CANARY.slice(0, 16));
    expect(done.stdout + done.stderr).not.toContain(PASSWORD);
  });

  it('--non-strict-config only warns of unknown keys', async () => {
    const path = file('extra.yml', `${GOOD}foo: 1\n`);
    const done = await run('lnmuxd', ['-c', path, '--non-strict-config', 'config', 'check']);
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('        7  foo: …\n  warning  ^ unknown key, ignored');
    expect(done.stderr).toMatch(/^warning: .*extra.yml:7: foo: unknown key, ignored/);
  });

  it('takes secrets from the environment', async () => {
    const path = file('bare.yml', GOOD.replace(/identityKey.*\n/, ''));
    expect((await run('lnmuxd', ['-c', path, 'config', 'check'])).code).toBe(1);
    const env = { LNMUX_IDENTITY_KEY: CANARY };
    const byVariable = await run('lnmuxd', ['-c', path, 'config', 'check'], { env });
    expect(byVariable.code).toBe(0);
    expect(byVariable.stdout).toMatch(/^ {6}env {2}identityKey: <hidden> {3}# from LNMUX_IDENTITY_KEY/m);
    const byFile = { LNMUX_IDENTITY_KEY_FILE: file('key', `${CANARY}\n`) };
    expect((await run('lnmuxd', ['-c', path, 'config', 'check'], { env: byFile })).code).toBe(0);
  });

  it('gives 2 and one line for wrong arguments', async () => {
    expect(await run('lnmuxd', ['rnu'])).toEqual({
      code: 2,
      signal: null,
      stdout: '',
      stderr: 'lnmuxd: unknown command "rnu": did you mean run?\n',
    });
  });

  it('helps, from any folder', async () => {
    const done = await run('lnmuxd', [], { cwd: folder });
    expect(done.code).toBe(0);
    expect(done.stdout).toContain('usage: lnmuxd [-c FILE]');
    expect((await run('lnmuxd', ['help', 'migrate'])).stdout).toContain('set_version N');
  });
});

describe('the launcher, on a Node that is too old', () => {
  const { node, env } = oldNode();

  it('runs the program with the pinned one and passes on its output and exit status', async () => {
    expect((await run('lnmuxd', ['--version'], { node, env })).stdout).toMatch(/^lnmuxd \d/);
    expect((await run('lnmuxd', ['rnu'], { node, env })).code).toBe(2);
    const path = file('old.yml', GOOD);
    expect((await run('lnmuxd', ['-c', path, 'config', 'check'], { node, env })).code).toBe(0);
    expect((await run('lnmuxcli', ['getinof'], { node, env })).code).toBe(2);
  });

  // A program that stays: lnmuxcli waiting for events of a server.
  async function staying() {
    const { running } = await import('../grpc/harness.ts');
    const on = await running();
    const started = start('lnmuxcli', ['--rpcserver', on.server.address, 'subscribe'], { node, env });
    await eventually(() => on.application.subscriptions.length === 1);
    return { ...started, gone: () => on.application.subscriptions[0]?.closed === true };
  }

  it('forwards SIGTERM and ends with the status of the program', async () => {
    const program = await staying();
    program.child.kill('SIGTERM');
    expect(await program.finished).toMatchObject({ code: 0, signal: null });
    await eventually(program.gone);
  });

  it('takes the program along when it is killed', async () => {
    const program = await staying();
    program.child.kill('SIGKILL');
    await eventually(program.gone);
  });

  it('says what to do where there is no pinned one', async () => {
    const { cpSync, mkdirSync } = await import('node:fs');
    const copy = join(folder, 'bare');
    mkdirSync(copy);
    cpSync(join(ROOT, 'bin'), join(copy, 'bin'), { recursive: true });
    writeFileSync(join(copy, 'package.json'), '{"type": "module"}');
    const { spawnSync } = await import('node:child_process');
    const done = spawnSync(node, [join(copy, 'bin', 'lnmuxd.js')], {
      encoding: 'utf8',
      env: { ...process.env, ...env },
    });
    expect(done.status).toBe(1);
    expect(done.stderr).toMatch(
      /^lnmuxd needs Node.js 22.19 or newer, this is v[\d.]+: install one, or run npm ci in [^\n]+\n$/,
    );
  });
});
