import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach } from 'vitest';

export const ROOT = join(import.meta.dirname, '../..');

export interface Finished {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** What has been printed so far. */
  stdout(): string;
  stderr(): string;
}

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

export interface StartOptions {
  readonly node?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** Starts a program of bin/ as a process of its own. */
export function start(program: string, args: readonly string[], options: StartOptions = {}): Started {
  const script = join(ROOT, 'bin', `${program}.js`);
  const child = spawn(options.node ?? process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    cwd: options.cwd ?? ROOT,
  });
  children.add(child);
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    out.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    out.stderr += chunk.toString();
  });
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      children.delete(child);
      resolve({ code, signal, ...out });
    });
  });
  return { child, finished, stdout: () => out.stdout, stderr: () => out.stderr };
}

/** Runs a program to its end. */
export function run(program: string, args: readonly string[], options?: StartOptions): Promise<Finished> {
  return start(program, args, options).finished;
}

/**
 * A Node of this machine that is too old for the program. Where there is none, this one, told to take itself for
 * one: the launcher then goes the same way.
 */
export function oldNode(): { readonly node: string; readonly env: NodeJS.ProcessEnv } {
  for (const node of ['/usr/bin/node', '/usr/local/bin/node', '/opt/node/bin/node']) {
    if (!existsSync(node)) continue;
    const version = spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim();
    const [major = 0, minor = 0] = version.slice(1).split('.').map(Number);
    if (major >= 18 && (major < 22 || (major === 22 && minor < 19))) return { node, env: {} };
  }
  return { node: process.execPath, env: { LNMUX_LAUNCHER_NODE_VERSION: 'v20.0.0' } };
}
