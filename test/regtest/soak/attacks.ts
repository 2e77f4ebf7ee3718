import type { SeededRandom } from '../../../src/simulator/node/random.ts';
import { NODE_NAMES } from '../scenarios/cluster.ts';
import { pause } from '../scenarios/eventually.ts';
import type { Stage } from '../scenarios/stage.ts';

/** Something that goes wrong, and is put right again. */
export interface Attack {
  readonly name: string;
  /** How often, compared with the others. */
  readonly weight: number;
  run(stage: Stage, random: SeededRandom): Promise<void>;
}

const LONGEST_ABSENCE_MS = 3_000;
const LONGEST_FREEZE_MS = 2_000;

const lnmuxdKilled: Attack = {
  name: 'kill -9 of lnmuxd and its database',
  weight: 4,
  async run(stage) {
    await stage.killLnmuxd();
    await stage.startLnmuxd();
  },
};

const lnmuxdFrozen: Attack = {
  name: 'SIGSTOP of lnmuxd',
  weight: 2,
  async run(stage, random) {
    const { pid } = stage.lnmuxd;
    process.kill(pid, 'SIGSTOP');
    await pause(random.below(LONGEST_FREEZE_MS));
    process.kill(pid, 'SIGCONT');
  },
};

const nodeKilled: Attack = {
  name: 'kill -9 of a node',
  weight: 4,
  async run(stage, random) {
    const name = NODE_NAMES[random.below(NODE_NAMES.length)]!;
    const node = stage.cluster.nodes[name];
    await node.kill();
    await pause(random.below(LONGEST_ABSENCE_MS));
    await node.start();
  },
};

const allKilled: Attack = {
  name: 'kill -9 of everything',
  weight: 1,
  async run(stage) {
    const nodes = Object.values(stage.cluster.nodes);
    await Promise.all([stage.killLnmuxd(), ...nodes.map((node) => node.kill())]);
    await Promise.all(nodes.map((node) => node.start()));
    await stage.startLnmuxd();
  },
};

const block: Attack = {
  name: 'a block',
  weight: 2,
  run: (stage) => stage.cluster.mine(1),
};

const ATTACKS: readonly Attack[] = [lnmuxdKilled, lnmuxdFrozen, nodeKilled, allKilled, block];

export function drawAttack(random: SeededRandom): Attack {
  let left = random.below(ATTACKS.reduce((sum, { weight }) => sum + weight, 0));
  return ATTACKS.find(({ weight }) => {
    left -= weight;
    return left < 0;
  })!;
}
