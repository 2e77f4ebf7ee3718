import { type Server, ServerCredentials } from '@grpc/grpc-js';
import { toHex } from '../../domain/hex.ts';
import { publicKeyOf } from '../../lightning/crypto.ts';
import { unavailable } from '../node/faults.ts';
import { SimulatedNode } from '../node/simulatedNode.ts';
import type { Epoch, NodeSettings, Series } from '../node/types.ts';
import type { NodeContext } from './context.ts';
import { createControlServer } from './controlServer.ts';
import { openDirectory } from './directory.ts';
import { FaultBoard } from './faultBoard.ts';
import { NodeHub } from './hub.ts';
import { JournalFile } from './journal.ts';
import { LndServer } from './lndServer.ts';

const LOOPBACK = '127.0.0.1';
const SHUTTING_DOWN = unavailable('routerrpc server shutting down');

export interface SimulatedLndOptions {
  readonly name: string;
  /** Keys, certificate, macaroon and journal; a directory used before gives the same node again. */
  readonly dir: string;
  readonly network?: string;
  readonly epoch?: Epoch;
  readonly series?: Series;
  readonly seed?: number;
  /** 0, the default: the port used before in this directory, else any free one. */
  readonly port?: number;
  readonly controlPort?: number;
  /** Of a new node only. */
  readonly height?: number;
  /** Hex; of a new node only. */
  readonly privateKey?: string;
  readonly settings?: Partial<NodeSettings>;
}

/** What a program needs to use the node; the ready line of a node process holds the same. */
export interface SimulatedLndInfo {
  readonly name: string;
  readonly pubkey: string;
  /** host:port */
  readonly lndUrl: string;
  readonly tlsCertPath: string;
  readonly macaroonPath: string;
  /** host:port */
  readonly controlUrl: string;
  readonly height: number;
}

export interface SimulatedLnd {
  readonly info: SimulatedLndInfo;
  readonly node: SimulatedNode;
  /** What becomes of HTLCs, for senders inside this process. */
  readonly hub: NodeHub;
  /** Breaks every connection and closes the journal. */
  stop(): Promise<void>;
}

/** Starts a simulated lnd inside this process. Rejects when a port is taken. */
export async function startSimulatedLnd(options: SimulatedLndOptions): Promise<SimulatedLnd> {
  const {
    name,
    dir,
    network = 'regtest',
    epoch = 'N',
    series = '0.21',
    seed = 1,
    height = 100,
    settings = {},
  } = options;
  const files = openDirectory(dir, name, options.privateKey);
  const journal = new JournalFile(files.journalPath);
  const hub = new NodeHub((record) => journal.append(record));
  const node = new SimulatedNode({
    settings: { ...settings, epoch, series },
    height,
    seed,
    output: hub,
    timer: { schedule: (delayMs, run) => void setTimeout(run, delayMs).unref() },
    journal: journal.records,
  });
  const faults = new FaultBoard(node);
  const pubkey = toHex(publicKeyOf(files.privateKey));
  const context: NodeContext = {
    node,
    hub,
    faults,
    identity: { name, pubkey, network, privateKey: files.privateKey },
  };
  const lnd = new LndServer(context, files.macaroon);
  const restart = (downMs: number) => restartLnd(context, lnd, downMs);
  hub.answerListeners.add(() => {
    // Before the next timer, so that the answer is not committed.
    if (faults.countAnswer()) queueMicrotask(() => void restart(0));
  });
  const control = createControlServer({ context, lnd, restart });
  const port = await bind(lnd.grpc, options.port || files.ports.lnd, tlsCredentials(files.tls));
  const controlPort = await bind(
    control,
    options.controlPort || files.ports.control,
    ServerCredentials.createInsecure(),
  );
  files.savePorts({ lnd: port, control: controlPort });
  return {
    info: {
      name,
      pubkey,
      lndUrl: `${LOOPBACK}:${port}`,
      tlsCertPath: files.tlsCertPath,
      macaroonPath: files.macaroonPath,
      controlUrl: `${LOOPBACK}:${controlPort}`,
      height: node.height,
    },
    node,
    hub,
    async stop() {
      lnd.grpc.forceShutdown();
      control.forceShutdown();
      node.stop();
      journal.close();
    },
  };
}

async function restartLnd({ node, hub }: NodeContext, lnd: LndServer, downMs: number): Promise<void> {
  hub.counters.restarts++;
  node.stop(SHUTTING_DOWN);
  lnd.endSubscriptions(SHUTTING_DOWN);
  if (downMs > 0) await new Promise((resolve) => setTimeout(resolve, downMs));
  node.start();
}

function tlsCredentials({ cert, key }: { cert: string; key: string }): ServerCredentials {
  return ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) },
  ]);
}

function bind(server: Server, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`${LOOPBACK}:${port}`, credentials, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
}
