import type { ServiceClient } from '../../src/generated/lnmux.ts';
import type { DaemonSeat } from './cluster/cluster.ts';
import { apiClient, call } from './load/apiClient.ts';

const PROBE_MS = 100;
const PROBE_TIMEOUT_MS = 800;

export type LeaderEnd = 'killed' | 'stopped' | 'frozen';

/** From the end of a leader to the next one's API. */
export interface TakeOver {
  readonly how: LeaderEnd;
  readonly ms: number;
  /** Something else was killed or cut meanwhile. */
  readonly disturbed: boolean;
}

/**
 * Asks both daemons all the time who answers: only a leader does. Knows the leader's process, how long there has
 * been none, and how long each take-over took.
 */
export class LeaderWatch {
  readonly takeOvers: TakeOver[] = [];
  readonly #seats: readonly DaemonSeat[];
  readonly #clients: readonly ServiceClient[];
  readonly #pending: { how: LeaderEnd; pid: number; at: number; disturbed: boolean }[] = [];
  #leader: { readonly seat: DaemonSeat; readonly pid: number; readonly since: number } | undefined;
  #lastSeen = performance.now();
  #longestGapMs = 0;
  #stopped = false;

  constructor(seats: readonly DaemonSeat[]) {
    this.#seats = seats;
    this.#clients = seats.map(({ api }) => apiClient(api.address));
    for (const index of seats.keys()) void this.#probe(index);
  }

  /** The seat of the daemon that answered last and still runs as the same process. */
  get leader(): DaemonSeat | undefined {
    const { seat, pid } = this.#leader ?? {};
    return seat?.keeper.current?.pid === pid ? seat : undefined;
  }

  /** Milliseconds since the present leader was first seen; 0 without one. */
  get leadingMs(): number {
    return this.leader ? performance.now() - this.#leader!.since : 0;
  }

  /** Milliseconds since any daemon has answered. */
  get silentMs(): number {
    return performance.now() - this.#lastSeen;
  }

  get longestGapMs(): number {
    return Math.max(this.#longestGapMs, this.silentMs);
  }

  /** The leader has been ended by us, now. */
  ended(seat: DaemonSeat, how: LeaderEnd): void {
    const pid = seat.keeper.current?.pid;
    if (pid !== undefined) this.#pending.push({ how, pid, at: performance.now(), disturbed: false });
  }

  /** Something else happened that can make a take-over longer. */
  disturb(): void {
    for (const each of this.#pending) each.disturbed = true;
  }

  stop(): void {
    this.#stopped = true;
    for (const client of this.#clients) client.close();
  }

  async #probe(index: number): Promise<void> {
    const seat = this.#seats[index]!;
    const client = this.#clients[index]!;
    while (!this.#stopped) {
      const pid = seat.keeper.current?.pid;
      const answer = await call(client, client.getInfo, {}, { timeoutMs: PROBE_TIMEOUT_MS });
      if (answer.ok && pid !== undefined && pid === seat.keeper.current?.pid) this.#answered(seat, pid);
      await new Promise((wake) => setTimeout(wake, PROBE_MS));
    }
  }

  #answered(seat: DaemonSeat, pid: number): void {
    const now = performance.now();
    this.#longestGapMs = Math.max(this.#longestGapMs, now - this.#lastSeen);
    this.#lastSeen = now;
    if (this.#leader?.pid !== pid) this.#leader = { seat, pid, since: now };
    for (const ended of this.#pending.filter((each) => each.pid !== pid || each.how === 'frozen')) {
      this.#pending.splice(this.#pending.indexOf(ended), 1);
      // It woke up before anybody had noticed.
      if (ended.pid === pid) continue;
      this.takeOvers.push({ how: ended.how, ms: now - ended.at, disturbed: ended.disturbed });
    }
  }
}
