import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Clock } from '../ports/clock.ts';
import type { HtlcResolution, LndConnection } from '../ports/lndClient.ts';
import { LOOKUP_RETRY_MS, MAX_LOOKUPS_IN_FLIGHT } from './outcomeLookup.ts';

/** How long a stream may still bring HTLCs that were held before, from the first one on: lnd sends them all at once. */
export const REPLAY_MS = 5_000;
/** Timers are quicker than the network after a process stood still, so that time is counted in steps of its own. */
const STEPS = 5;

export interface ReplayDoubtsDeps {
  readonly connection: LndConnection;
  readonly clock: Clock;
  /** The HTLC has ended, although it is offered. */
  readonly finalised: (key: CircuitKey, resolution: HtlcResolution) => void;
  readonly failed: (error: unknown) => void;
  /** The time is over in which lnd offers what it held before. */
  readonly replayed: () => void;
}

/**
 * HTLCs that were the first to come on a stream, until lnd has said that they have not ended.
 *
 * lnd keeps some HTLCs in its held set, and offers them on every connect, although they are final: dust of a channel
 * that was closed, and HTLCs that a returning peer's link failed shortly before their deadline. Their end may have
 * been recorded and forgotten long ago, and whoever releases a set with one of them is paid in part.
 */
export class ReplayDoubts {
  readonly #deps: ReplayDoubtsDeps;
  readonly #doubts = new Set<string>();
  #queue: CircuitKey[] = [];
  #inFlight = 0;
  #begun = false;
  #over = false;
  #stopped = false;
  readonly #timers = new Set<unknown>();

  /** To be made when the stream opens. */
  constructor(deps: ReplayDoubtsDeps) {
    this.#deps = deps;
    this.#after(REPLAY_MS, () => this.#deps.replayed());
  }

  /** The time begins here: lnd says nothing of its own when it has opened a stream, which it may do late. */
  offered(key: CircuitKey): void {
    if (this.#over || this.#stopped) return;
    if (!this.#begun) this.#pass(STEPS);
    this.#begun = true;
    this.#doubts.add(nameOf(key));
    this.#queue.push(key);
    this.#lookUp();
  }

  has(key: CircuitKey): boolean {
    return this.#doubts.size > 0 && this.#doubts.has(nameOf(key));
  }

  stop(): void {
    this.#stopped = true;
    this.#queue = [];
    for (const timer of this.#timers) this.#deps.clock.clearTimeout(timer);
    this.#timers.clear();
  }

  #pass(steps: number): void {
    if (steps === 0) this.#over = true;
    else this.#after(REPLAY_MS / STEPS, () => this.#pass(steps - 1));
  }

  #lookUp(): void {
    while (this.#inFlight < MAX_LOOKUPS_IN_FLIGHT && this.#queue.length > 0) {
      const key = this.#queue.shift()!;
      this.#inFlight++;
      this.#deps.connection.lookupHtlcResolution(key).then(
        (resolution) => this.#answered(key, resolution),
        (error: unknown) => this.#failed(key, error),
      );
    }
  }

  #answered(key: CircuitKey, resolution: HtlcResolution | undefined): void {
    this.#inFlight--;
    if (this.#stopped) return;
    // One that has ended stays in doubt: nothing may be released with it.
    if (resolution) this.#deps.finalised(key, resolution);
    else this.#doubts.delete(nameOf(key));
    this.#lookUp();
  }

  #failed(key: CircuitKey, error: unknown): void {
    this.#inFlight--;
    if (this.#stopped) return;
    this.#deps.failed(error);
    this.#after(LOOKUP_RETRY_MS, () => {
      this.#queue.push(key);
      this.#lookUp();
    });
    this.#lookUp();
  }

  #after(ms: number, run: () => void): void {
    const timer = this.#deps.clock.setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

const nameOf = (key: CircuitKey) => `${key.chanId}:${key.htlcId}`;
