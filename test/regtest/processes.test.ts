import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Lncli, LncliError } from './lnd/lncli.ts';
import { freePort } from './lnd/ports.ts';
import { killProcesses, ManagedProcess } from './lnd/processes.ts';
import { eventually } from './scenarios/eventually.ts';
import { standIn } from './standIns.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-processes-'));
const logPath = join(dir, 'log');
const LIMIT_MS = 20_000;

afterAll(() => {
  killProcesses();
  rmSync(dir, { recursive: true, force: true });
});

function started(script: string, args: readonly string[] = []): ManagedProcess {
  const command = standIn(dir, `program-${Math.random()}`, script);
  return new ManagedProcess({ name: 'program', command, args, logPath, home: dir });
}

const isAlive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** The program's second line: the process id of something it has started. */
async function childOf(program: ManagedProcess, from: number): Promise<number> {
  return program.until('it had told its child', LIMIT_MS, async () => {
    const [, pid] = /child (\d+)/.exec(readFileSync(logPath, 'utf8').slice(from)) ?? [];
    return pid === undefined ? undefined : Number(pid);
  });
}

const logLength = () => {
  try {
    return readFileSync(logPath, 'utf8').length;
  } catch {
    return 0;
  }
};

describe('a process', () => {
  it('that ends before it is ready: the error says how, and what it printed', async () => {
    const program = started('echo "unknown flag $1" >&2; exit 3', ['--wrong']);
    const waiting = program.until('it answered', LIMIT_MS, async () => undefined);
    await expect(waiting).rejects.toThrow(
      /program ended \(exit status 3\) before it answered\n.*the end of .*log:[\s\S]*unknown flag --wrong/,
    );
  });

  it('that cannot be started: the error says why', async () => {
    const program = new ManagedProcess({
      name: 'program',
      command: join(dir, 'absent'),
      args: [],
      logPath,
      home: dir,
    });
    const waiting = program.until('it answered', LIMIT_MS, async () => undefined);
    await expect(waiting).rejects.toThrow(/program ended \(spawn .*absent ENOENT\)/);
  });

  it('that is not ready in time: the error has the last answer', async () => {
    const program = started('exec sleep 600');
    const waiting = program.until('it answered', 200, async () => {
      throw new Error('still starting');
    });
    await expect(waiting).rejects.toThrow(/waited 0 s for it answered; the last answer was: still starting/);
    await program.kill();
  });

  it('is killed with all that it started', async () => {
    const from = logLength();
    const program = started('sleep 600 & echo "child $!"; wait');
    const child = await childOf(program, from);
    expect(isAlive(child)).toBe(true);
    await program.kill();
    expect(program.hasEnded).toBe(true);
    await eventually('its child to end', LIMIT_MS, () => !isAlive(child));
  });

  it('that does not want to end is killed after the limit; one that does ends by itself', async () => {
    const from = logLength();
    const stubborn = started('trap "" INT TERM; sleep 600 & echo "child $!"; while :; do wait; done');
    await childOf(stubborn, from);
    await stubborn.stop(100);
    expect(await stubborn.ended).toBe('SIGKILL');
    const polite = started('trap "exit 0" INT; sleep 600 & echo "child $!"; wait');
    await childOf(polite, from + 1);
    await new Promise((wake) => setTimeout(wake, 50));
    await polite.stop(LIMIT_MS);
    expect(await polite.ended).toMatch(/exit status 0|SIGINT/);
  });

  it('is among those that are ended at the end of it all, and gets no settings of this user', async () => {
    const from = logLength();
    process.env.LNCLI_NETWORK = 'mainnet';
    const program = started('echo "home $HOME network <$LNCLI_NETWORK>"; echo "child $$"; exec sleep 600');
    delete process.env.LNCLI_NETWORK;
    await childOf(program, from);
    expect(readFileSync(logPath, 'utf8').slice(from)).toContain(`home ${dir} network <>`);
    killProcesses();
    expect(await program.ended).toBe('SIGKILL');
  });
});

describe('lncli', () => {
  const lncli = (script: string) =>
    new Lncli({ binary: standIn(dir, 'lncli', script), name: 'carol', dir: '/d', rpcPort: 1, home: dir });

  it('is called with where its lnd is, and gives what it prints', async () => {
    expect(await lncli('echo "$@"').call(['getinfo'])).toBe(
      '--lnddir=/d --rpcserver=127.0.0.1:1 --network=regtest getinfo\n',
    );
  });

  it('that fails: the error has its words and what it printed before', async () => {
    const failing = lncli('echo "{}"; echo "[lncli] FAILED" >&2; exit 1').call(['payinvoice']);
    const error = await failing.catch((reason: unknown) => reason as LncliError);
    expect(error).toBeInstanceOf(LncliError);
    expect(error).toMatchObject({
      message: 'lncli payinvoice on carol: [lncli] FAILED',
      stdout: '{}\n',
      isLost: false,
    });
  });

  it('that hangs is ended', async () => {
    const hanging = lncli('exec sleep 600').call(['getinfo'], 100);
    await expect(hanging).rejects.toThrow('lncli getinfo on carol: no answer within 0.1 s');
  });
});

describe('free ports', () => {
  it('are never given twice', async () => {
    const ports = await Promise.all(Array.from({ length: 20 }, freePort));
    expect(new Set(ports).size).toBe(20);
  });
});
