import { readdirSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';

const PATIENCE_MS = 5_000;
const LOOK_MS = 50;

/** What the demo has started, to be checked at the end. */
export class Leftovers {
  readonly #pids = new Map<number, string>();
  readonly #addresses = new Map<string, string>();

  get processes(): number {
    return this.#pids.size;
  }

  get ports(): number {
    return this.#addresses.size;
  }

  process(name: string, pid: number): void {
    this.#pids.set(pid, name);
  }

  /** @param address host:port */
  port(name: string, address: string): void {
    this.#addresses.set(address, name);
  }

  /** Notes lnmuxd's embedded PostgreSQL, whose process id is in its lock file. */
  postgres(dataDir: string): void {
    for (const name of readdirSync(dataDir).filter((entry) => /^pg\d+$/.test(entry))) {
      const pid = Number(readFileSync(join(dataDir, name, 'postmaster.pid'), 'utf8').split('\n')[0]);
      if (pid > 0) this.process('PostgreSQL', pid);
    }
  }

  /** What is still there after a moment's patience; nothing, if all is well. */
  async remaining(): Promise<string[]> {
    const deadline = performance.now() + PATIENCE_MS;
    for (;;) {
      const pids = [...this.#pids].filter(([pid]) => isRunning(pid));
      const open = await Promise.all([...this.#addresses.keys()].map(isOpen));
      const ports = [...this.#addresses].filter((_, index) => open[index]);
      if (pids.length + ports.length === 0 || performance.now() > deadline) {
        return [
          ...pids.map(([pid, name]) => `process ${pid} of ${name}`),
          ...ports.map(([address, name]) => `${address} of ${name}`),
        ];
      }
      await new Promise((wake) => setTimeout(wake, LOOK_MS));
    }
  }
}

/** One that has ended and was not yet asked for by its parent (in a container often never) does not run. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // No /proc here, or it has just ended; the signal above tells at the next look.
    return true;
  }
}

function isOpen(address: string): Promise<boolean> {
  const at = address.lastIndexOf(':');
  return new Promise((resolve) => {
    const socket = connect(Number(address.slice(at + 1)), address.slice(0, at));
    const answer = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(false));
  });
}
