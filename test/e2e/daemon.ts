import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A line of the daemon's JSON log. */
export interface Line {
  readonly level: string;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface DaemonExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const alive = new Set<ChildProcess>();

/** Ends every daemon that is still there, and whatever it started. Call it after the tests of a file. */
export function killDaemons(): void {
  for (const child of alive) killGroup(child, 'SIGKILL');
  alive.clear();
}

function killGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    process.kill(-child.pid!, signal);
  } catch {
    // It is gone already.
  }
}

/** A real lnmuxd, with its log. */
export class Daemon {
  readonly exited: Promise<DaemonExit>;
  /** Everything it ever printed. */
  output = '';
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #watchers = new Set<() => void>();

  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}, program = join(ROOT, 'bin/lnmuxd.js')) {
    this.#child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      // A group of its own, so that all of it can be ended.
      detached: true,
    });
    alive.add(this.#child);
    let rest = '';
    const onText = (chunk: Buffer) => {
      this.output += chunk.toString();
      const lines = (rest + chunk.toString()).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line.startsWith('{')) this.#lines.push(JSON.parse(line));
      this.#wake();
    };
    this.#child.stdout?.on('data', onText);
    this.#child.stderr?.on('data', onText);
    this.exited = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        alive.delete(this.#child);
        resolve({ code, signal });
        this.#wake();
      });
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Lines with this message, so far. */
  lines(msg: string): readonly Line[] {
    return this.#lines.filter((line) => line.msg === msg);
  }

  /** Waits for the nth line with this message that `matches`. Rejects when the daemon ends before. */
  async line(msg: string, matches: (line: Line) => boolean = () => true, count = 1): Promise<Line> {
    const found = () => this.lines(msg).filter(matches)[count - 1];
    const deadline = Date.now() + 30_000;
    for (;;) {
      const line = found();
      if (line) return line;
      if (this.hasEnded || Date.now() > deadline) {
        throw new Error(`no line "${msg}" in:\n${this.output.slice(-4_000)}`);
      }
      await new Promise<void>((resolve) => {
        const wake = () => {
          clearTimeout(timer);
          this.#watchers.delete(wake);
          resolve();
        };
        const timer = setTimeout(wake, 1_000);
        this.#watchers.add(wake);
      });
    }
  }

  /** The address of its API, once it takes calls. */
  async address(): Promise<string> {
    return String((await this.line('Grpc server starting')).listenAddress);
  }

  /** Asks it to end, and waits. */
  stop(): Promise<DaemonExit> {
    this.#child.kill('SIGTERM');
    return this.exited;
  }

  /** Ends it without any warning. */
  kill(): Promise<DaemonExit> {
    this.#child.kill('SIGKILL');
    return this.exited;
  }

  #wake(): void {
    for (const wake of [...this.#watchers]) wake();
  }
}

/** What a configuration of these tests may say; text goes into the file as it is. */
export interface ConfigChoices {
  readonly nodes?: readonly {
    readonly pubkey: string;
    readonly lndUrl: string;
    readonly tlsCertPath: string;
    readonly macaroonPath: string;
    readonly name?: string;
  }[];
  readonly dsn?: string;
  readonly listenAddress?: string;
  readonly instrumentationAddress?: string;
  /** Further lines at the top level. */
  readonly more?: readonly string[];
}

export const E2E_IDENTITY_KEY = '81b637d8fcd2c6da6859e6963113a1170de793e4b725b84d1e0b4cf99ec58ce9';

/** Writes lnmux.yml into a folder and gives its path. */
export function writeConfig(dir: string, choices: ConfigChoices): string {
  const path = join(dir, 'lnmux.yml');
  const nodes = (choices.nodes ?? []).flatMap((node) => [
    `    - pubKey: ${node.pubkey}`,
    `      lndUrl: ${node.lndUrl}`,
    `      tlsCertPath: ${JSON.stringify(node.tlsCertPath)}`,
    `      macaroonPath: ${JSON.stringify(node.macaroonPath)}`,
    ...(node.name ? [`      name: ${node.name}`] : []),
  ]);
  const lines = [
    'lnd:',
    '  network: regtest',
    nodes.length > 0 ? '  nodes:' : '  nodes: []',
    ...nodes,
    `identityKey: ${E2E_IDENTITY_KEY}`,
    `listenAddress: ${choices.listenAddress ?? '127.0.0.1:0'}`,
    `instrumentationAddress: ${choices.instrumentationAddress ?? '127.0.0.1:0'}`,
    'db:',
    choices.dsn ? `  dsn: ${JSON.stringify(choices.dsn)}` : '  dataDir: data',
    'logging:',
    '  level: debug',
    '  format: json',
    '  grpcLogging: true',
    ...(choices.more ?? []),
  ];
  writeFileSync(path, `${lines.join('\n')}\n`, { mode: 0o600 });
  return path;
}
