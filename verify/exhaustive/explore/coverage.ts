import type { Design } from '../design.ts';
import type { Scope } from '../scopes.ts';
import { Steps } from '../world/steps.ts';
import type { World } from '../world/world.ts';
import { Exploration, FEWEST } from './explore.ts';
import { StateStore } from './stateStore.ts';

export interface Coverage {
  /** States explored with nothing standing for anything else. */
  readonly all: number;
  readonly reduced: number;
  /** Of all, those for which no state of the reduced exploration stands. */
  readonly missing: number;
}

/** Explores a scope with and without reductions, and looks for what the reduced exploration does not cover. */
export function coverageOf(scope: Scope, design: Design): Coverage {
  const exploration = new Exploration(scope, design, { reductions: FEWEST });
  exploration.run();
  const { world, store: reduced } = exploration;
  const before = reduced.size;
  const all = everyState(world);
  let missing = 0;
  for (let index = 0; index < all.size; index++) {
    world.load(all.chunkOf(index), all.offsetOf(index));
    world.begin();
    if (!reduced.has(world.standIn())) missing++;
  }
  return { all: all.size, reduced: before, missing };
}

function everyState(world: World): StateStore {
  const all = new StateStore(false);
  const steps = new Steps(world);
  all.add(world.initial(), 0);
  for (let index = 0; index < all.size; index++) {
    world.load(all.chunkOf(index), all.offsetOf(index));
    steps.expand(() => void all.add(world.words, index));
  }
  return all;
}
