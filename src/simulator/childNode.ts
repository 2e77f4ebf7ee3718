import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { SimulatedLndInfo } from './server/simulatedLnd.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** A node in a process of its own. */
export interface ChildNode {
  readonly info: SimulatedLndInfo;
  readonly process: ChildProcess;
  /** Sends the signal (SIGTERM by default) and waits for the process to be gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts `simulate --name …` as a child process, which ends with this one, and waits for its ready line. The
 * arguments are those of the command line (options.ts). Rejects when the child ends before it is ready.
 */
export async function startChildNode(args: readonly string[]): Promise<ChildNode> {
  const child = spawn(process.execPath, [MAIN, ...args, '--exit-with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const info = await Promise.race([
    readyLine(child),
    exited.then(() => Promise.reject(new Error('simulated node ended before it was ready'))),
  ]);
  return {
    info,
    process: child,
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      await exited;
    },
  };
}

async function readyLine(child: ChildProcess): Promise<SimulatedLndInfo> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const message = JSON.parse(line) as SimulatedLndInfo & { ready: boolean };
    if (message.ready) return message;
  }
  return new Promise(() => {});
}
