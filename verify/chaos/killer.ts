import { type Battlefield, DISTURBANCES, KILLS, type WeightedAttack } from './attacks.ts';

/**
 * When a node has seen no settlement for so long, only a standby may come to harm until it does, and nobody without
 * a leader: the margin before a payment's deadline is planned for outages of a bounded length, and what longer ones
 * do is documented, not judged.
 */
const MERCY_MS = 6_000;
/** After mercy there is no catching up at once: that would be one long outage again. */
const MOST_BEHIND_MS = 500;
/** What stops everything is done only when payments have been settled at every node, without a pause, for so long. */
const HEALTHY_MS = 2_000;
const PAUSE_MS = 3_000;

/** Does harm at random moments, of random kinds, from a seed. */
export class Killer {
  /** How often each kind of harm was done. */
  readonly counts = new Map<string, number>();
  kills = 0;
  disturbances = 0;
  readonly #field: Battlefield;
  readonly #running = new Set<Promise<unknown>>();
  #stopped = false;
  #lastPause = performance.now();
  #loops: Promise<unknown> = Promise.resolve();

  constructor(field: Battlefield) {
    this.#field = field;
  }

  start(killsPerMinute: number, disturbancesPerMinute: number): void {
    this.#loops = Promise.all([
      this.#attackAt(killsPerMinute, KILLS, (name) => this.count(name)),
      this.#attackAt(disturbancesPerMinute, DISTURBANCES, (name) => {
        this.disturbances++;
        this.#add(name);
      }),
    ]);
  }

  /** A kill that was done, by this or by others. */
  count(name: string): void {
    this.kills++;
    this.#add(name);
  }

  /** Starts nothing more. */
  abandon(): void {
    this.#stopped = true;
  }

  /** Starts nothing more and waits for faults that are on to be over. */
  async stop(): Promise<void> {
    this.abandon();
    await this.#loops;
    await Promise.all(this.#running);
  }

  #allowed(attacks: readonly WeightedAttack[]): readonly WeightedAttack[] {
    const { ledger, watch } = this.#field;
    const now = performance.now();
    if (ledger.stalledMs() > PAUSE_MS) this.#lastPause = now;
    if (now - this.#lastPause > HEALTHY_MS) return attacks;
    if (ledger.stalledMs() <= MERCY_MS) return attacks.filter(({ isHard }) => !isHard);
    return watch.leader ? attacks.filter(({ isMild }) => isMild) : [];
  }

  #add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  async #attackAt(
    perMinute: number,
    attacks: readonly WeightedAttack[],
    count: (name: string) => void,
  ): Promise<void> {
    const { random } = this.#field;
    if (perMinute <= 0) return;
    let next = performance.now();
    while (!this.#stopped) {
      // Exponential gaps, as of independent accidents; time lost to mercy is caught up with afterwards.
      next += Math.min(5, -Math.log(1 - random.next())) * (60_000 / perMinute);
      next = Math.max(next, performance.now() - MOST_BEHIND_MS);
      await pause(Math.max(20, next - performance.now()));
      let allowed = this.#allowed(attacks);
      for (; allowed.length === 0 && !this.#stopped; allowed = this.#allowed(attacks)) await pause(50);
      if (this.#stopped) return;
      const chosen = choose(allowed, random.next());
      const attacking = chosen
        .attack(this.#field)
        .then((done) => {
          if (done) count(chosen.name);
        })
        .finally(() => this.#running.delete(attacking));
      this.#running.add(attacking);
    }
  }
}

function choose(attacks: readonly WeightedAttack[], draw: number): WeightedAttack {
  const total = attacks.reduce((sum, { weight }) => sum + weight, 0);
  let left = draw * total;
  for (const attack of attacks) {
    left -= attack.weight;
    if (left < 0) return attack;
  }
  return attacks.at(-1)!;
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
