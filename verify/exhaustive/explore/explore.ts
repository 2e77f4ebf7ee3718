import type { Design } from '../design.ts';
import type { Scope } from '../scopes.ts';
import { FIRST_HEALING, labelStep } from '../world/labels.ts';
import type { Violation } from '../world/laws.ts';
import { Steps } from '../world/steps.ts';
import { World } from '../world/world.ts';
import { HealingEdges } from './edges.ts';
import { findStuck } from './liveness.ts';
import { StateStore } from './stateStore.ts';
import { type StoryLine, storyTo } from './story.ts';

export interface Options {
  readonly maxStates?: number;
  /** Called about every few seconds. */
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly scope: string;
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly frontier: number;
  readonly memories: number;
  readonly seconds: number;
}

export interface Report {
  readonly scope: string;
  readonly design: string;
  readonly states: number;
  readonly transitions: number;
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

/** Breadth-first over every state of a scope; stops at the first violation, whose story is then a shortest one. */
export function explore(scope: Scope, design: Design, options: Options = {}): Report {
  const exploration = new Exploration(scope, design, options);
  exploration.run();
  return exploration.report();
}

class Exploration {
  readonly #options: Options;
  readonly #world: World;
  readonly #steps: Steps;
  readonly #store = new StateStore();
  readonly #edges = new HealingEdges();
  readonly #started = performance.now();
  #told = performance.now();
  #transitions = 0;
  #depth = 0;
  #at = 0;
  #bad: { readonly from: number; readonly label: number; readonly violation: Violation } | undefined;

  constructor(scope: Scope, design: Design, options: Options) {
    this.#options = options;
    this.#world = new World(scope, design);
    this.#steps = new Steps(this.#world);
  }

  run(): void {
    const { maxStates = Number.POSITIVE_INFINITY } = this.#options;
    this.#store.add(this.#world.initial(), 0);
    const visit = (label: number) => this.#visit(label);
    let levelEnd = 1;
    for (this.#at = 0; this.#at < this.#store.size; this.#at++) {
      if (this.#at === levelEnd) {
        this.#depth++;
        levelEnd = this.#store.size;
      }
      if (this.#store.size >= maxStates) return;
      this.#world.load(this.#store.chunkOf(this.#at), this.#store.offsetOf(this.#at));
      this.#edges.beginState();
      this.#steps.expand(visit);
      if (this.#bad) return;
      if ((this.#at & 1023) === 0) this.#tell();
    }
  }

  #visit(label: number): void {
    this.#transitions++;
    const { laws, words } = this.#world;
    if (laws.violation) {
      this.#bad ??= { from: this.#at, label, violation: laws.violation };
      laws.violation = undefined;
      return;
    }
    const index = this.#store.add(words, this.#at);
    if (labelStep(label) >= FIRST_HEALING) this.#edges.add(index);
  }

  report(): Report {
    const { scope, design, memory, laws } = this.#world;
    const bad = this.#bad;
    const isComplete = !bad && this.#at >= this.#store.size;
    const { partials } = laws;
    const stuck = isComplete
      ? findStuck(this.#world, this.#store, this.#edges)
      : { count: 0, first: undefined };
    const story = (to: number, last?: number) => storyTo(this.#world, this.#steps, this.#store, to, last);
    return {
      scope: scope.name,
      design: design.name,
      states: this.#store.size,
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

  #tell(): void {
    const now = performance.now();
    if (now - this.#told < 3000) return;
    this.#told = now;
    this.#options.onProgress?.({
      scope: this.#world.scope.name,
      states: this.#store.size,
      transitions: this.#transitions,
      depth: this.#depth,
      frontier: this.#store.size - this.#at,
      memories: this.#world.memory.infos.length,
      seconds: (now - this.#started) / 1000,
    });
  }
}
