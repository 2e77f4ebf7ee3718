/**
 * What the scenarios need of the world: two lnd nodes that lnmux uses, a payer with a channel to each of them, and a
 * chain. There are two of them: simulated (../simulated) and of real binaries (../lnd).
 */
import type { Epoch, Series } from '../../../src/simulator/node/types.ts';

export type NodeName = 'alice' | 'bob';

export const NODE_NAMES: readonly NodeName[] = ['alice', 'bob'];

export interface Cluster {
  readonly nodes: Readonly<Record<NodeName, ClusterNode>>;
  readonly payer: Payer;
  readonly patience: Patience;
  readonly generation: Generation;
  height(): Promise<number>;
  /** Mines, and waits until every node that runs has seen the blocks. */
  mine(blocks: number): Promise<void>;
  /** The payer's node goes, without a word. */
  killPayer(): Promise<void>;
  /** It comes back, whatever became of its channels. */
  startPayer(): Promise<void>;
  /** Kills the nodes and the payer, as a power cut does. */
  killAll(): Promise<void>;
  /** Starts what does not run, opens channels that are missing, and waits until payments are possible. */
  startAll(): Promise<void>;
  /** Ends everything. */
  stop(): Promise<void>;
}

/** Which of lnd's behaviours over the years to expect of the nodes. */
export interface Generation {
  readonly epoch: Epoch;
  readonly series: Series;
}

/** How long things take here. */
export interface Patience {
  /** The longest that anything may take, in milliseconds. */
  readonly limitMs: number;
  /** A hold or accept timeout that a test is willing to wait for, in lnmux.yml's words. */
  readonly shortTimeout: string;
  /** What the nodes may need after a block to send their next transaction. */
  readonly blockMs: number;
}

/** An lnd of the cluster. */
export interface ClusterNode {
  readonly name: NodeName;
  /** Where lnmux finds it. It stays where it is over restarts. */
  readonly connection: Connection;
  kill(): Promise<void>;
  /** Waits until the payer has noticed that it is away: what is sent before waits in their channel. */
  missedByPayer(): Promise<void>;
  /** Starts it again with all that it had on disk; waits until its channel with the payer works. */
  start(): Promise<void>;
  /** HTLCs that its channel with the payer holds now. */
  pendingHtlcs(): Promise<number>;
  /** Everything it was paid so far over channels that are open. */
  receivedMsat(): Promise<bigint>;
  /**
   * The payer, or this node, force-closes the channel between them; resolves when the node knows that it is closed on
   * chain.
   */
  forceClose(by: 'payer' | 'node'): Promise<void>;
  /** A new channel between payer and node, ready for payments. */
  openChannel(): Promise<void>;
}

export interface Connection {
  readonly name: NodeName;
  readonly pubkey: string;
  /** host:port */
  readonly lndUrl: string;
  readonly tlsCertPath: string;
  readonly macaroonPath: string;
}

/** Somebody else's wallet. Its promises resolve when the payment is over; they follow it over a restart of all. */
export interface Payer {
  /** As a wallet does it: finds the way by itself, splits where it has to, tries again where that may help. */
  pay(invoice: string, options?: { readonly through?: NodeName }): Promise<Payment>;
  /** Exactly these HTLCs, each once. With a total above their sum the rest never comes. */
  send(invoice: string, parts: readonly PartPlan[], totalMsat?: bigint): Promise<Payment>;
  /** An amount that no single channel of the payer can carry, but both together can. */
  amountForBoth(): Promise<bigint>;
}

export interface PartPlan {
  readonly through: NodeName;
  readonly amountMsat: bigint;
}

/** What became of a payment, as its payer knows it. */
export interface Payment {
  /** partial: some parts were taken, others were not. That must never be seen. */
  readonly status: 'settled' | 'failed' | 'partial' | 'pending';
  /** Hex, with the first settled part. */
  readonly preimage: string | undefined;
  /** Every HTLC there was, also those that were tried again elsewhere. */
  readonly parts: readonly PaidPart[];
}

export interface PaidPart {
  readonly through: NodeName;
  /** What arrives. */
  readonly amountMsat: bigint;
  /** What the route hint asks for it. */
  readonly feeMsat: bigint;
  readonly status: 'settled' | 'failed' | 'pending';
  readonly failure: PartFailure | undefined;
}

export interface PartFailure {
  /** As BOLT 4 has it: `mpp_timeout`, … Or what else went wrong. */
  readonly name: string;
  /** Who says so: 0 the cluster's node, 1 the payee. */
  readonly hop: number | undefined;
}

/** Sums up the parts of a payment that was to bring `plannedMsat`. */
export function paymentOf(
  parts: readonly PaidPart[],
  plannedMsat: bigint,
  preimage: string | undefined,
): Payment {
  const settledMsat = sumOf(parts, 'settled');
  const status =
    sumOf(parts, 'pending') > 0n
      ? 'pending'
      : settledMsat === 0n
        ? 'failed'
        : settledMsat < plannedMsat
          ? 'partial'
          : 'settled';
  return { status, preimage, parts };
}

function sumOf(parts: readonly PaidPart[], status: PaidPart['status']): bigint {
  return parts.filter((part) => part.status === status).reduce((sum, part) => sum + part.amountMsat, 0n);
}
