import type { Design } from '../design.ts';
import type { Scope } from '../scopes.ts';
import { FIRST_HEALING, labelStep } from '../world/labels.ts';
import type { Violation } from '../world/laws.ts';
import { BUDGETS } from '../world/layout.ts';
import { Steps } from '../world/steps.ts';
import { World } from '../world/world.ts';
import { HealingEdges, NumberList } from './edges.ts';
import { findStuck } from './liveness.ts';
import { StateStore } from './stateStore.ts';
import { type StoryLine, storyTo } from './story.ts';

/** What makes one state stand for several. docs/verification/exhaustive.md argues for each. */
export interface Reductions {
  /** Forget facts that can't matter any more. */
  readonly facts: boolean;
  /** Like HTLCs, nodes and daemons are interchangeable. */
  readonly mirrors: boolean;
  /** More faults and calls ahead include fewer. Stories have the fewest of them then, but may be a bit longer. */
  readonly budgets: boolean;
}

export const PLAIN: Reductions = { facts: false, mirrors: false, budgets: false };
/** Under these a story is a shortest one. */
export const SHORTEST: Reductions = { facts: true, mirrors: true, budgets: false };
export const FEWEST: Reductions = { facts: true, mirrors: true, budgets: true };

export interface Options {
  readonly reductions?: Reductions;
  readonly maxStates?: number;
  /** Called about every few seconds. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly scope: string;
  readonly states: number;
  readonly transitions: number;
  readonly layer: number;
  readonly frontier: number;
  readonly memories: number;
  readonly seconds: number;
}

export interface Report {
  readonly scope: string;
  readonly design: string;
  readonly states: number;
  readonly transitions: number;
  /** Faults and calls on the way to the last states; steps, if states of different budgets are told apart. */
  readonly depth: number;
  /** Memories of a daemon that the real charts gave, and ops that were computed by them. */
  readonly memories: number;
  readonly computed: number;
  readonly seconds: number;
  /** False when `maxStates` ended it. */
  readonly isComplete: boolean;
  readonly violation: (Violation & { readonly story: readonly StoryLine[] }) | undefined;
  /** States from which some HTLC can't be resolved without a new block or fault. */
  readonly stuck: number;
  readonly stuckStory: readonly StoryLine[] | undefined;
  /** Steps after which a set was paid in part: only by an outage beyond the margin. */
  readonly partials: number;
}

/**
 * Breadth-first over every state of a scope; stops at the first violation, whose story is then a shortest one.
 *
 * Where budgets reduce the states, first all states without any fault or call are explored, then all with one of
 * them, and so on: so whatever has the higher budgets comes first, and stands for all that has lower ones.
 */
export function explore(scope: Scope, design: Design, options: Options = {}): Report {
  const exploration = new Exploration(scope, design, options);
  exploration.run();
  return exploration.report();
}

export class Exploration {
  readonly #options: Options;
  readonly #reductions: Reductions;
  readonly world: World;
  readonly #steps: Steps;
  readonly store: StateStore;
  readonly #edges = new HealingEdges();
  readonly #started = performance.now();
  #told = performance.now();
  #transitions = 0;
  #depth = 0;
  #at = 0;
  #isComplete = false;
  /** States of this layer and of the next one, in the order in which they are to be explored. */
  #layer = new NumberList();
  #next = new NumberList();
  #bad: { readonly from: number; readonly label: number; readonly violation: Violation } | undefined;

  constructor(scope: Scope, design: Design, options: Options) {
    this.#options = options;
    this.#reductions = options.reductions ?? FEWEST;
    this.world = new World(scope, design, this.#reductions);
    this.#steps = new Steps(this.world);
    this.store = new StateStore(this.#reductions.budgets);
  }

  run(): void {
    this.world.initial();
    this.store.add(this.world.standIn(), 0);
    this.#next.push(0);
    for (this.#depth = -1; this.#next.length > 0; ) {
      this.#depth++;
      this.#layer = this.#next;
      this.#next = new NumberList();
      if (!this.#exploreLayer()) return;
    }
    this.#isComplete = true;
  }

  #exploreLayer(): boolean {
    const { maxStates = Number.POSITIVE_INFINITY } = this.#options;
    const visit = (label: number) => this.#visit(label);
    for (let turn = 0; turn < this.#layer.length; turn++) {
      if (this.store.size >= maxStates) return false;
      this.#at = this.#layer.get(turn);
      this.world.load(this.store.chunkOf(this.#at), this.store.offsetOf(this.#at));
      this.#edges.beginState(this.#at);
      const standIn = this.#reductions.budgets
        ? this.store.standInOf(this.#at, this.world.beforeWords)
        : this.#at;
      if (standIn !== this.#at) this.#edges.add(standIn);
      else this.#steps.expand(visit);
      if (this.#bad) return false;
      if ((turn & 1023) === 0) this.#tell(turn);
    }
    return true;
  }

  #visit(label: number): void {
    this.#transitions++;
    const world = this.world;
    const { laws } = world;
    if (laws.violation) {
      this.#bad ??= { from: this.#at, label, violation: laws.violation };
      laws.violation = undefined;
      return;
    }
    const words = world.standIn();
    const before = this.store.size;
    const index = this.store.add(words, this.#at);
    if (index === before) this.#enqueue(index, words);
    if (labelStep(label) >= FIRST_HEALING) this.#edges.add(index);
  }

  #enqueue(index: number, words: Uint32Array): void {
    const isSameLayer = this.#reductions.budgets && words[BUDGETS] === this.world.beforeWords[BUDGETS];
    (isSameLayer ? this.#layer : this.#next).push(index);
  }

  report(): Report {
    const { scope, design, memory, laws } = this.world;
    const bad = this.#bad;
    const isComplete = this.#isComplete;
    const { partials } = laws;
    const stuck = isComplete
      ? findStuck(this.world, this.store, this.#edges)
      : { count: 0, first: undefined };
    const story = (to: number, last?: number) => storyTo(this.world, this.#steps, this.store, to, last);
    return {
      scope: scope.name,
      design: design.name,
      states: this.store.size,
      transitions: this.#transitions,
      depth: this.#depth,
      memories: memory.infos.length,
      computed: memory.computed,
      seconds: (performance.now() - this.#started) / 1000,
      isComplete,
      violation: bad && { ...bad.violation, story: story(bad.from, bad.label) },
      stuck: stuck.count,
      stuckStory: stuck.first === undefined ? undefined : story(stuck.first),
      partials,
    };
  }

  #tell(turn: number): void {
    const now = performance.now();
    if (now - this.#told < 3000) return;
    this.#told = now;
    this.#options.onProgress?.({
      scope: this.world.scope.name,
      states: this.store.size,
      transitions: this.#transitions,
      layer: this.#depth,
      frontier: this.#layer.length - turn + this.#next.length,
      memories: this.world.memory.infos.length,
      seconds: (now - this.#started) / 1000,
    });
  }
}
