interface Waiter<T> {
  readonly matches: (value: T) => boolean;
  readonly resolve: (value: T) => void;
  readonly reject: (error: Error) => void;
}

/** Something that is waited for did not happen. */
export class DidNotHappen extends Error {
  override readonly name = 'DidNotHappen';
}

/** A list of what happened, in which one can wait for what has not happened yet. */
export class Happenings<T> {
  readonly #past: T[] = [];
  readonly #waiters = new Set<Waiter<T>>();
  #ended: Error | undefined;

  /** A position: what `first` with this `since` finds has happened later. */
  get now(): number {
    return this.#past.length;
  }

  get past(): readonly T[] {
    return this.#past;
  }

  add(value: T): void {
    this.#past.push(value);
    for (const waiter of this.#waiters) if (waiter.matches(value)) waiter.resolve(value);
  }

  /** Nothing more will happen: whoever waits hears why. */
  end(reason: Error): void {
    this.#ended ??= reason;
    for (const waiter of this.#waiters) waiter.reject(reason);
  }

  /**
   * The first match, in the past (from `since` on) or to come.
   *
   * @param what For the error: "bob connects".
   * @throws DidNotHappen after `limitMs`; what `end` was given.
   */
  first<S extends T>(what: string, matches: (value: T) => value is S, options?: WaitOptions): Promise<S>;
  first(what: string, matches: (value: T) => boolean, options?: WaitOptions): Promise<T>;
  async first(
    what: string,
    matches: (value: T) => boolean,
    { since = 0, limitMs = 20_000 }: WaitOptions = {},
  ): Promise<T> {
    const found = this.#past.slice(since).find(matches);
    if (found !== undefined) return found;
    if (this.#ended) throw this.#ended;
    let waiter: Waiter<T> | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<T>((resolve, reject) => {
        waiter = { matches, resolve, reject };
        this.#waiters.add(waiter);
        const late = new DidNotHappen(`waited ${limitMs / 1000} s in vain: ${what}`);
        timer = setTimeout(() => reject(late), limitMs);
      });
    } finally {
      clearTimeout(timer);
      if (waiter) this.#waiters.delete(waiter);
    }
  }
}

export interface WaitOptions {
  readonly since?: number;
  readonly limitMs?: number;
}
