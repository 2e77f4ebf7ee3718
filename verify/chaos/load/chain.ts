import type { NodeSeat } from '../cluster/cluster.ts';
import type { Ledger } from '../judge/ledger.ts';

/** Mines at every node alike, and reads what each node has to say while at it. */
export class Chain {
  readonly #heights: Map<string, number>;
  readonly #faults = new Map<string, { pid: number; count: bigint }>();
  readonly #nodes: readonly NodeSeat[];
  readonly #ledger: Ledger;
  #timer: NodeJS.Timeout | undefined;

  constructor(nodes: readonly NodeSeat[], ledger: Ledger) {
    this.#nodes = nodes;
    this.#ledger = ledger;
    this.#heights = new Map(nodes.map(({ name, info }) => [name, info.height]));
  }

  /** A block at each node every so often, from now on. */
  start(blockMs: number): void {
    this.#timer = setInterval(() => void this.mine(), blockMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  height(node: string): number {
    return this.#heights.get(node)!;
  }

  /** One block; a node that is away catches up with the next. */
  async mine(): Promise<void> {
    const goal = Math.max(...this.#heights.values()) + 1;
    await Promise.all(
      this.#nodes.map(async (node) => {
        const blocks = goal - this.height(node.name);
        const state = await node.control.mine(blocks).catch(() => undefined);
        if (!state) return;
        this.#heights.set(node.name, Math.max(state.height, this.height(node.name)));
        this.#watchFaults(node, state.counters?.answerFaults ?? 0n);
      }),
    );
  }

  /** Notes what has come since the last look; a node that was killed counts from zero again. */
  #watchFaults({ name, keeper }: NodeSeat, count: bigint): void {
    const pid = keeper.current?.pid ?? 0;
    const before = this.#faults.get(name);
    const known = before?.pid === pid ? before.count : 0n;
    if (count > known)
      this.#ledger.answerFaults.push({ node: name, at: Date.now(), count: Number(count - known) });
    this.#faults.set(name, { pid, count });
  }
}
