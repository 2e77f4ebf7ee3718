import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'lnmux-bench-';

/** A temporary folder of this run, and everything that must end with it. */
export class Workspace {
  readonly dir: string;
  readonly #cleanups: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  constructor() {
    removeLeftovers();
    this.dir = mkdtempSync(join(tmpdir(), `${PREFIX}${process.pid}-`));
    // As root the database runs as another user, who must be able to enter.
    chmodSync(this.dir, 0o755);
    // The last resort: nothing but files can be left when the process ends in any other way than by close().
    process.on('exit', () => rmSync(this.dir, { recursive: true, force: true }));
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  /** Registers what is to be done at the end; the last one comes first. Gives back a way to do it earlier. */
  defer(cleanup: () => Promise<void>): () => Promise<void> {
    this.#cleanups.push(cleanup);
    return async () => {
      const at = this.#cleanups.indexOf(cleanup);
      if (at < 0) return;
      this.#cleanups.splice(at, 1);
      await cleanup();
    };
  }

  /** Ends every process and removes every file. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (;;) {
        const cleanup = this.#cleanups.pop();
        if (!cleanup) break;
        await cleanup().catch((error: unknown) => process.stderr.write(`cleaning up: ${String(error)}\n`));
      }
      rmSync(this.dir, { recursive: true, force: true });
    })();
    return this.#closing;
  }
}

/** Folders of runs that were killed. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir())) {
    const pid = name.startsWith(PREFIX) ? Number.parseInt(name.slice(PREFIX.length), 10) : Number.NaN;
    if (Number.isNaN(pid) || isAlive(pid)) continue;
    rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
