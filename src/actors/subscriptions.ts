import type { PaymentHash, SetId } from '../domain/hash.ts';
import type { AcceptedSet, AcceptedSubscription } from './ports/application.ts';
import type { Clock } from './ports/clock.ts';

interface Held {
  readonly paymentHash: PaymentHash;
  readonly setId: SetId;
  readonly deadlineHeight: number;
  readonly timeoutMs: () => number;
}

/**
 * The complete sets that wait for the application, and everyone who wants to hear of them.
 *
 * A subscriber has a cursor into one shared, ordered list instead of a queue of its own: nothing overflows, a slow
 * reader costs nothing, and a set that is gone before it is read is not announced.
 */
export class AcceptedSets {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #height: () => number;
  /** In the order of completion; the key grows, so a cursor is a number. */
  readonly #sets = new Map<number, Held>();
  readonly #byId = new Map<SetId, number>();
  readonly #subscribers = new Set<Subscriber>();
  #next = 1;
  #lastPresence: number;
  #closed = false;

  constructor(options: { readonly clock: Clock; readonly graceMs: number; readonly height: () => number }) {
    this.#clock = options.clock;
    this.#graceMs = options.graceMs;
    this.#height = options.height;
    // A start counts as a departure: the application gets the grace period to come back.
    this.#lastPresence = options.clock.now();
  }

  get subscribers(): number {
    return this.#subscribers.size;
  }

  get held(): number {
    return this.#sets.size;
  }

  /** Whether someone is there to decide, or was until a moment ago. */
  attended(): boolean {
    return this.#subscribers.size > 0 || this.#clock.now() - this.#lastPresence < this.#graceMs;
  }

  /** @param timeoutMs Asked when the set is read: how long the application has left by the clock. */
  announce(
    paymentHash: PaymentHash,
    setId: SetId,
    deadlineHeight: number,
    timeoutMs: () => number = () => 0,
  ): void {
    const at = this.#next++;
    this.#sets.set(at, { paymentHash, setId, deadlineHeight, timeoutMs });
    this.#byId.set(setId, at);
    for (const subscriber of this.#subscribers) subscriber.wake();
  }

  withdraw(setId: SetId): void {
    const at = this.#byId.get(setId);
    if (at === undefined) return;
    this.#byId.delete(setId);
    this.#sets.delete(at);
  }

  subscribe(): AcceptedSubscription {
    const subscriber = new Subscriber(this, () => this.#leave(subscriber));
    if (this.#closed) subscriber.end();
    else this.#subscribers.add(subscriber);
    return subscriber;
  }

  /** Ends every subscription. */
  close(): void {
    this.#closed = true;
    for (const subscriber of [...this.#subscribers]) subscriber.end();
  }

  /** The first set at or after `cursor`. */
  read(cursor: number): { readonly at: number; readonly set: AcceptedSet } | undefined {
    const at = this.#sets.has(cursor) ? cursor : this.#seek(cursor);
    const held = at === undefined ? undefined : this.#sets.get(at);
    if (at === undefined || !held) return undefined;
    const { paymentHash, setId, deadlineHeight } = held;
    const blocksLeft = Math.max(0, deadlineHeight - this.#height());
    return { at, set: { paymentHash, setId, deadlineHeight, blocksLeft, timeoutMs: held.timeoutMs() } };
  }

  /**
   * First position after `cursor` that is still held. Positions that a reader skips are decided sets, so walking
   * forward costs each reader at most one step for every set there ever was.
   */
  #seek(cursor: number): number | undefined {
    for (let at = Math.max(cursor, this.#first()); at < this.#next; at += 1)
      if (this.#sets.has(at)) return at;
    return undefined;
  }

  #first(): number {
    for (const at of this.#sets.keys()) return at;
    return this.#next;
  }

  /** Where a cursor goes when there is nothing left to read. */
  get end(): number {
    return this.#next;
  }

  #leave(subscriber: Subscriber): void {
    if (!this.#subscribers.delete(subscriber)) return;
    this.#lastPresence = this.#clock.now();
  }
}

class Subscriber implements AcceptedSubscription {
  readonly #sets: AcceptedSets;
  readonly #left: () => void;
  #cursor = 0;
  #waiting: ((set: AcceptedSet | undefined) => void) | undefined;
  #ended = false;

  constructor(sets: AcceptedSets, left: () => void) {
    this.#sets = sets;
    this.#left = left;
  }

  next(): Promise<AcceptedSet | undefined> {
    if (this.#ended) return Promise.resolve(undefined);
    const read = this.#read();
    if (read) return Promise.resolve(read);
    return new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  close(): void {
    this.end();
  }

  wake(): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    const read = this.#read();
    if (!read) return;
    this.#waiting = undefined;
    waiting(read);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left();
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }

  #read(): AcceptedSet | undefined {
    const read = this.#sets.read(this.#cursor);
    this.#cursor = read ? read.at + 1 : this.#sets.end;
    return read?.set;
  }
}
