import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { runScenarios } from './run.ts';
import { eventually } from './scenarios/eventually.ts';
import type { Scenario } from './scenarios/scenario.ts';
import type { Stage } from './scenarios/stage.ts';
import { standIn } from './standIns.ts';

/** Generous: it starts several processes, beside other tests that do so. */
const LIMIT_MS = 120_000;
const MAIN = join(import.meta.dirname, 'main.ts');
const dir = mkdtempSync(join(tmpdir(), 'lnmux-main-'));
// As root, the database runs as another user, who has to get through here.
chmodSync(dir, 0o755);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  stdout(): string;
}

function run(args: readonly string[], env: Record<string, string> = {}): Run {
  const own = { PATH: process.env.PATH ?? '', HOME: dir, TMPDIR: dir };
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...own, ...env } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    out.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    out.stderr += chunk;
  });
  const ended = new Promise<{ code: number | null; stdout: string; stderr: string }>((resolve) => {
    child.once('close', (code) => resolve({ code, ...out }));
  });
  return { child, ended, stdout: () => out.stdout };
}

const says = (name: string, text: string) => standIn(dir, name, `echo "${text}"`);

describe.concurrent('npm run test:regtest', { timeout: 2 * LIMIT_MS }, () => {
  it('without the programs: says what is needed, and does not pass', async () => {
    const { code, stdout, stderr } = await run([]).ended;
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/LND_BIN is not set[\s\S]*LNCLI_BIN is not set[\s\S]*BITCOIND_BIN nor BTCD_BIN/);
    expect(stderr).toContain('docs/regtest.md');
  });

  it('with an lnd that is too old, or with wrong flags: says so', async () => {
    const env = {
      LND_BIN: says('old', 'lnd version 0.19.3-beta commit=v0.19.3-beta'),
      LNCLI_BIN: says('lncli', 'lncli version 0.19.3-beta commit=v0.19.3-beta'),
      BITCOIND_BIN: says('bitcoind', 'Bitcoin Core daemon version v29.0.0'),
    };
    const [old, flag, none] = await Promise.all([
      run([], env).ended,
      run(['--onyl', 'x']).ended,
      run(['--only', 'no such scenario']).ended,
    ]);
    expect([old.code, flag.code, none.code]).toEqual([2, 2, 2]);
    expect(old.stderr).toMatch(/old: too old for these scenarios.*0\.20\.3/);
    expect(flag.stderr).toMatch(/onyl/);
    expect(none.stderr).toMatch(/no scenario has "no such scenario"/);
  });

  it('with a chain backend that does not start: says what it printed, and keeps the logs', async () => {
    const bitcoind =
      '[ "$1" = --version ] && { echo "Bitcoin Core daemon version v29.0.0"; exit; }; echo "Error: no disk"; exit 1';
    const { code, stdout, stderr } = await run([], {
      LND_BIN: says('lnd', 'lnd version 0.20.3-beta commit=v0.20.3-beta'),
      LNCLI_BIN: says('lncli', 'lncli version 0.20.3-beta commit=v0.20.3-beta'),
      BITCOIND_BIN: standIn(dir, 'broken', bitcoind),
    }).ended;
    expect(code).toBe(1);
    expect(stdout).toContain('lnd 0.20.3-beta, bitcoind 29.0.0');
    expect(stderr).toMatch(
      /could not start: bitcoind ended \(exit status 1\) before bitcoind answered[\s\S]*Error: no disk/,
    );
    const [, logs = ''] = /printed is in (.*)/.exec(stdout) ?? [];
    expect(readFileSync(join(logs, 'bitcoind.log'), 'utf8')).toContain('-regtest');
  });

  it('runs what was asked for, and leaves nothing', async () => {
    const { code, stdout, stderr } = await run(['--simulated', '--only', 'less than']).ended;
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/✓ 1\/1 a payment for less than .*\n1 passed, 0 failed, 0 skipped/);
    const [, folder = ''] = /^in (.*)$/m.exec(stdout) ?? [];
    expect(existsSync(folder)).toBe(false);
    expect(processesWith(folder)).toEqual([]);
  });

  it('ends everything on Ctrl-C', async () => {
    const running = run(['--simulated']);
    await eventually('the first scenario', LIMIT_MS, () => running.stdout().includes('✓ 1/'));
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect(code).toBe(130);
    expect(stderr).toContain('SIGINT: ending everything');
    const [, folder = ''] = /^in (.*)$/m.exec(stdout) ?? [];
    expect(readdirSync(join(folder, 'logs'))).toContain('lnmuxd-1.log');
    await eventually('every process to end', LIMIT_MS, () => processesWith(folder).length === 0);
  });
});

/** Process ids whose command line has that text. */
function processesWith(text: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(text);
    } catch {
      return false;
    }
  });
}

describe('after a scenario that failed', () => {
  const lines: string[] = [];
  const scenario = (name: string, run_: () => Promise<void>): Scenario => ({ name, run: run_ });
  const good = scenario('good', async () => {});
  const bad = scenario('bad', async () => {
    throw new Error('money is missing');
  });
  const stage = (recover: () => Promise<void>) =>
    ({ prepare: async () => {}, atRest: async () => {}, recover }) as unknown as Stage;

  it('the others run, once the stage is cleared', async () => {
    const result = await runScenarios(
      stage(async () => {}),
      [good, bad, good],
      (line) => lines.push(line),
    );
    expect(result).toEqual({ passed: 2, failed: ['bad'], skipped: 0 });
    expect(lines.join('\n')).toMatch(/✓ 1\/3 good.*\n✗ 2\/3 bad.*\n {4}money is missing\n✓ 3\/3/);
  });

  it('the others are skipped where that is not possible', async () => {
    const stuck = stage(async () => {
      throw new Error('alice does not start');
    });
    const result = await runScenarios(stuck, [bad, good, good], () => {});
    expect(result).toEqual({ passed: 0, failed: ['bad'], skipped: 2 });
  });
});
