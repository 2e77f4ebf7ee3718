import { describe, expect, it } from 'vitest';
import { eventually } from '../grpc/harness.ts';
import { plainPath, ROOT, RunningDemo } from './harness.ts';

const MAIN = `${ROOT}/demo/main.ts`;

/** In this order; what lies between is the story's own business. */
const KEY_LINES = [
  '1. Two Lightning nodes, lnmux and a shop start',
  'alice and bob run',
  'lnmuxd runs, with a PostgreSQL of its own',
  'lnmuxd intercepts payments at both nodes',
  'the shop is open',
  '2. The shop sells coffee',
  'lnbcrt250u1',
  'amount 25,000 sat',
  'route hint 1 through alice',
  'route hint 2 through bob',
  '3. A payer splits the payment',
  'alice holds 12,500 sat',
  'bob holds 12,500 sat',
  'the shop hears of the payment',
  'the shop has its coffee in stock and settles',
  'via alice 12,500 sat, settled',
  'via bob 12,500 sat, settled',
  'every part is final and the invoice is SETTLED',
  '4. Alice dies',
  'the shop issues an invoice of 40,000 sat',
  'alice is killed (SIGKILL)',
  'via alice 40,000 sat, failed: node is away',
  'via bob 40,000 sat, settled',
  'every part is final and the invoice is SETTLED',
  'an invoice that is made meanwhile names bob only',
  '5. Alice comes back',
  'intercepts again',
  'via alice 1,000 sat, settled',
  '3 invoices settled, 66,000 sat in all',
  '6. Everything ends',
  '5 processes have ended, 5 ports are free again, no files are left',
];

describe('npm run demo', () => {
  it('tells the whole story within 30 s and leaves nothing behind', async () => {
    // npm and the Node of whoever runs it, which may be too old: the story's own comes with the dependencies.
    const demo = new RunningDemo('npm', ['run', '--silent', 'demo'], { PATH: plainPath() });
    const { code, ms } = await demo.finished;
    expect(demo.stderr).toBe('');
    let at = 0;
    for (const line of KEY_LINES) {
      const found = demo.said.indexOf(line, at);
      expect(found, `"${line}" in its place in:\n${demo.stdout}`).toBeGreaterThanOrEqual(0);
      at = found + line.length;
    }
    expect(code).toBe(0);
    expect(ms).toBeLessThan(30_000);
    expect(demo.stdout, 'escape sequences on a pipe').not.toContain('\x1b');
    expect(demo.processes()).toEqual([]);
    expect(demo.filesLeft()).toEqual([]);
  });

  it('cleans up after Ctrl-C', async () => {
    const demo = new RunningDemo(process.execPath, [MAIN]);
    await demo.says('alice and bob run');
    // As a terminal does: to all of the group.
    process.kill(-demo.child.pid!, 'SIGINT');
    expect((await demo.finished).code).toBe(130);
    expect(demo.processes()).toEqual([]);
    expect(demo.filesLeft()).toEqual([]);
  });

  it('keeps the cluster with --keep, until it is told to end', async () => {
    const demo = new RunningDemo(process.execPath, [MAIN, '--keep']);
    await demo.says('configuration /');
    const subscribe = /(\S+)lnmuxcli.js --rpcserver (\S+) subscribe/.exec(demo.said)!;
    const cli = new RunningDemo(process.execPath, [
      `${subscribe[1]}lnmuxcli.js`,
      '--rpcserver',
      subscribe[2]!,
      'getinfo',
    ]);
    expect((await cli.finished).code).toBe(0);
    expect(cli.stdout).toContain('"network": "regtest"');
    process.kill(demo.child.pid!, 'SIGTERM');
    expect((await demo.finished).code).toBe(0);
    expect(demo.processes()).toEqual([]);
    expect(demo.filesLeft()).toEqual([]);
  });

  it('says what failed, shows the log, and leaves nothing behind', async () => {
    const demo = new RunningDemo(process.execPath, [MAIN]);
    await demo.says('lnmuxd runs');
    const daemon = demo.processes().find(({ command }) => command.includes('lnmuxd.js'))!;
    process.kill(daemon.pid, 'SIGKILL');
    expect((await demo.finished).code).toBe(1);
    expect(demo.said).toContain('The demo failed: lnmuxd ended (SIGKILL)');
    expect(demo.said).toContain('info Grpc server starting');
    await eventually(() => demo.processes().length === 0);
    expect(demo.filesLeft()).toEqual([]);
  });

  it('refuses what it does not know', async () => {
    const demo = new RunningDemo(process.execPath, [MAIN, '--kep']);
    expect((await demo.finished).code).toBe(2);
    expect(demo.stderr).toMatch(/^usage: npm run demo/);
  });
});
