import { describe, expect, it } from 'vitest';
import { DaemonMemory } from '../../verify/exhaustive/daemon/memory.ts';
import { OP, op } from '../../verify/exhaustive/daemon/ops.ts';
import { REAL_DESIGN } from '../../verify/exhaustive/design.ts';
import { explore } from '../../verify/exhaustive/explore/explore.ts';
import { MUTANTS } from '../../verify/exhaustive/mutants/mutants.ts';
import { Scene } from '../../verify/exhaustive/scene.ts';
import { scopesOf } from '../../verify/exhaustive/scopes.ts';

const scopeNamed = (name: string) => scopesOf(name)[0]!;

describe('every interleaving of a small world around the real charts', () => {
  it.each(['tiny', 'database'])('scope %s: no law broken, nothing stuck', (name) => {
    const report = explore(scopeNamed(name), REAL_DESIGN);
    expect(report.violation).toBeUndefined();
    expect(report.isComplete).toBe(true);
    expect(report.stuck).toBe(0);
    // A checker that finds no states finds no errors either.
    expect(report.states).toBeGreaterThan(10_000);
    // The residual that no design avoids is met, and called that.
    if (name === 'tiny') expect(report.partials).toBeGreaterThan(0);
  });

  it('two daemons of which each takes itself for the leader', () => {
    const report = explore(scopeNamed('split'), REAL_DESIGN, { maxStates: 150_000 });
    expect(report.violation).toBeUndefined();
  });

  it('gives the same figures each time', () => {
    const figures = () => {
      const { states, transitions, depth, memories } = explore(scopeNamed('database'), REAL_DESIGN);
      return { states, transitions, depth, memories };
    };
    expect(figures()).toEqual(figures());
  });
});

describe('the checker finds what is seeded', () => {
  const quick = [
    'drop-barrier',
    'no-last-look',
    'settle-before-ack',
    'read-not-resubmit',
    'unfenced-fail',
    'unfenced-lookup',
    'answer-twice',
    'no-outcome-lookup',
  ];

  it.each(quick)('%s', (name) => {
    const mutant = MUTANTS.find((m) => m.design.name === name)!;
    const report = explore(scopeNamed(mutant.scope), mutant.design);
    const law = report.violation?.law ?? (report.stuck > 0 ? 'stuck' : 'nothing');
    expect(law.startsWith(mutant.breaks)).toBe(true);
    const story = report.violation?.story ?? report.stuckStory;
    expect(story?.length).toBeGreaterThan(0);
  });

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
