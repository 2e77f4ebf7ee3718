import { ROW } from '../daemon/ops.ts';
import { FAILS, HTLC, htlcAt, LATE, ROW_STATUS } from '../world/layout.ts';
import type { World } from '../world/world.ts';
import type { HealingEdges } from './edges.ts';
import type { StateStore } from './stateStore.ts';

/**
 * Backward reachability: a state is fine when everything in it is over, or when a healing step leads to one that
 * is fine. What is left can't end any more without a new block, a fault, the payer or the application.
 *
 * Healing steps lead mostly to states that were found later, so sweeping backwards settles
 * nearly all in one go.
 */
export function findStuck(world: World, store: StateStore, edges: HealingEdges) {
  const fine = new Uint8Array(store.size);
  for (let index = 0; index < store.size; index++) {
    world.load(store.chunkOf(index), store.offsetOf(index));
    if (isOver(world)) fine[index] = 1;
  }
  const isFine = (target: number) => fine[target] === 1;
  for (let changed = true; changed; ) {
    changed = false;
    for (let turn = edges.explored - 1; turn >= 0; turn--) {
      const index = edges.state(turn);
      if (fine[index] || !edges.some(turn, isFine)) continue;
      fine[index] = 1;
      changed = true;
    }
  }
  let count = 0;
  let first: number | undefined;
  for (let index = 0; index < store.size; index++) {
    if (fine[index]) continue;
    count++;
    first ??= index;
  }
  return { count, first };
}

/**
 * Every HTLC that was sent has its end, and the database knows of it. A failure that was written too late to be
 * asked for stays until the next start: it harms nobody.
 */
function isOver({ before, scene }: World): boolean {
  for (let k = 0; k < scene.htlcs; k++) {
    const state = before[htlcAt(k)]!;
    if (state !== HTLC.unsent && state < HTLC.settled) return false;
  }
  const status = before[ROW_STATUS];
  return status !== ROW.requested && status !== ROW.released && (before[FAILS]! & ~before[LATE]!) === 0;
}
