import { type ChildNode, startChildNode } from '../../../src/simulator/childNode.ts';
import { NodeControl } from '../../../src/simulator/control/nodeControl.ts';
import type { ClusterNode, Connection, Generation, NodeName } from '../scenarios/cluster.ts';
import { eventually } from '../scenarios/eventually.ts';

/** What all simulated nodes have in common. */
export interface SimulatedChain {
  height: number;
  /** Of the channels between payer and nodes. The simulator opens one when it is first used. */
  chanId: bigint;
}

const START_LIMIT_MS = 30_000;

/** A simulated lnd in a process of its own, which comes back as the same node. */
export class SimulatedNode implements ClusterNode {
  readonly name: NodeName;
  control!: NodeControl;
  readonly #args: readonly string[];
  readonly #chain: SimulatedChain;
  #child: ChildNode | undefined;
  #connection: Connection | undefined;

  /** The chain goes on while the node is down. */
  constructor(name: NodeName, dir: string, seed: number, chain: SimulatedChain, generation: Generation) {
    this.name = name;
    this.#chain = chain;
    const settings = { name, dir, seed, height: chain.height, ...generation };
    this.#args = Object.entries(settings).flatMap(([option, value]) => [`--${option}`, String(value)]);
  }

  get connection(): Connection {
    if (!this.#connection) throw new Error(`${this.name} was never started`);
    return this.#connection;
  }

  async start(): Promise<void> {
    if (this.#child) return;
    const child = await startChildNode(this.#args);
    this.#child = child;
    this.#connection = { ...child.info, name: this.name };
    this.control ??= new NodeControl(child.info.controlUrl);
    // After a kill the client of the control API takes a moment to come back as well.
    await eventually(`${this.name} to answer`, START_LIMIT_MS, () =>
      this.control.getState().then(
        () => true,
        () => false,
      ),
    );
    await this.catchUp();
  }

  /** Mines what this node has not seen of the chain. */
  async catchUp(): Promise<void> {
    if (!this.#child) return;
    const blocks = this.#chain.height - (await this.control.getState()).height;
    if (blocks > 0) await this.control.mine(blocks);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    await child?.stop('SIGKILL');
  }

  /** The simulated payer is told at once when a node can't take its HTLC. */
  async missedByPayer(): Promise<void> {}

  async pendingHtlcs(): Promise<number> {
    return (await this.control.getState()).pending;
  }

  async receivedMsat(): Promise<bigint> {
    return (await this.control.getState()).receivedMsat;
  }

  /** To a simulated node it is the same whoever closes. */
  async forceClose(): Promise<void> {
    await this.control.forceClose(this.#chain.chanId);
    this.#chain.chanId += 1n << 16n;
  }

  /** The simulator opens one when it is first used. */
  async openChannel(): Promise<void> {}

  async close(): Promise<void> {
    this.control?.close();
    await this.kill();
  }
}
