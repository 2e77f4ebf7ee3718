import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Happenings } from './happenings.ts';

const LNMUXD = fileURLToPath(new URL('../bin/lnmuxd.js', import.meta.url));
const STOP_LIMIT_MS = 10_000;

/** A line of lnmuxd's log. On a pipe each is a JSON object. */
export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  /** Key of the lnd node that it is about. */
  readonly node?: string;
  readonly listenAddress?: string;
  /** As it was written. */
  readonly raw: string;
}

/** lnmuxd as a process of its own, and what it logs. */
export class Daemon {
  readonly log = new Happenings<LogLine>();
  readonly #child: ChildProcess;
  /** How it ended, once it has. */
  readonly ended: Promise<string>;
  #address: string | undefined;

  /** Starts `lnmuxd -c FILE run`. */
  constructor(configPath: string) {
    this.#child = spawn(process.execPath, [LNMUXD, '-c', configPath, 'run'], {
      // Over the ipc channel lnmuxd hears of the end of whoever started it, also of a sudden one.
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: environment(),
    });
    const lines = createInterface({ input: this.#child.stderr! });
    lines.on('line', (line) => this.log.add(parse(line)));
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        const how = `lnmuxd ended (${signal ?? `exit status ${code}`})`;
        this.log.end(new Error(how));
        resolve(how);
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** host:port of its API; known once `serving` has resolved. */
  get address(): string {
    return this.#address!;
  }

  /** Resolves once it takes calls. The log says on which port: the configuration let it choose. */
  async serving(): Promise<void> {
    const line = await this.log.first('lnmuxd serves its API', isServing, { limitMs: 60_000 });
    this.#address = line.listenAddress;
  }

  /** Resolves once the node of that key is `ready` (or no longer is), going by log lines from `since` on. */
  async node(pubkey: string, ready: boolean, since = 0): Promise<void> {
    const msg = ready ? 'Node ready' : 'Node not ready';
    const what = `lnmuxd says "${msg}" of ${pubkey}`;
    await this.log.first(what, (line) => line.node === pubkey && line.msg === msg, { since });
  }

  /** The last lines of its log, for people. */
  tail(count: number): string[] {
    const telling = this.log.past.filter(({ level }) => level !== 'debug');
    return telling.slice(-count).map(readable);
  }

  /** Ends it in an orderly way; by force when that takes too long. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) this.#child.kill('SIGTERM');
    const force = setTimeout(() => this.#child.kill('SIGKILL'), STOP_LIMIT_MS);
    await this.ended;
    clearTimeout(force);
  }
}

/** Without settings of a real lnmuxd on this machine: the demo must not come near its database or key. */
function environment(): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith('LNMUX_'));
  return { ...Object.fromEntries(others), LNMUX_LAUNCHER_PID: String(process.pid) };
}

function isServing(line: LogLine): line is LogLine & { listenAddress: string } {
  return line.msg === 'Grpc server starting' && typeof line.listenAddress === 'string';
}

function readable({ raw, level = '', msg, ...fields }: LogLine): string {
  if (msg === undefined) return raw;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${value}`);
  return [level.padEnd(5), msg, ...rest].join(' ');
}

function parse(raw: string): LogLine {
  try {
    return { ...(JSON.parse(raw) as object), raw };
  } catch {
    return { raw };
  }
}
