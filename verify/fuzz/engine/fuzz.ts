import { mutateBytes } from './bytes.ts';
import { Coverage } from './coverage.ts';
import { minimised } from './minimise.ts';
import { Random } from './random.ts';
import { Broken, type LiveTarget, type Outcome, type Target } from './target.ts';

export interface FuzzOptions {
  readonly runs: number;
  readonly seed: number;
  /**
   * Keeps inputs that reach new source, in the first twentieth of the runs or less: V8 does not optimise what it counts. What
   * is kept then depends on V8, and not on the seed alone.
   */
  readonly coverage?: boolean;
  readonly onProgress?: (progress: Progress) => void;
}

export interface Progress {
  readonly runs: number;
  readonly seconds: number;
  readonly kept: number;
}

export interface Finding {
  readonly message: string;
  readonly stack: string;
  /** As found, and made smaller. */
  readonly input: Uint8Array;
  readonly smallest: Uint8Array;
}

export interface FuzzReport {
  readonly target: string;
  readonly runs: number;
  readonly seconds: number;
  /** Inputs that were kept for mutation, seeds included. */
  readonly kept: number;
  /** Bytes of source that ran; 0 without coverage. */
  readonly covered: number;
  readonly outcomes: ReadonlyMap<Outcome, number>;
  readonly slowestMs: number;
  readonly finding: Finding | undefined;
}

/** Inputs between two looks at the coverage. */
const BATCH = 1_000;
/** Runs under coverage: one in so many, and not more than the bound. */
const COVERAGE_SHARE = 20;
const MOST_COVERAGE_RUNS = 20_000;
const MOST_KEPT = 4_000;
const MOST_OUTCOMES = 2_000;

/** Runs a target on mutated inputs until the first finding or the end. */
export async function fuzz(target: Target, options: FuzzOptions): Promise<FuzzReport> {
  const coverage = options.coverage ? new Coverage('/src/') : undefined;
  const live = await target.open();
  // Most inputs end in an error; where it came from costs more than the rest of the run.
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return await new Fuzzer(target, live, options, coverage).run();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    coverage?.close();
    await live.close?.();
  }
}

/** Runs one input as the fuzzer does: a finding is thrown. */
export async function runInput(target: Target, live: LiveTarget, input: Uint8Array): Promise<Outcome> {
  const started = performance.now();
  const outcome = await live.run(input);
  if (performance.now() - started <= target.maxMs) return outcome;
  let best = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 3; attempt++) {
    const again = performance.now();
    await live.run(input);
    best = Math.min(best, performance.now() - again);
  }
  // Another process may have had the core: only an input that is slow every time counts.
  if (best > target.maxMs) throw new Broken(`takes more than ${target.maxMs} ms`);
  return outcome;
}

class Fuzzer {
  readonly #target: Target;
  readonly #live: LiveTarget;
  readonly #options: FuzzOptions;
  readonly #coverage: Coverage | undefined;
  readonly #random: Random;
  readonly #kept: Uint8Array[];
  readonly #outcomes = new Map<Outcome, number>();
  readonly #started = performance.now();
  #runs = 0;
  #slowestMs = 0;
  #finding: Finding | undefined;

  constructor(target: Target, live: LiveTarget, options: FuzzOptions, coverage: Coverage | undefined) {
    this.#target = target;
    this.#live = live;
    this.#options = options;
    this.#coverage = coverage;
    this.#random = new Random(options.seed);
    this.#kept = live.seeds.map((seed) => new Uint8Array(seed));
  }

