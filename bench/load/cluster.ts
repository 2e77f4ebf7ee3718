import { join } from 'node:path';
import {
  type SimulatedLnd,
  type SimulatedLndInfo,
  startSimulatedLnd,
} from '../../src/simulator/server/simulatedLnd.ts';

const NAMES = ['alice', 'bob', 'carol', 'dave'];
const READY_TIMEOUT_MS = 30_000;

/** The simulated lnd nodes of the load process. */
export class Cluster {
  readonly nodes: readonly SimulatedLnd[];

  private constructor(nodes: readonly SimulatedLnd[]) {
    this.nodes = nodes;
  }

  static async start(dir: string, count: number): Promise<Cluster> {
    const names = NAMES.slice(0, count);
    const nodes = await Promise.all(
      names.map((name, index) => startSimulatedLnd({ name, dir: join(dir, name), seed: index + 1 })),
    );
    return new Cluster(nodes);
  }

  get infos(): readonly SimulatedLndInfo[] {
    return this.nodes.map(({ info }) => info);
  }

  /** Waits until a client intercepts at every node. */
  async intercepted(): Promise<void> {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    while (!this.nodes.every(({ node }) => node.isIntercepted)) {
      if (performance.now() > deadline) throw new Error('the daemon does not intercept');
      await new Promise((wake) => setTimeout(wake, 10));
    }
  }

  /** Streams that a node closed because of a wrong answer, since the start. */
  get answerFaults(): number {
    return this.nodes.reduce((sum, { hub }) => sum + hub.counters.answerFaults, 0);
  }
}
