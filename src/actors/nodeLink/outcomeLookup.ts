import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Clock } from '../ports/clock.ts';
import type { HtlcResolution, LndConnection } from '../ports/lndClient.ts';

/** How many look-ups are under way at once: enough to hide the round trip, few enough to leave lnd alone. */
export const MAX_LOOKUPS_IN_FLIGHT = 32;

/** Pause before failed look-ups are tried again on the same connection. */
export const LOOKUP_RETRY_MS = 10_000;

export interface OutcomeLookupDeps {
  readonly connection: LndConnection;
  readonly clock: Clock;
  /** Read when a round begins. */
  readonly unresolved: () => Iterable<CircuitKey>;
  /** May come after `stop`, for look-ups that were under way. */
  readonly finalised: (key: CircuitKey, resolution: HtlcResolution) => void;
  /** `count` look-ups of a round failed, the first of them with this error. They will be tried again. */
  readonly failed: (count: number, error: unknown) => void;
}

/**
 * Looks up final outcomes on one connection in the background. One HTLC that lnd can't look up neither ends the
 * connection nor keeps the others from being looked up.
 */
export class OutcomeLookup {
  readonly #deps: OutcomeLookupDeps;
  #keys: CircuitKey[] = [];
  #next = 0;
  #inFlight = 0;
  #again: CircuitKey[] = [];
  #firstError: unknown;
  #retry: unknown;
  #stopped = false;

  constructor(deps: OutcomeLookupDeps) {
    this.#deps = deps;
  }

  /** Begins a round; does nothing while one is under way. */
  start(): void {
    if (this.#stopped || this.#inFlight > 0) return;
    this.#cancelRetry();
    this.#run([...this.#deps.unresolved()]);
  }

  stop(): void {
    this.#stopped = true;
    this.#keys = [];
    this.#cancelRetry();
  }

  #run(keys: CircuitKey[]): void {
    this.#keys = keys;
    this.#next = 0;
    this.#again = [];
    this.#firstError = undefined;
    while (this.#inFlight < MAX_LOOKUPS_IN_FLIGHT && this.#next < keys.length) this.#lookUpNext();
  }

  #lookUpNext(): void {
    const key = this.#keys[this.#next++]!;
    this.#inFlight++;
    this.#deps.connection.lookupHtlcResolution(key).then(
      (resolution) => {
        if (resolution) this.#deps.finalised(key, resolution);
        this.#done();
      },
      (error: unknown) => {
        this.#firstError ??= error;
        this.#again.push(key);
        this.#done();
      },
    );
  }

  #done(): void {
    this.#inFlight--;
    if (this.#stopped) return;
    if (this.#next < this.#keys.length) this.#lookUpNext();
    else if (this.#inFlight === 0 && this.#again.length > 0) this.#planRetry();
  }

  #planRetry(): void {
    this.#deps.failed(this.#again.length, this.#firstError);
    const again = this.#again;
    this.#retry = this.#deps.clock.setTimeout(() => this.#run(again), LOOKUP_RETRY_MS);
  }

  #cancelRetry(): void {
    if (this.#retry !== undefined) this.#deps.clock.clearTimeout(this.#retry);
    this.#retry = undefined;
  }
}
