import type { Clock } from '../../src/actors/ports/clock.ts';
import type { Prng } from './random.ts';
import type { Trace } from './trace.ts';

/** A process of the simulated world. What belongs to a dead one never runs; to a stopped one, when it goes on. */
export class Process {
  readonly name: string;
  alive = true;
  stopped = false;
  /** How far its wall clock is off. */
  clockOffsetMs = 0;
  readonly parked: Step[] = [];
  /** Time of the last deferred call: they keep their order. */
  lastDeferred = 0;

  constructor(name: string) {
    this.name = name;
  }
}

interface Step {
  at: number;
  order: number;
  readonly owner: Process | undefined;
  readonly label: string;
  readonly run: () => void;
  /** Whether what the step brings still gets there; asked when it is due. */
  arrives: (() => boolean) | undefined;
  cancelled: boolean;
}

export interface StepOptions {
  readonly owner?: Process | undefined;
  readonly arrives?: () => boolean;
}

/** Simulated wall clock at the start: any instant will do. */
const EPOCH_MS = 1_760_000_000_000;

/**
 * The only source of time and of order. Everything that happens is a step: the earliest is taken out and run, then
 * promises settle until nothing moves any more, then the invariants are looked at.
 */
export class Scheduler {
  readonly #random: Prng;
  readonly #trace: Trace;
  readonly #heap: Step[] = [];
  #now = 0;
  #order = 0;
  #steps = 0;
  /** The process whose step is running: deferred calls are its own. */
  current: Process | undefined;
  /** Called after each step. */
  afterStep: () => void = () => {};

  constructor(random: Prng, trace: Trace) {
    this.#random = random;
    this.#trace = trace;
  }

  /** Milliseconds since the start. */
  get now(): number {
    return this.#now;
  }

  get steps(): number {
    return this.#steps;
  }

  get wallClockMs(): number {
    return EPOCH_MS + Math.floor(this.#now);
  }

  /** Runs `run` after `delayMs`, unless its owner has died. */
  after(delayMs: number, label: string, run: () => void, options: StepOptions = {}): Step {
    const step: Step = {
      at: this.#now + Math.max(0, delayMs),
      order: this.#order++,
      owner: options.owner,
      label,
      run,
      arrives: options.arrives,
      cancelled: false,
    };
    push(this.#heap, step);
    return step;
  }

  /** What setImmediate is to a process: soon, in order, now and then behind other things. */
  defer(run: () => void): Step {
    const owner = this.current;
    let at = this.#now + (this.#random.chance(0.15) ? this.#random.between(0, 3) : 0);
    if (owner) {
      at = Math.max(at, owner.lastDeferred);
      owner.lastDeferred = at;
    }
    return this.after(at - this.#now, `${owner?.name ?? 'world'} deferred`, run, { owner });
  }

  clockOf(owner: Process): Clock {
    return {
      now: () => this.wallClockMs + Math.floor(owner.clockOffsetMs),
      setTimeout: (run, ms) => {
        const late = this.#random.chance(0.1) ? this.#random.between(0, 20) : this.#random.next();
        return this.after(Math.min(ms, 1e9) + late, `${owner.name} timer ${Math.round(ms)}`, run, { owner });
      },
      clearTimeout: (handle) => {
        if (handle) (handle as Step).cancelled = true;
      },
    };
  }

  stop(process: Process): void {
    process.stopped = true;
  }

  /** What came in meanwhile runs now, in the order in which it came. */
  resume(process: Process): void {
    process.stopped = false;
    for (const step of process.parked.splice(0)) {
      step.at = this.#now;
      step.order = this.#order++;
      push(this.#heap, step);
    }
  }

  /** Runs steps until `until` holds (looked at after each), time is up, or nothing is left. True when it held. */
  async run(limitMs: number, until: () => boolean = () => false): Promise<boolean> {
    while (!until()) {
      const step = this.#heap[0];
      if (!step || step.at > limitMs) {
        this.#now = Math.max(this.#now, limitMs);
        return false;
      }
      pop(this.#heap);
      await this.#take(step);
    }
    return true;
  }

  async #take(step: Step): Promise<void> {
    if (step.cancelled || (step.owner && !step.owner.alive)) return;
    if (step.at > this.#now) this.#now = step.at;
    if (step.arrives && !step.arrives()) return;
    if (step.owner?.stopped) {
      step.arrives = undefined;
      step.owner.parked.push(step);
      return;
    }
    this.#steps += 1;
    this.#trace.add(this.#now, step.label);
    this.current = step.owner;
    step.run();
    await settled();
    this.current = undefined;
    this.afterStep();
  }
}

const { nextTick } = process;

/** Resolves when every promise that can move has moved: ticks run after the queue of microtasks is empty. */
function settled(): Promise<void> {
  return new Promise((resolve) => nextTick(resolve));
}

const earlier = (a: Step, b: Step): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function push(heap: Step[], step: Step): void {
  let at = heap.length;
  heap.push(step);
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!earlier(step, heap[parent]!)) break;
    heap[at] = heap[parent]!;
    at = parent;
  }
  heap[at] = step;
}

function pop(heap: Step[]): void {
  const last = heap.pop()!;
  if (heap.length === 0) return;
  let at = 0;
  for (;;) {
    let child = at * 2 + 1;
    if (child >= heap.length) break;
    if (child + 1 < heap.length && earlier(heap[child + 1]!, heap[child]!)) child += 1;
    if (!earlier(heap[child]!, last)) break;
    heap[at] = heap[child]!;
    at = child;
  }
  heap[at] = last;
}
