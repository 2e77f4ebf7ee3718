import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { parseLnmuxdArgs } from '../../src/daemon/cli/lnmuxdArgs.ts';
import { EXIT } from '../../src/daemon/exit.ts';

const UNIT = join(import.meta.dirname, '../../deploy/systemd/lnmux.service');
const text = readFileSync(UNIT, 'utf8');

/** `section.key` → its values, in order. */
const settings = new Map<string, string[]>();
let section = '';
for (const line of text.split('\n').filter((each) => each !== '' && !each.startsWith('#'))) {
  const [, header, key, value] = /^(?:\[(\w+)\]|(\w+)=(.*))$/.exec(line) ?? [];
  if (header !== undefined) section = header;
  else settings.set(`${section}.${key}`, [...(settings.get(`${section}.${key}`) ?? []), value!]);
}
const setting = (name: string) => settings.get(name)?.at(-1);

describe('the systemd unit', () => {
  it('is made of sections and settings', () => {
    expect([...settings.keys()].filter((name) => name.endsWith('undefined'))).toEqual([]);
    expect(settings.size).toBeGreaterThan(30);
  });

  it('starts lnmuxd with arguments that it takes', () => {
    const [program, ...args] = setting('Service.ExecStart')!.split(' ');
    expect(program).toBe('/usr/bin/lnmuxd');
    expect(parseLnmuxdArgs(args)).toMatchObject({ ok: true, command: { command: 'run' } });
  });

  it('starts it again after a failure, but not with wrong arguments, and gives it time to end', () => {
    expect(setting('Service.Restart')).toBe('on-failure');
    expect(setting('Service.RestartPreventExitStatus')).toBe(String(EXIT.usage));
    const run = readFileSync(join(import.meta.dirname, '../../src/daemon/run/run.ts'), 'utf8');
    const limit = Number(/SHUTDOWN_LIMIT_MS = ([\d_]+)/.exec(run)![1]!.replaceAll('_', ''));
    expect(Number(setting('Service.TimeoutStopSec')) * 1_000).toBeGreaterThan(limit);
  });

  it('gives it no more of the machine than it needs', () => {
    for (const name of [
      'NoNewPrivileges',
      'ProtectHome',
      'PrivateTmp',
      'PrivateDevices',
      'RestrictNamespaces',
    ]) {
      expect([name, setting(`Service.${name}`)]).toEqual([name, 'yes']);
    }
    expect(setting('Service.User')).toBe('lnmux');
    expect(setting('Service.ProtectSystem')).toBe('strict');
    expect(setting('Service.CapabilityBoundingSet')).toBe('');
    // V8 compiles while it runs.
    expect(setting('Service.MemoryDenyWriteExecute')).toBeUndefined();
  });
});

const analyze = (...args: string[]) => promisify(execFile)('systemd-analyze', args);
const hasSystemd = await analyze('security', '--help').then(
  ({ stdout }) => stdout.includes('--offline'),
  () => false,
);

function systemdItself() {
  it('knows every setting, and finds the service well protected', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lnmux-systemd-'));
    try {
      const unit = join(folder, 'lnmux.service');
      // Where lnmuxd is not installed, something else has to be there to start.
      writeFileSync(unit, text.replaceAll('/usr/bin/lnmuxd', process.execPath));
      const { stdout, stderr } = await analyze('verify', '--man=no', unit);
      expect((stdout + stderr).split('\n').filter((line) => line.includes('lnmux.service'))).toEqual([]);
      // In tenths: fails when the exposure is above.
      await analyze('security', '--offline=true', '--threshold=20', '--no-pager', unit);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

if (hasSystemd) describe('systemd itself', systemdItself);
