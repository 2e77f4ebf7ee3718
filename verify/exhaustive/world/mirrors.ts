import { type Naming, namingsOf, OWN_NAMES } from '../daemon/naming.ts';
import { submissionMask } from '../daemon/ops.ts';
import type { Scene } from '../scene.ts';
import type { Scope } from '../scopes.ts';
import {
  ANSWERED,
  BUDGETS,
  BYTES,
  bookAt,
  EVENTS,
  FAILS,
  flightAt,
  GHOST,
  HEIGHT,
  heightAt,
  htlcAt,
  LATE,
  LEADER,
  linksAt,
  MEMORY,
  phaseAt,
  RELEASER,
  ROW_FINALS,
  ROW_MEMBERS,
  ROW_STATUS,
  refusedAt,
  SENT,
  SETS,
  slotAt,
  UNREADY,
  WORDS,
} from './layout.ts';
import type { World } from './world.ts';

/** Two daemons are the same program: their names can be swapped as well. */
interface Mirror {
  readonly naming: Naming;
  /** Number of the naming for DaemonMemory; undefined for one's own names. */
  readonly number: number | undefined;
  readonly swaps: boolean;
  /** New masks of sets (see SETS). */
  readonly sets: readonly number[];
}

const setsUnder = ({ masks }: Naming): number[] => {
  const renamed = SETS.map((set) => SETS.indexOf(masks[set] as never));
  return Array.from({ length: 8 }, (_, sets) =>
    renamed.reduce((image, name, i) => image | (((sets >> i) & 1) << name), 0),
  );
};

/**
 * States that differ in nothing but the names of like HTLCs, nodes and daemons are one: of all of them, the one
 * with the smallest words stands for them.
 */
export class Mirrors {
  readonly #world: World;
  readonly #mirrors: readonly Mirror[];
  readonly #image = new Uint8Array(BYTES);
  readonly #imageWords = new Uint32Array(this.#image.buffer);
  readonly #best = new Uint32Array(WORDS);

  constructor(world: World, scope: Scope, scene: Scene) {
    this.#world = world;
    const namings = [OWN_NAMES, ...namingsOf(scene)];
    const swaps = scope.daemons === 2 ? [false, true] : [false];
    this.#mirrors = namings
      .flatMap((naming, i) =>
        swaps.map((swap) => ({
          naming,
          number: i === 0 ? undefined : i - 1,
          swaps: swap,
          sets: setsUnder(naming),
        })),
      )
      .slice(1);
  }

  /** The state that stands for the one in `s`. */
  canonical(s: Uint8Array, words: Uint32Array): Uint32Array {
    if (this.#mirrors.length === 0) return words;
    const best = this.#best;
    best.set(words);
    for (const mirror of this.#mirrors) {
      this.#reflect(s, words, mirror);
      if (isLess(this.#imageWords, best)) best.set(this.#imageWords);
    }
    return best;
  }

  #reflect(s: Uint8Array, words: Uint32Array, mirror: Mirror): void {
    const { naming, swaps, sets } = mirror;
    const { masks, nodeMasks, htlcs, nodes } = naming;
    const { scope, scene } = this.#world;
    const image = this.#image;
    const halves = (mask: number) => masks[mask & 15]! | (masks[mask >> 4]! << 4);
    const daemon = (d: number) => (d === 0 || !swaps ? d : 3 - d);
    for (let from = 0; from < scope.daemons; from++) {
      const to = swaps ? 1 - from : from;
      this.#imageWords[MEMORY + to] = this.#memory(words[MEMORY + from]!, mirror);
      image[phaseAt(to)] = s[phaseAt(from)]!;
      image[heightAt(to)] = s[heightAt(from)]!;
      image[linksAt(to)] = nodeMasks[s[linksAt(from)]!]!;
      image[bookAt(to)] = masks[s[bookAt(from)]!]!;
      image[flightAt(to)] = s[flightAt(from)]!;
      image[refusedAt(to)] = s[refusedAt(from)]!;
    }
    for (let node = 0; node < scene.nodes; node++) image[slotAt(nodes[node]!)] = daemon(s[slotAt(node)]!);
    for (let k = 0; k < scene.htlcs; k++) image[htlcAt(htlcs[k]!)] = s[htlcAt(k)]!;
    image[EVENTS] = masks[s[EVENTS]!]!;
    image[UNREADY] = nodeMasks[s[UNREADY]!]!;
    image[HEIGHT] = s[HEIGHT]!;
    image[ROW_STATUS] = s[ROW_STATUS]!;
    image[ROW_MEMBERS] = masks[s[ROW_MEMBERS]!]!;
    image[ROW_FINALS] = halves(s[ROW_FINALS]!);
    image[RELEASER] = daemon(s[RELEASER]!);
    image[FAILS] = masks[s[FAILS]!]!;
    image[LEADER] = daemon(s[LEADER]!);
    image[GHOST] = this.#ghost(s[GHOST]!, mirror);
    image[ANSWERED] = sets[s[ANSWERED]! & 15]! | (sets[s[ANSWERED]! >> 4]! << 4);
    image[SENT] = halves(s[SENT]!);
    image[LATE] = masks[s[LATE]!]!;
    this.#imageWords[BUDGETS] = words[BUDGETS]!;
  }

  #memory(state: number, { number }: Mirror): number {
    return number === undefined ? state : this.#world.memory.mirror(state, number);
  }

  #ghost(ghost: number, { naming, swaps }: Mirror): number {
    if (ghost === 0) return 0;
    const { daemon, batch } = this.#world.ghostBatches[ghost - 1]!;
    const renamed = batch.map((code) => {
      const mask = submissionMask(code);
      return code + ((naming.masks[mask]! - mask) << 3);
    });
    return this.#world.ghostOf(swaps ? 1 - daemon : daemon, renamed);
  }
}

function isLess(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < WORDS; i++) if (a[i] !== b[i]) return a[i]! < b[i]!;
  return false;
}
