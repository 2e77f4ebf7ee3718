import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimulatedLndInfo } from '../../src/simulator/server/simulatedLnd.ts';
import type { Workspace } from './workspace.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Also what the load makes its payments for. */
export const IDENTITY_KEY = '0a02030405060708010203040506070801020304050607080102030405060708';
const START_TIMEOUT_MS = 60_000;
const POLL_MS = 2;

export interface DaemonOptions {
  readonly dsn: string;
  readonly nodes: readonly SimulatedLndInfo[];
  /** Of Node, before the program. */
  readonly nodeFlags?: readonly string[];
}

/** A running `lnmuxd run`. */
export interface Daemon {
  readonly pid: number;
  /** Of its API, host:port. */
  readonly address: string;
  /** Milliseconds from its start to its API listening. */
  readonly startMs: number;
  log(): string;
  /** Ends it in an orderly way (what it writes at its end is written); `kill` as a crash would. */
  stop(how?: 'orderly' | 'kill'): Promise<void>;
}

let started = 0;

/** Starts the program as an operator would, with its log in a file, and waits for its API. */
export async function startDaemon(workspace: Workspace, options: DaemonOptions): Promise<Daemon> {
  const number = ++started;
  const config = workspace.path(`lnmux-${number}.yml`);
  const logPath = workspace.path(`lnmuxd-${number}.log`);
  writeFileSync(config, configText(options), { mode: 0o600 });
  const log = openSync(logPath, 'w');
  const startedAt = performance.now();
  const child = spawn(
    process.execPath,
    [...(options.nodeFlags ?? []), join(ROOT, 'bin/lnmuxd.js'), '-c', config, 'run'],
    // The channel and the variable make it end with us, should we be killed.
    { stdio: ['ignore', log, log, 'ipc'], env: environment(), cwd: ROOT },
  );
  closeSync(log);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const release = workspace.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const readLog = () => readFileSync(logPath, 'utf8');
  const address = await listening(child, readLog);
  return {
    pid: child.pid!,
    address,
    startMs: performance.now() - startedAt,
    log: readLog,
    async stop(how = 'orderly') {
      child.kill(how === 'kill' ? 'SIGKILL' : 'SIGTERM');
      await ended;
      await release();
    },
  };
}

/** Our environment without what could change the daemon's configuration. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LNMUX_'));
  return { ...Object.fromEntries(own), LNMUX_LAUNCHER_PID: String(process.pid) };
}

async function listening(child: ChildProcess, log: () => string): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const line = log()
      .split('\n')
      .find((each) => each.includes('"Grpc server starting"'));
    if (line) return (JSON.parse(line) as { listenAddress: string }).listenAddress;
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`lnmuxd has ended:\n${log()}`);
    if (performance.now() > deadline) throw new Error(`lnmuxd does not start:\n${log()}`);
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

function configText({ dsn, nodes }: DaemonOptions): string {
  const nodeLines = nodes.flatMap((node) => [
    `    - pubKey: ${node.pubkey}`,
    `      lndUrl: ${node.lndUrl}`,
    `      tlsCertPath: ${JSON.stringify(node.tlsCertPath)}`,
    `      macaroonPath: ${JSON.stringify(node.macaroonPath)}`,
    `      name: ${node.name}`,
  ]);
  return `lnd:
  network: regtest
  nodes:
${nodeLines.join('\n')}
identityKey: ${IDENTITY_KEY}
db:
  dsn: ${JSON.stringify(dsn)}
listenAddress: 127.0.0.1:0
instrumentationAddress: 127.0.0.1:0
# Parts of the bench hold HTLCs for longer than anybody would, and more of them.
acceptTimeout: 1h
holdTimeout: 10m
limits:
  maxHeldHtlcs: 1000000
  maxHeldHtlcsPerNode: 1000000
logging:
  level: info
  format: json
`;
}
