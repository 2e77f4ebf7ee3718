import { type NodeId, nodeIdFromBytes } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { SimulatedNode } from '../../src/simulator/node/simulatedNode.ts';
import type { Htlc, NodeOutput, Outcome, Resolution } from '../../src/simulator/node/types.ts';
import type { Counters } from './counters.ts';
import type { SimulatedConnection } from './lndConnection.ts';
import type { Prng } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export const REJECT_DELTA = 19;
export const START_HEIGHT = 800_000;

/** Hears what a node's peers and its database get to know. */
export interface OutcomeObserver {
  outcome(node: LndNode, id: PartId, htlc: Htlc, outcome: Outcome): void;
  final(node: LndNode, id: PartId, resolution: Resolution): void;
}

/** One lnd: the simulator's core, its connections, and what GetInfo says of it. */
export class LndNode {
  readonly name: string;
  readonly nodeId: NodeId;
  readonly virtualChannel: bigint;
  readonly channels: readonly bigint[];
  readonly core: SimulatedNode;
  readonly connections = new Set<SimulatedConnection>();
  synced = true;
  flagsRight = true;
  lookupsFail = false;
  /** The operator wants no new parts over it. */
  refusesParts = false;
  /** Until when transports to this node take nothing. */
  backpressureUntil = 0;
  /** Blocks that the chain has and the node has not seen, while it is stalled or down. */
  #behind = 0;
  #stalled = false;
  readonly #scheduler: Scheduler;
  readonly #random: Prng;

  constructor(
    index: number,
    channels: number,
    scheduler: Scheduler,
    random: Prng,
    counters: Counters,
    observer: OutcomeObserver,
  ) {
    this.name = `lnd${index}`;
    const id = new Uint8Array(33).fill(index + 1);
    id[0] = 2;
    id.set(random.bytes(8), 25);
    this.nodeId = nodeIdFromBytes(id)!;
    this.virtualChannel = virtualChannelId(this.nodeId);
    this.channels = Array.from({ length: channels }, (_, c) => BigInt((index + 1) * 1_000 + c) << 40n);
    this.#scheduler = scheduler;
    this.#random = random;
    this.core = new SimulatedNode({
      settings: {
        epoch: 'N',
        rejectDelta: REJECT_DELTA,
        signDelayMs: 40,
        finalDelayMs: 60,
        relinkDelayMs: 700,
      },
      height: START_HEIGHT,
      seed: random.below(2 ** 31),
      timer: {
        schedule: (delayMs, run) =>
          void scheduler.after(delayMs * random.between(0.2, 3), `${this.name} core`, run),
      },
      output: this.#output(counters, observer),
    });
  }

  get isUp(): boolean {
    return this.core.isUp;
  }

  /** The chain has a new block: this node hears of it soon, or when it can. */
  blockMined(): void {
    this.#behind += 1;
    this.#scheduler.after(this.#random.between(10, 1_500), `${this.name} block`, () => this.#catchUp());
  }

  setStalled(stalled: boolean): void {
    this.#stalled = stalled;
    if (!stalled) this.#catchUp();
  }

  stop(): void {
    if (!this.core.isUp) return;
    this.core.stop();
    for (const connection of [...this.connections]) connection.serverStopped();
  }

  start(switchStarted: boolean): void {
    if (this.core.isUp) return;
    this.core.setSwitchStarted(switchStarted);
    this.core.start();
    this.#catchUp();
  }

  #catchUp(): void {
    if (this.#stalled || !this.core.isUp) return;
    const blocks = this.#behind;
    this.#behind = 0;
    this.core.mine(blocks);
  }

  #output(counters: Counters, observer: OutcomeObserver): NodeOutput {
    const idOf = (key: { chanId: bigint; htlcId: bigint }) =>
      partIdOf({ nodeId: this.nodeId, chanId: key.chanId, htlcId: key.htlcId });
    return {
      event: (event) => {
        if (event.kind !== 'final') return;
        for (const connection of this.connections) connection.tellFinal(event, event);
      },
      block: (height) => {
        for (const connection of this.connections) connection.tellBlock(height);
      },
      answered: (_htlc, answer) =>
        counters.hit(`lnd.answered.${['settle', 'fail', 'resume'][answer.action]}`),
      outcome: (htlc, outcome) => observer.outcome(this, idOf(htlc), htlc, outcome),
      journal: (record) => {
        if (record.type === 'final') {
          observer.final(this, idOf(record), { settled: record.settled, offchain: record.offchain });
        }
      },
    };
  }
}
