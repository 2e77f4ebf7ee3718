import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The temporary folder of a run: what the processes keep, and what they print. */
export class Workspace {
  readonly dir = mkdtempSync(join(tmpdir(), 'lnmux-regtest-'));

  constructor() {
    // As root, lnmuxd runs its database as another user, who has to get through here.
    chmodSync(this.dir, 0o755);
    mkdirSync(this.logs);
  }

  get logs(): string {
    return join(this.dir, 'logs');
  }

  /** A folder for a process. */
  folder(name: string): string {
    const dir = join(this.dir, name);
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  logPath(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  remove(): void {
    rmSync(this.dir, { recursive: true, force: true, maxRetries: 10 });
  }
}
