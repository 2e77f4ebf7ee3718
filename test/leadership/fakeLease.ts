import type { LeadershipStore } from '../../src/actors/ports/decisionStore.ts';
import type { ManualClock } from '../machines/world/manualClock.ts';

/** What happens to one request on its way to the database and back. */
export interface Fate {
  readonly thereMs: number;
  readonly backMs: number;
  readonly loss: 'none' | 'request' | 'answer' | 'silent';
}

export const FAST: Fate = { thereMs: 1, backMs: 1, loss: 'none' };

const ANSWER_LIMIT_MS = 10_000;

/** The leader row, as Postgres keeps it, on the test's clock; each request meets a fate of its own. */
export class FakeLease {
  epoch = 0n;
  owner = '';
  expiresAt = 0;
  fate: () => Fate = () => FAST;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  isHeldUnder(epoch: bigint): boolean {
    return this.epoch === epoch && this.#clock.now() < this.expiresAt;
  }

  store(): LeadershipStore {
    return {
      acquire: (owner, leaseMs) =>
        this.#request(() => {
          const remainingMs = this.expiresAt - this.#clock.now();
          if (remainingMs > 0) return { acquired: false as const, owner: this.owner, remainingMs };
          this.epoch += 1n;
          this.owner = owner;
          this.expiresAt = this.#clock.now() + leaseMs;
          return { acquired: true as const, epoch: this.epoch };
        }),
      renew: (epoch, leaseMs) =>
        this.#request(() => {
          if (epoch === this.epoch) this.expiresAt = this.#clock.now() + leaseMs;
          return epoch === this.epoch;
        }),
      release: (epoch) =>
        this.#request(() => {
          if (epoch === this.epoch) this.expiresAt = 0;
        }),
    };
  }

  #request<T>(run: () => T): Promise<T> {
    const { thereMs, backMs, loss } = this.fate();
    return new Promise((resolve, reject) => {
      this.#clock.setTimeout(() => {
        if (loss === 'request') return reject(new Error('no connection'));
        const answer = run();
        // The store gives up by itself, long after everybody else.
        if (loss === 'silent') {
          this.#clock.setTimeout(() => reject(new Error('no answer in time')), ANSWER_LIMIT_MS);
          return;
        }
        this.#clock.setTimeout(() => {
          if (loss === 'answer') reject(new Error('connection lost'));
          else resolve(answer);
        }, backMs);
      }, thereMs);
    });
  }
}

/** Lets time go on timer by timer, with everything that follows from each; `look` is called after each. */
export async function letPass(clock: ManualClock, ms: number, look: () => void = () => {}): Promise<void> {
  const until = clock.now() + ms;
  for (;;) {
    await settled();
    look();
    const next = clock.untilNext();
    if (next === undefined || clock.now() + next > until) break;
    clock.advance(next);
  }
  clock.advance(until - clock.now());
  await settled();
  look();
}

/** Promises that are resolved already have told everyone. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i += 1) await Promise.resolve();
}
