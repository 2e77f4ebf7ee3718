import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder of one run, and everything that must end with it. */
export class Workspace {
  readonly dir: string;
  readonly #cleanups: (() => Promise<void>)[] = [];
  #closing: Promise<void> | undefined;
  /** Set: the folder stays. */
  keep = false;

  constructor() {
    this.dir = mkdtempSync(join(tmpdir(), 'lnmux-chaos-'));
    // As root the database runs as another user, who must be able to enter.
    chmodSync(this.dir, 0o755);
    mkdirSync(this.path('logs'));
  }

  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  logPath(process: string): string {
    return this.path('logs', `${process}.log`);
  }

  /** Registers what is to be done at the end; the last one comes first. */
  defer(cleanup: () => Promise<void>): void {
    this.#cleanups.push(cleanup);
  }

  /** Ends everything. Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (let cleanup = this.#cleanups.pop(); cleanup; cleanup = this.#cleanups.pop()) {
        await cleanup().catch((error: unknown) => process.stderr.write(`cleaning up: ${String(error)}\n`));
      }
      if (!this.keep) rmSync(this.dir, { recursive: true, force: true });
    })();
    return this.#closing;
  }
}
