import type {
  Cluster,
  ClusterNode,
  Connection,
  Generation,
  NodeName,
  Patience,
} from '../scenarios/cluster.ts';
import { NODE_NAMES } from '../scenarios/cluster.ts';
import type { Binaries } from './binaries.ts';
import { type Chain, startChain } from './chain.ts';
import { forceClose, fundNodes, type Mine, openChannel, usable } from './channels.ts';
import { LndNode, type LndPlan } from './node.ts';
import { LndPayer } from './payer.ts';
import { chainFlags, generationOf } from './versions.ts';
import type { Workspace } from './workspace.ts';

const STOP_LIMIT_MS = 30_000;

/** The scenarios' cluster of real lnds: alice and bob behind lnmux, carol who pays, and a chain. */
export class LndCluster implements Cluster {
  readonly nodes: Readonly<Record<NodeName, LndClusterNode>>;
  readonly payer: LndPayer;
  readonly patience: Patience = { limitMs: 120_000, shortTimeout: '5s', blockMs: 2_000 };
  readonly generation: Generation;
  readonly #chain: Chain;
  readonly #carol: LndNode;
  readonly #all: readonly LndNode[];

  private constructor(chain: Chain, carol: LndNode, alice: LndNode, bob: LndNode, generation: Generation) {
    this.generation = generation;
    this.#chain = chain;
    this.#carol = carol;
    this.#all = [carol, alice, bob];
    const mine: Mine = (blocks) => this.mine(blocks);
    const inCluster = (lnd: LndNode) => new LndClusterNode(lnd, carol, chain, mine);
    this.nodes = { alice: inCluster(alice), bob: inCluster(bob) };
    this.payer = new LndPayer(carol, { alice, bob });
  }

  /** Starts everything, with channels that can be paid through. `say` hears how far it is. */
  static async start(
    binaries: Binaries,
    version: string,
    workspace: Workspace,
    say: (text: string) => void,
  ): Promise<LndCluster> {
    const chain = await startChain(binaries.chain, workspace);
    say(`${binaries.chain.kind} runs`);
    const { lnd, lncli } = binaries;
    const chainArgs = [...chainFlags(version), ...chain.lndArgs];
    const prepare = (name: LndPlan['name'], role: LndPlan['role']) =>
      LndNode.prepare({ name, role, lnd, lncli, chainArgs, workspace });
    const [carol, alice, bob] = await Promise.all([
      prepare('carol', 'payer'),
      prepare('alice', 'cluster'),
      prepare('bob', 'cluster'),
    ]);
    await payToWallet(chain, carol);
    const cluster = new LndCluster(chain, carol, alice, bob, generationOf(version));
    await cluster.#launchAll();
    say('alice, bob and carol run');
    const mine: Mine = (blocks) => cluster.mine(blocks);
    await fundNodes(carol, [alice, bob], chain, mine);
    for (const node of [alice, bob]) await openChannel(carol, node, chain, mine);
    say('carol has a channel to each of the others');
    for (const node of [alice, bob]) await node.bakeMacaroon();
    return cluster;
  }

  height(): Promise<number> {
    return this.#chain.height();
  }

  async mine(blocks: number): Promise<void> {
    await this.#chain.mine(blocks);
    const height = await this.height();
    await Promise.all(this.#all.filter(({ isRunning }) => isRunning).map((lnd) => lnd.synced(height)));
  }

  async killPayer(): Promise<void> {
    await this.#carol.kill();
  }

  async startPayer(): Promise<void> {
    await this.#carol.launch();
    await this.#carol.synced(await this.height());
  }

  async killAll(): Promise<void> {
    await Promise.all(this.#all.map((lnd) => lnd.kill()));
  }

  async startAll(): Promise<void> {
    await this.#launchAll();
    for (const name of NODE_NAMES) await this.nodes[name].withChannel();
  }

  async #launchAll(): Promise<void> {
    await Promise.all(this.#all.map((lnd) => lnd.launch()));
    const height = await this.height();
    await Promise.all(this.#all.map((lnd) => lnd.synced(height)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all.map((lnd) => lnd.stop(STOP_LIMIT_MS)));
    await this.#chain.stop();
  }
}

/** A block, as lnd starts on no older chain; then blocks that pay the wallet of an lnd. */
async function payToWallet(chain: Chain, lnd: LndNode): Promise<void> {
  await chain.mine(1);
  await lnd.launch();
  const address = await lnd.newAddress();
  await lnd.stop(STOP_LIMIT_MS);
  await chain.payTo(address);
  await chain.mine(chain.firstBlocks);
}

/** alice or bob. */
export class LndClusterNode implements ClusterNode {
  readonly name: NodeName;
  readonly #lnd: LndNode;
  readonly #carol: LndNode;
  readonly #chain: Chain;
  readonly #mine: Mine;

  constructor(lnd: LndNode, carol: LndNode, chain: Chain, mine: Mine) {
    this.name = lnd.name as NodeName;
    this.#lnd = lnd;
    this.#carol = carol;
    this.#chain = chain;
    this.#mine = mine;
  }

  get connection(): Connection {
    return this.#lnd.connection;
  }

  kill(): Promise<void> {
    return this.#lnd.kill();
  }

  async missedByPayer(): Promise<void> {
    await this.#carol.until(`${this.#carol.name} missed ${this.name}`, async () => {
      const channels = await this.#carol.channels(this.#lnd.pubkey);
      return channels.some(({ isActive }) => isActive) ? undefined : true;
    });
  }

  async start(): Promise<void> {
    await this.#lnd.launch();
    await this.#lnd.synced(await this.#chain.height());
    await this.untilUsable();
  }

  /** Waits for the channel with carol, if there is one. */
  async untilUsable(): Promise<void> {
    if ((await this.#carol.channels(this.#lnd.pubkey)).length > 0) await usable(this.#carol, this.#lnd);
  }

  /** Waits for its channel with carol, and opens one where a scenario that failed left none. */
  async withChannel(): Promise<void> {
    if ((await this.#carol.channels(this.#lnd.pubkey)).length === 0) await this.openChannel();
    else await usable(this.#carol, this.#lnd);
  }

  async pendingHtlcs(): Promise<number> {
    const channels = await this.#lnd.channels(this.#carol.pubkey);
    return channels.reduce((sum, { pendingHtlcs }) => sum + pendingHtlcs, 0);
  }

  receivedMsat(): Promise<bigint> {
    return this.#lnd.channelBalanceMsat();
  }

  forceClose(by: 'payer' | 'node'): Promise<void> {
    const [closer, other] = by === 'payer' ? [this.#carol, this.#lnd] : [this.#lnd, this.#carol];
    return forceClose({ closer, other, node: this.#lnd }, this.#chain, this.#mine);
  }

  openChannel(): Promise<void> {
    return openChannel(this.#carol, this.#lnd, this.#chain, this.#mine);
  }
}
