import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildNode, startChildNode } from '../src/simulator/childNode.ts';
import { NodeControl } from '../src/simulator/control/nodeControl.ts';
import type { SimulatedLndInfo } from '../src/simulator/server/simulatedLnd.ts';
import { Daemon } from './daemon.ts';
import { Leftovers } from './leftovers.ts';

export type NodeName = 'alice' | 'bob';

/**
 * Two simulated lnd nodes and lnmuxd in a folder of their own, each a process. Ports are whatever is free, so that
 * nothing else on the machine is in the way and the demo can run twice at a time.
 */
export class Cluster {
  readonly leftovers = new Leftovers();
  readonly #dir: string;
  readonly #nodes = new Map<NodeName, Promise<ChildNode>>();
  readonly #controls = new Map<NodeName, NodeControl>();
  #daemon: Daemon | undefined;
  #stopping = false;
  readonly #trouble = Promise.withResolvers<never>();

  private constructor(dir: string) {
    this.#dir = dir;
    this.#trouble.promise.catch(() => {});
  }

  /** Rejects when lnmuxd ends without having been asked to. */
  get broken(): Promise<never> {
    return this.#trouble.promise;
  }

  static async prepare(): Promise<Cluster> {
    const dir = await mkdtemp(join(tmpdir(), 'lnmux-demo-'));
    // PostgreSQL does not run as root: for root, lnmuxd runs it as another user, who has to get through here.
    await chmod(dir, 0o711);
    return new Cluster(dir);
  }

  get dir(): string {
    return this.#dir;
  }

  get configPath(): string {
    return join(this.#dir, 'lnmux.yml');
  }

  get daemon(): Daemon {
    if (!this.#daemon) throw new Error('lnmuxd was not started');
    return this.#daemon;
  }

  /** The log, also of a daemon that never came up. */
  get logTail(): readonly string[] {
    return this.#daemon?.tail(15) ?? [];
  }

  /** Waits until lnmuxd has, or no longer has, a connection with the node. */
  async connected(name: NodeName, connected: boolean, since = 0): Promise<void> {
    await this.daemon.node((await this.info(name)).pubkey, connected, since);
  }

  /** Starts a node. One that ran before has the same keys, ports and HTLCs again: they are in its folder. */
  async startNode(name: NodeName): Promise<SimulatedLndInfo & { readonly pid: number }> {
    if (this.#stopping) throw new Error('the demo is ending');
    const starting = startChildNode(['--name', name, '--dir', join(this.#dir, name)]);
    this.#nodes.set(name, starting);
    const { info, process } = await starting;
    this.leftovers.process(name, process.pid!);
    this.leftovers.port(name, info.lndUrl);
    this.leftovers.port(`${name}'s control`, info.controlUrl);
    return { ...info, pid: process.pid! };
  }

  async info(name: NodeName): Promise<SimulatedLndInfo> {
    return (await this.#node(name)).info;
  }

  /** The levers of a simulated node: blocks, faults, and HTLCs from its peers. */
  async control(name: NodeName): Promise<NodeControl> {
    const known = this.#controls.get(name);
    if (known) return known;
    const control = new NodeControl((await this.info(name)).controlUrl);
    this.#controls.set(name, control);
    return control;
  }

  /** SIGKILL, as the kernel does when memory runs out: nothing is flushed, nobody is told. */
  async kill(name: NodeName): Promise<void> {
    await (await this.#node(name)).stop('SIGKILL');
  }

  /** Writes the configuration and starts lnmuxd; resolves once it serves its API. */
  async startDaemon(): Promise<void> {
    const nodes = await Promise.all([this.info('alice'), this.info('bob')]);
    await writeFile(this.configPath, configuration(nodes), { mode: 0o600 });
    if (this.#stopping) throw new Error('the demo is ending');
    const daemon = new Daemon(this.configPath);
    this.#daemon = daemon;
    this.leftovers.process('lnmuxd', daemon.pid);
    void daemon.ended.then((how) => this.#trouble.reject(new Error(how)));
    await daemon.serving();
    this.leftovers.port('lnmuxd', daemon.address);
    this.leftovers.postgres(join(this.#dir, 'postgres'));
  }

  /** Ends every process, in the order of dependence, and removes the folder. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const control of this.#controls.values()) control.close();
    await this.#daemon?.stop();
    const nodes = await Promise.allSettled(this.#nodes.values());
    await Promise.all(nodes.map((node) => (node.status === 'fulfilled' ? node.value.stop() : undefined)));
    await rm(this.#dir, { recursive: true, force: true, maxRetries: 10 });
  }

  async #node(name: NodeName): Promise<ChildNode> {
    const node = this.#nodes.get(name);
    if (!node) throw new Error(`${name} was not started`);
    return node;
  }
}

/** lnmux.yml: all that lnmuxd needs. No database is named, so it runs a PostgreSQL of its own in dataDir. */
function configuration(nodes: readonly SimulatedLndInfo[]): string {
  const entries = nodes.map(
    ({ name, pubkey, lndUrl, tlsCertPath, macaroonPath }) => `    - name: ${name}
      pubKey: ${pubkey}
      lndUrl: ${lndUrl}
      tlsCertPath: ${JSON.stringify(tlsCertPath)}
      macaroonPath: ${JSON.stringify(macaroonPath)}
`,
  );
  return `lnd:
  network: regtest
  nodes:
${entries.join('')}identityKey: ${randomBytes(32).toString('hex')}
db:
  dataDir: postgres
listenAddress: 127.0.0.1:0
instrumentationAddress: 127.0.0.1:0
logging:
  format: json
`;
}
