import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';

export interface ProcessPlan {
  /** For people. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** All it prints goes there; what an earlier one of that name printed stays. */
  readonly logPath: string;
  /** Its home: nobody's own settings are read. */
  readonly home: string;
}

/** What a program gets of our environment: how to run, but nothing of this user's settings. */
export function environment(home: string): NodeJS.ProcessEnv {
  const { PATH = '/usr/bin:/bin', LD_LIBRARY_PATH, TZ } = process.env;
  const given = Object.entries({ LD_LIBRARY_PATH, TZ }).filter(([, value]) => value !== undefined);
  return { PATH, HOME: home, ...Object.fromEntries(given) };
}

const running = new Set<ManagedProcess>();

/** Ends everything that still runs, this moment. For the end of the program, however it comes. */
export function killProcesses(): void {
  for (const process of running) process.signal('SIGKILL');
}

/** A program that runs beside the tests, in a process group of its own: Ctrl-C is for the tests, which end it. */
export class ManagedProcess {
  readonly name: string;
  /** Resolves with how it ended: `exit status 1`, `SIGKILL`. Never rejects. */
  readonly ended: Promise<string>;
  readonly #logPath: string;
  readonly #child: ChildProcess;
  #end: string | undefined;

  constructor({ name, command, args, logPath, home }: ProcessPlan) {
    this.name = name;
    this.#logPath = logPath;
    const log = openSync(logPath, 'a');
    writeSync(log, `--- ${command} ${args.join(' ')}\n`);
    const child = spawn(command, args, {
      env: environment(home),
      cwd: home,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    running.add(this);
    this.ended = new Promise((resolve) => {
      const finish = (end: string) => {
        this.#end = end;
        running.delete(this);
        resolve(end);
      };
      child.once('error', (error) => finish(error.message));
      child.once('exit', (code, signal) => finish(signal ?? `exit status ${code}`));
    });
  }

  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** To it and whatever it started. */
  signal(signal: NodeJS.Signals): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, signal);
    } catch {
      // It has just ended.
    }
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }

  /** Asks it to end; by force when it takes longer than the limit. */
  async stop(limitMs: number, signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    this.signal(signal);
    const force = setTimeout(() => this.signal('SIGKILL'), limitMs);
    await this.ended;
    clearTimeout(force);
  }

  /**
   * Asks again and again until `probe` gives something; undefined and errors mean: not yet. Rejects when the process
   * ends meanwhile, or on the limit, with what was waited for, the last error and the end of the log.
   */
  async until<T>(what: string, limitMs: number, probe: () => Promise<T | undefined>): Promise<T> {
    const deadline = performance.now() + limitMs;
    let lastError = '';
    while (!this.hasEnded && performance.now() < deadline) {
      const result = await probe().catch((error: Error) => {
        lastError = `; the last answer was: ${error.message}`;
        return undefined;
      });
      if (result !== undefined) return result;
      await Promise.race([this.ended, new Promise((wake) => setTimeout(wake, 100))]);
    }
    const fate = this.hasEnded
      ? `${this.name} ended (${this.#end}) before ${what}`
      : `waited ${Math.round(limitMs / 1_000)} s for ${what}${lastError}`;
    throw new Error(`${fate}\n${this.#tail()}`);
  }

  #tail(): string {
    const lines = readFileSync(this.#logPath, 'utf8').trimEnd().split('\n');
    return [`the end of ${this.#logPath}:`, ...lines.slice(-12)].join('\n    ');
  }
}
