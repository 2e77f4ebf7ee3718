import { join } from 'node:path';
import { type NodeId, nodeIdFromText } from '../../../src/domain/hash.ts';
import { decodeInvoice } from '../../../src/lightning/bolt11.ts';
import { Payer as SimulatedPayer } from '../../../src/simulator/payer/payer.ts';
import type { Attempt, PaymentResult, PayOptions } from '../../../src/simulator/payer/payment.ts';
import {
  type Cluster,
  type ClusterNode,
  type Generation,
  NODE_NAMES,
  type NodeName,
  type PaidPart,
  type PartPlan,
  type Patience,
  type Payer,
  type Payment,
  paymentOf,
} from '../scenarios/cluster.ts';
import { type SimulatedChain, SimulatedNode } from './node.ts';

const START_HEIGHT = 1_000;
const FIRST_CHANNEL = (700_000n << 40n) | (1n << 16n);
const NEWEST: Generation = { epoch: 'N', series: '0.21' };
/** A simulated channel carries anything: the payer splits because it is told to. */
const AMOUNT_FOR_BOTH_MSAT = 400_000_001n;

/** The scenarios' cluster of simulated nodes, each a process; their payer lives in this one. */
export class SimulatedCluster implements Cluster {
  readonly nodes: Readonly<Record<NodeName, SimulatedNode & ClusterNode>>;
  readonly payer: Payer;
  readonly patience: Patience = { limitMs: 90_000, shortTimeout: '1s', blockMs: 100 };
  readonly generation: Generation;
  readonly #chain: SimulatedChain;
  /** The channel that the payer has left, while he is away. */
  #left: bigint | undefined;

  private constructor(nodes: readonly SimulatedNode[], chain: SimulatedChain, generation: Generation) {
    this.generation = generation;
    const [alice, bob] = nodes as [SimulatedNode, SimulatedNode];
    this.nodes = { alice, bob };
    this.#chain = chain;
    this.payer = new WalletOfSimulator(nodes, chain);
  }

  static async start(dir: string, generation = NEWEST): Promise<SimulatedCluster> {
    const chain = { height: START_HEIGHT, chanId: FIRST_CHANNEL };
    const nodes = NODE_NAMES.map(
      (name, index) => new SimulatedNode(name, join(dir, name), index + 1, chain, generation),
    );
    await Promise.all(nodes.map((node) => node.start()));
    return new SimulatedCluster(nodes, chain, generation);
  }

  async height(): Promise<number> {
    return this.#chain.height;
  }

  async mine(blocks: number): Promise<void> {
    this.#chain.height += blocks;
    await Promise.all(Object.values(this.nodes).map((node) => node.catchUp()));
  }

  async killPayer(): Promise<void> {
    this.#left = this.#chain.chanId;
    await this.#relink(this.#left, true);
  }

  async startPayer(): Promise<void> {
    if (this.#left === undefined) return;
    await this.#relink(this.#left, false);
    this.#left = undefined;
  }

  async #relink(chanId: bigint, down: boolean): Promise<void> {
    await Promise.all(Object.values(this.nodes).map(({ control }) => control.relink(chanId, down)));
  }

  async killAll(): Promise<void> {
    await Promise.all(Object.values(this.nodes).map((node) => node.kill()));
  }

  async startAll(): Promise<void> {
    await Promise.all(Object.values(this.nodes).map((node) => node.start()));
    await this.startPayer();
  }

  async stop(): Promise<void> {
    await Promise.all(Object.values(this.nodes).map((node) => node.close()));
  }
}

class WalletOfSimulator implements Payer {
  readonly #nodes: readonly SimulatedNode[];
  readonly #chain: SimulatedChain;
  readonly #payers = new Map<bigint, SimulatedPayer>();

  constructor(nodes: readonly SimulatedNode[], chain: SimulatedChain) {
    this.#nodes = nodes;
    this.#chain = chain;
  }

  async pay(invoice: string, options: { readonly through?: NodeName } = {}): Promise<Payment> {
    const { amountMsat = 0n } = decodeInvoice(invoice);
    const { through } = options;
    if (through) return this.#pay(invoice, { parts: this.#routed([{ through, amountMsat }]) }, amountMsat);
    const splits = amountMsat >= AMOUNT_FOR_BOTH_MSAT ? 2 : 1;
    return this.#pay(invoice, { splits }, amountMsat);
  }

  async send(invoice: string, parts: readonly PartPlan[], totalMsat?: bigint): Promise<Payment> {
    const planned = parts.reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
    const options = { parts: this.#routed(parts), maxRetries: 0, totalMsat: totalMsat ?? planned };
    return this.#pay(invoice, options, planned);
  }

  async amountForBoth(): Promise<bigint> {
    return AMOUNT_FOR_BOTH_MSAT;
  }

  async #pay(invoice: string, options: PayOptions, plannedMsat: bigint): Promise<Payment> {
    return translated(await this.#payer().pay(invoice, options), plannedMsat, (id) => this.#nameOf(id));
  }

  #payer(): SimulatedPayer {
    const { chanId } = this.#chain;
    const known = this.#payers.get(chanId);
    if (known) return known;
    const nodes = this.#nodes.map(({ control }) => control);
    const payer = new SimulatedPayer({ nodes, chanId, seed: Number(chanId & 0xffffn) });
    this.#payers.set(chanId, payer);
    return payer;
  }

  #routed(parts: readonly PartPlan[]) {
    return parts.map(({ through, amountMsat }) => {
      const { connection } = this.#nodes.find(({ name }) => name === through)!;
      return { amountMsat, nodeId: nodeIdFromText(connection.pubkey)! };
    });
  }

  #nameOf(id: NodeId): NodeName {
    return this.#nodes.find(({ connection }) => connection.pubkey === id)!.name;
  }
}

function translated(
  { attempts, preimage }: PaymentResult,
  plannedMsat: bigint,
  nameOf: (id: NodeId) => NodeName,
): Payment {
  // What never became an HTLC is no part: a wallet looks for another way at once.
  const sent = attempts.filter(({ failure }) => failure?.kind !== 'refused');
  const part = ({ nodeId, amountMsat, feeMsat, status, failure }: Attempt): PaidPart => ({
    through: nameOf(nodeId),
    amountMsat,
    feeMsat,
    status,
    failure: failure && { name: failure.text, hop: failure.hop },
  });
  return paymentOf(sent.map(part), plannedMsat, preimage);
}
