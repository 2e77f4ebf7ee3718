import type { Clock } from '../../actors/ports/clock.ts';
import type { LeadershipStore } from '../../actors/ports/decisionStore.ts';
import { type Lease, microTime } from './lease.ts';
import type { LeaseApi } from './leaseApi.ts';

/** One acquisition, renewal or release has this long, with all its requests: three fit before a lease is given up. */
const OPERATION_MS = 3_000;

/** A record that says nothing of its duration is believed for this long, as if it were one of ours. */
const UNSAID_DURATION_MS = 60_000;

/** How often a renewal starts over because somebody else wrote into the Lease, say a label. */
const MAX_CONFLICTS = 3;

/** Whoever loses a race for a free Lease looks again after this. */
const CONFLICT_PAUSE_MS = 1_000;

export interface LeaseStoreOptions {
  readonly api: LeaseApi;
  /** Whose Lease is looked at: `now` should not jump, as a wall clock may. */
  readonly clock: Clock;
  /** Unix milliseconds, for the times in the record, which are for people. */
  readonly wallClock: () => number;
  /** The API server answered as it should, whatever it said. */
  onAnswer?(): void;
}

/** The name of one tenure: no two have both alike, even of processes with the same identity. */
type Tenure = Pick<Lease, 'holder' | 'acquireTime' | 'transitions'>;

const isSameTenure = (a: Tenure, b: Tenure): boolean =>
  a.holder === b.holder && a.acquireTime === b.acquireTime && a.transitions === b.transitions;

/**
 * Leadership by a Kubernetes Lease, by the protocol of client-go, so that the Go program and this one respect each
 * other. A candidate never compares the times in the record with its own clock: it takes a Lease when it has seen no
 * change of it for its whole duration. Two writers can't both win, for an update names the version that it replaces.
 *
 * Unlike client-go it does not take a Lease for its own just because it carries its identity: another process may
 * have been given the same one.
 */
export class LeaseStore implements LeadershipStore {
  readonly #options: LeaseStoreOptions;
  /** The record as last seen, and when its version was first seen. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  /** The tenure that we have, or have asked for and may have got without hearing of it. */
  #tenure: Tenure | undefined;
  #epoch = 0n;
  /** One operation at a time: two writes at once would conflict with each other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: LeaseStoreOptions) {
    this.#options = options;
  }

  acquire(owner: string, leaseMs: number): ReturnType<LeadershipStore['acquire']> {
    return this.#alone(async (remainingMs) => {
      const lease = await this.#get(remainingMs());
      if (lease && this.#tenure && isSameTenure(lease, this.#tenure)) {
        // The answer to our own acquisition was lost: what counts is a renewal from now.
        return this.#write({ ...lease, ...this.#renewal(leaseMs) }, remainingMs());
      }
      const heldMs = lease ? this.#heldForMs(lease) : 0;
      if (lease && heldMs > 0) return { acquired: false, owner: lease.holder, remainingMs: heldMs };
      const now = microTime(this.#options.wallClock());
      const tenure = { holder: owner, acquireTime: now, transitions: lease ? lease.transitions + 1 : 0 };
      this.#tenure = tenure;
      const wanted = { resourceVersion: lease?.resourceVersion, rest: lease?.rest ?? {} };
      return this.#write({ ...wanted, ...tenure, ...this.#renewal(leaseMs) }, remainingMs());
    });
  }

  renew(epoch: bigint, leaseMs: number): Promise<boolean> {
    return this.#change(epoch, () => this.#renewal(leaseMs));
  }

  /** As client-go releases it: free at once, and without a duration that anybody would wait for. */
  async release(epoch: bigint): Promise<void> {
    if (await this.#change(epoch, () => ({ ...this.#renewal(1_000), holder: '' }))) this.#tenure = undefined;
  }

  /** Writes over our own tenure; false when it is not ours any more. */
  #change(epoch: bigint, change: () => Partial<Lease>): Promise<boolean> {
    return this.#alone(async (remainingMs) => {
      const tenure = this.#tenure;
      if (epoch !== this.#epoch || !tenure) return false;
      let lease = this.#seen?.lease;
      for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
        if (!lease || !isSameTenure(lease, tenure)) return false;
        const stored = await this.#options.api.update({ ...lease, ...change() }, remainingMs());
        if (stored !== 'conflict') {
          this.#look(stored);
          return true;
        }
        lease = await this.#get(remainingMs());
      }
      throw new Error(`the Lease changed ${MAX_CONFLICTS + 1} times while it was written`);
    });
  }

  async #write(lease: Lease, timeoutMs: number): ReturnType<LeadershipStore['acquire']> {
    const { api } = this.#options;
    const stored =
      lease.resourceVersion === undefined
        ? await api.create(lease, timeoutMs)
        : await api.update(lease, timeoutMs);
    if (stored === 'conflict') {
      // Somebody was faster, or only touched it. Who holds it, if anybody, is seen at the next look.
      this.#options.onAnswer?.();
      return { acquired: false, owner: '', remainingMs: CONFLICT_PAUSE_MS };
    }
    this.#look(stored);
    this.#epoch += 1n;
    return { acquired: true, epoch: this.#epoch };
  }

  async #get(timeoutMs: number): Promise<Lease | undefined> {
    const lease = await this.#options.api.get(timeoutMs);
    if (lease) this.#look(lease);
    else {
      this.#seen = undefined;
      this.#options.onAnswer?.();
    }
    return lease;
  }

  #look(lease: Lease): void {
    this.#options.onAnswer?.();
    if (this.#seen?.lease.resourceVersion !== lease.resourceVersion) {
      this.#seen = { lease, at: this.#options.clock.now() };
    }
  }

  /** How much longer the holder has to be believed in: 0 when the Lease is free. */
  #heldForMs(lease: Lease): number {
    if (lease.holder === '') return 0;
    const durationMs = lease.durationSeconds * 1_000 || UNSAID_DURATION_MS;
    return Math.max(0, this.#seen!.at + durationMs - this.#options.clock.now());
  }

  #renewal(leaseMs: number): Pick<Lease, 'renewTime' | 'durationSeconds'> {
    return {
      renewTime: microTime(this.#options.wallClock()),
      durationSeconds: Math.ceil(leaseMs / 1_000),
    };
  }

  #alone<T>(work: (remainingMs: () => number) => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    const result = this.#last.then(() => {
      const end = clock.now() + OPERATION_MS;
      return work(() => Math.max(1, end - clock.now()));
    });
    this.#last = result.catch(() => {});
    return result;
  }
}
