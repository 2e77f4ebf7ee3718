import { describe, expect, it } from 'vitest';
import { LocalDaemon } from '../../verify/exhaustive/daemon/localDaemon.ts';
import { DaemonMemory } from '../../verify/exhaustive/daemon/memory.ts';
import { OP, op } from '../../verify/exhaustive/daemon/ops.ts';
import { REAL_DESIGN } from '../../verify/exhaustive/design.ts';
import { coverageOf } from '../../verify/exhaustive/explore/coverage.ts';
import {
  Exploration,
  explore,
  FEWEST,
  PLAIN,
  type Reductions,
  SHORTEST,
} from '../../verify/exhaustive/explore/explore.ts';
import { MUTANTS, type Mutant } from '../../verify/exhaustive/mutants/mutants.ts';
import { Scene } from '../../verify/exhaustive/scene.ts';
import { scopesOf } from '../../verify/exhaustive/scopes.ts';
import { Random } from '../../verify/fuzz/engine/random.ts';

/** On a machine that has much else to do. */
const LONG_MS = 240_000;

const scopeNamed = (name: string) => scopesOf(name)[0]!;

/** The world in which a scope was explored. */
function explored(name: string) {
  const exploration = new Exploration(scopeNamed(name), REAL_DESIGN, {});
  exploration.run();
  return exploration.world;
}

describe('every interleaving of a small world around the real charts', () => {
  it.each(['tiny', 'database', 'faults', 'three-crash', 'split'])(
    'scope %s: no law broken, nothing stuck',
    (name) => {
      const report = explore(scopeNamed(name), REAL_DESIGN);
      expect(report.violation).toBeUndefined();
      expect(report.isComplete).toBe(true);
      expect(report.stuck).toBe(0);
      // A checker that finds no states finds no errors either.
      expect(report.states).toBeGreaterThan(1_000);
      // The residual that no design avoids is met, and called that.
      if (name === 'faults') expect(report.partials).toBeGreaterThan(0);
    },
    LONG_MS,
  );

  it('gives the same figures each time', () => {
    const figures = () => {
      const { states, transitions, depth, memories } = explore(scopeNamed('restarts'), REAL_DESIGN);
      return { states, transitions, depth, memories };
    };
    expect(figures()).toEqual(figures());
  });
});

describe('states that stand for others', () => {
  it.each(['tiny', 'database', 'readiness', 'restarts', 'split', 'third'])(
    'scope %s: every state has one that stands for it',
    (name) => {
      const { all, reduced, missing } = coverageOf(scopeNamed(name), REAL_DESIGN);
      expect(missing).toBe(0);
      expect(all).toBeGreaterThan(reduced);
    },
    LONG_MS,
  );

  it.each(['restarts', 'split', 'third'])('scope %s: like memories have like futures', (name) => {
    const { memory, scene } = explored(name);
    const random = new Random(7);
    const met = new Set<number>();
    for (let walk = 0; walk < 800; walk++) {
      const daemon = new LocalDaemon(scene, REAL_DESIGN);
      for (let at = DaemonMemory.EMPTY, length = 0; length < 50; length++) {
        const steps = [...memory.stepsFrom(at)];
        if (steps.length === 0) break;
        const { op, env, to } = steps[random.below(steps.length)]!;
        daemon.run(op, env);
        // Never brought back by another way: whatever was left out of a key would show by now.
        expect(memory.keyOf(daemon)).toBe(memory.infos[to.next]!.key);
        expect([...daemon.effects].sort()).toEqual([...to.effects].sort());
        at = to.next;
        met.add(at);
      }
    }
    expect(met.size).toBeGreaterThan(memory.infos.length / 2);
  });

  it.each(['split', 'third'])('scope %s: the mirrored way leads to the mirror image', (name) => {
    const { memory } = explored(name);
    let others = 0;
    for (let state = 0; state < memory.infos.length; state++) {
      const image = memory.mirror(state, 0);
      expect(memory.mirroredWay(state, 0)).toBe(image);
      expect(memory.mirror(image, 0)).toBe(state);
      if (image !== state) others++;
    }
    expect(others).toBeGreaterThan(10);
  });
});

describe('the checker finds what is seeded', () => {
  const verdictOf = ({ scope, design }: Mutant, reductions: Reductions) => {
    const report = explore(scopeNamed(scope), design, { reductions });
    const law = report.violation?.law ?? (report.stuck > 0 ? 'stuck' : 'nothing');
    return { law, steps: (report.violation?.story ?? report.stuckStory)?.length };
  };

  it.each(MUTANTS)(
    '$design.name: $what',
    (mutant) => {
      const shortest = verdictOf(mutant, SHORTEST);
      expect(shortest.law.startsWith(mutant.breaks)).toBe(true);
      expect(shortest.steps).toBeGreaterThan(0);
      // No story is shorter for telling all states apart. (The largest scope takes too long that way.)
      if (mutant.scope !== 'two-takeovers') expect(verdictOf(mutant, PLAIN)).toEqual(shortest);
      // In another order another law may be found broken first.
      const fewest = verdictOf(mutant, FEWEST);
      expect(fewest.law).not.toBe('nothing');
      expect(fewest.steps).toBeGreaterThan(0);
    },
    LONG_MS,
  );

  it('at least 20 of them, each with a name of its own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20);
    expect(new Set(MUTANTS.map((m) => m.design.name)).size).toBe(MUTANTS.length);
  });
});

describe('memories of a daemon', () => {
  const ENV = 0b11_1111;

  it('are the same whether they are computed at once or brought back', () => {
    const ops = [
      op(OP.offered, 0),
      op(OP.admitted, 0),
      op(OP.offered, 1),
      op(OP.admitted, 1),
      op(OP.settle, 3),
      op(OP.acknowledged, 1),
    ];
    const scene = new Scene([0, 1], [2, 2]);
    const once = new DaemonMemory(scene, REAL_DESIGN);
    const keys = (memory: DaemonMemory) => {
      let at = DaemonMemory.EMPTY;
      return ops.map((code) => {
        at = memory.apply(at, code, ENV).next;
        return memory.infos[at]!.key;
      });
    };
    const first = keys(once);
    expect(keys(once)).toEqual(first);
    expect(keys(new DaemonMemory(scene, REAL_DESIGN))).toEqual(first);
    expect(new Set(first).size).toBe(ops.length);
  });

  it('depend on what was looked at only', () => {
    const memory = new DaemonMemory(new Scene([0, 1], [2, 2]), REAL_DESIGN);
    const { next } = memory.apply(DaemonMemory.EMPTY, op(OP.offered, 0), ENV);
    expect(memory.apply(DaemonMemory.EMPTY, op(OP.offered, 0), 0).next).toBe(next);
    const held = memory.apply(next, op(OP.admitted, 0), ENV).next;
    // The node has given it back meanwhile.
    const dropped = memory.apply(next, op(OP.admitted, 0), 0).next;
    expect(dropped).not.toBe(held);
    expect(memory.infos[dropped]!.hasEntry).toBe(false);
  });
});
