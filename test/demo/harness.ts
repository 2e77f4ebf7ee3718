import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach } from 'vitest';

export const ROOT = join(import.meta.dirname, '../..');

const running = new Set<RunningDemo>();

afterEach(() => {
  for (const demo of running) demo.abandon();
});

/** A demo in a process group and a temporary folder of its own, by which whatever it leaves behind is found. */
export class RunningDemo {
  readonly child: ChildProcess;
  readonly finished: Promise<{ readonly code: number | null; readonly ms: number }>;
  readonly folder: string;
  stdout = '';
  stderr = '';

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'lnmux-demo-test-'));
    // Its PostgreSQL has to get through, as another user when this is root.
    chmodSync(this.folder, 0o711);
    const began = performance.now();
    this.child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: this.folder, ...env },
      detached: true,
    });
    this.child.stdout!.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString();
    });
    this.child.stderr!.on('data', (chunk: Buffer) => {
      this.stderr += chunk.toString();
    });
    running.add(this);
    this.finished = new Promise((resolve) => {
      this.child.once('close', (code) => resolve({ code, ms: performance.now() - began }));
    });
  }

  /** What it has said, with all white space as single blanks. */
  get said(): string {
    return this.stdout.replace(/\s+/g, ' ');
  }

  /** Resolves once it has said this. */
  async says(text: string): Promise<void> {
    while (!this.said.includes(text)) {
      if (this.child.exitCode !== null)
        throw new Error(`it ended before saying "${text}":\n${this.stdout}${this.stderr}`);
      await Promise.race([new Promise((heard) => this.child.stdout!.once('data', heard)), this.finished]);
    }
  }

  /** Every process that belongs to it: by its group, or by its folder on the command line or as current directory. */
  processes(): { readonly pid: number; readonly command: string }[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => {
        try {
          const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
          const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
          const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
          const ours =
            Number(group) === this.child.pid ||
            command.includes(this.folder) ||
            readlinkSync(`/proc/${pid}/cwd`).startsWith(this.folder);
          return ours && state !== 'Z' ? [{ pid: Number(pid), command }] : [];
        } catch {
          return [];
        }
      });
  }

  filesLeft(): string[] {
    return readdirSync(this.folder).filter((name) => name.startsWith('lnmux'));
  }

  /** After a test, however it went. */
  abandon(): void {
    for (const { pid } of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
    running.delete(this);
  }
}

/** The PATH of a terminal: without what npm puts in front of it. */
export function plainPath(): string {
  const parts = (process.env.PATH ?? '').split(delimiter);
  return parts.filter((part) => !part.includes('node_modules')).join(delimiter);
}
