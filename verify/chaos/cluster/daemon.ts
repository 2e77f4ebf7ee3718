import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SimulatedLndInfo } from '../../../src/simulator/server/simulatedLnd.ts';
import { type ChaosTiming, DEADLINE_MARGIN } from '../options.ts';
import { Keeper, type KeptProcess, type ProcessEnd } from './keeper.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const IDENTITY_KEY = '0a02030405060708010203040506070801020304050607080102030405060708';
/** How often the log of a starting daemon is looked at. */
const TAIL_MS = 25;

/** A running `lnmuxd run`. */
export interface DaemonProcess extends KeptProcess {
  /** Port of its API on the loopback; undefined until it listens, which it does as leader only. */
  apiPort(): number | undefined;
  /** The last thing that it logged as fatal. */
  lastWords(): string | undefined;
  /** We have signalled its end: it needs no other reason. */
  wasKilled: boolean;
}

export interface DaemonConfig {
  readonly dsn: string;
  /** Nodes, each with the address at which this daemon reaches it. */
  readonly nodes: readonly (SimulatedLndInfo & { readonly via: string })[];
  readonly timing: ChaosTiming;
}

export interface DaemonPlace {
  readonly configPath: string;
  readonly logPath: string;
}

/** lnmuxd that is started again whenever it ends. */
export function daemonKeeper(
  place: DaemonPlace,
  config: DaemonConfig,
  onEnd: (process: DaemonProcess, end: ProcessEnd) => void,
): Keeper<DaemonProcess> {
  writeFileSync(place.configPath, configText(config), { mode: 0o600 });
  return new Keeper({ start: async () => startDaemon(place), pauseMs: 500, onEnd });
}

function startDaemon({ configPath, logPath }: DaemonPlace): DaemonProcess {
  const log = openSync(logPath, 'a+');
  const from = fstatSync(log).size;
  // The channel and the variable make it end with us, should we be killed.
  const child = spawn(process.execPath, [join(ROOT, 'bin/lnmuxd.js'), '-c', configPath, 'run'], {
    stdio: ['ignore', log, log, 'ipc'],
    env: environment(),
    cwd: ROOT,
  });
  let port: number | undefined;
  let words: string | undefined;
  let offset = from;
  const look = () => {
    const text = readFrom(log, offset);
    const end = text.lastIndexOf('\n') + 1;
    offset += Buffer.byteLength(text.slice(0, end));
    for (const line of text.slice(0, end).split('\n')) {
      if (line.includes('"Grpc server starting"')) {
        const { listenAddress } = JSON.parse(line) as { listenAddress: string };
        port = Number(listenAddress.split(':').at(-1));
      } else if (isLastWord(line)) words = line;
    }
  };
  const timer = setInterval(() => port === undefined && look(), TAIL_MS);
  const ended = new Promise<ProcessEnd>((done) => {
    child.once('exit', (code, signal) => {
      clearInterval(timer);
      look();
      port = undefined;
      closeSync(log);
      done({ code, signal });
    });
  });
  return {
    pid: child.pid!,
    ended,
    wasKilled: false,
    apiPort: () => port,
    lastWords: () => words,
    kill(signal) {
      if (signal === 'SIGKILL' || signal === 'SIGTERM') this.wasKilled = true;
      child.kill(signal);
    },
  };
}

/** A line of level fatal, or one that is not of the logger: an exception. */
function isLastWord(line: string): boolean {
  if (line.startsWith('{')) return line.includes('"level":"fatal"');
  return /Error|throw/.test(line);
}

function readFrom(fd: number, offset: number): string {
  const size = fstatSync(fd).size - offset;
  if (size <= 0) return '';
  const bytes = Buffer.alloc(size);
  const read = readSync(fd, bytes, 0, size, offset);
  return bytes.toString('utf8', 0, read);
}

/** Our environment without what could change the daemon's configuration. */
function environment(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('LNMUX_'));
  return { ...Object.fromEntries(own), LNMUX_LAUNCHER_PID: String(process.pid) };
}

function configText({ dsn, nodes, timing }: DaemonConfig): string {
  const nodeLines = nodes.flatMap((node) => [
    `    - pubKey: ${node.pubkey}`,
    `      lndUrl: ${node.via}`,
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
holdTimeout: ${timing.holdMs}ms
acceptTimeout: ${timing.acceptMs}ms
subscriberGrace: 20s
deadlineMargin: ${DEADLINE_MARGIN}
cltvRejectDelta: 5
logging:
  level: debug
  format: json
`;
}