  async run(): Promise<FuzzReport> {
    await this.#runBatch([...this.#kept]);
    this.#coverage?.add(this.#coverage.take());
    while (this.#runs < this.#options.runs && !this.#finding) {
      const batch = Array.from({ length: Math.min(BATCH, this.#options.runs - this.#runs) }, () =>
        this.#next(),
      );
      await this.#runBatch(batch);
      if (this.#runs <= Math.min(this.#options.runs / COVERAGE_SHARE, MOST_COVERAGE_RUNS))
        await this.#keepWhatIsNew(batch);
      else this.#coverage?.close();
      this.#options.onProgress?.({ runs: this.#runs, seconds: this.#seconds, kept: this.#kept.length });
    }
    return {
      target: this.#target.name,
      runs: this.#runs,
      seconds: this.#seconds,
      kept: this.#kept.length,
      covered: this.#coverage?.size ?? 0,
      outcomes: this.#outcomes,
      slowestMs: this.#slowestMs,
      finding: this.#finding,
    };
  }

  get #seconds(): number {
    return (performance.now() - this.#started) / 1000;
  }

  #next(): Uint8Array {
    const random = this.#random;
    const input = random.pick(this.#kept);
    const other = random.pick(this.#kept);
    const mutate = random.oneIn(4) ? undefined : this.#live.mutate?.bind(this.#live);
    const changed = (mutate ?? mutateBytes)(input, random, other);
    return changed.length > this.#target.maxBytes ? changed.slice(0, this.#target.maxBytes) : changed;
  }

  async #runBatch(batch: readonly Uint8Array[]): Promise<void> {
    const parallel = this.#target.parallel ?? 1;
    for (let at = 0; at < batch.length && !this.#finding; at += parallel) {
      if (parallel === 1) await this.#runOne(batch[at]!);
      else await Promise.all(batch.slice(at, at + parallel).map((input) => this.#runOne(input)));
    }
  }

  async #runOne(input: Uint8Array): Promise<void> {
    this.#runs++;
    const started = performance.now();
    try {
      const running = this.#live.run(input);
      const outcome = typeof running === 'string' ? running : await running;
      const ms = performance.now() - started;
      if (ms > this.#slowestMs) this.#slowestMs = ms;
      if (ms > this.#target.maxMs) await runInput(this.#target, this.#live, input);
      this.#note(outcome, input);
    } catch (error) {
      this.#finding ??= await this.#findingOf(input, error);
    }
  }

  #note(outcome: Outcome, input: Uint8Array): void {
    const count = this.#outcomes.get(outcome);
    if (count === undefined && this.#outcomes.size >= MOST_OUTCOMES) return;
    this.#outcomes.set(outcome, (count ?? 0) + 1);
    if (count === undefined) this.#keep(input);
  }

  #keep(input: Uint8Array): void {
    if (this.#kept.length < MOST_KEPT) this.#kept.push(input);
    else
      this.#kept[this.#live.seeds.length + this.#random.below(MOST_KEPT - this.#live.seeds.length)] = input;
  }

  async #keepWhatIsNew(batch: readonly Uint8Array[]): Promise<void> {
    const coverage = this.#coverage;
    if (!coverage || this.#finding) return;
    const ran = coverage.take();
    if (coverage.isNew(ran)) await this.#search(coverage, batch);
    coverage.add(ran);
  }

  /** Finds by halving those inputs that reach something new, each by itself. */
  async #search(coverage: Coverage, inputs: readonly Uint8Array[]): Promise<void> {
    coverage.take();
    for (const input of inputs) await this.#live.run(input);
    const ran = coverage.take();
    if (!coverage.isNew(ran)) return;
    if (inputs.length === 1) {
      this.#keep(inputs[0]!);
      coverage.add(ran);
      return;
    }
    const half = inputs.length >> 1;
    await this.#search(coverage, inputs.slice(0, half));
    await this.#search(coverage, inputs.slice(half));
  }

  async #findingOf(input: Uint8Array, error: unknown): Promise<Finding> {
    const kind = kindOf(error);
    const fails = async (candidate: Uint8Array) => {
      try {
        await runInput(this.#target, this.#live, candidate);
        return false;
      } catch (other) {
        return kindOf(other) === kind;
      }
    };
    const smallest = await minimised(input, fails);
    return { message: String(error), stack: await this.#stackOf(smallest), input, smallest };
  }

  async #stackOf(input: Uint8Array): Promise<string> {
    Error.stackTraceLimit = 20;
    try {
      await runInput(this.#target, this.#live, input);
    } catch (error) {
      if (error instanceof Error) return error.stack ?? '';
    } finally {
      Error.stackTraceLimit = 0;
    }
    return 'it did not fail again: it depends on what ran before';
  }
}

/** The failure without its numbers: so that a smaller input with another length shows the same one. */
function kindOf(error: unknown): string {
  return String(error)
    .replace(/[0-9a-f]*\d[0-9a-f]*n?/g, '#')
    .slice(0, 60);
}
