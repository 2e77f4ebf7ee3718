/**
 * How far the events table has been written, as far as this leader knows. All lines are its own, so whoever follows
 * them need not ask the database again and again; only what was written without an acknowledgement is not told.
 */
export class EventTail {
  readonly #listeners = new Set<() => void>();
  #last = 0n;
  #closed = false;

  /** The highest sequence number that a write was acknowledged with; 0 before the first. */
  get last(): bigint {
    return this.#last;
  }

  get closed(): boolean {
    return this.#closed;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  advanced(sequence: bigint): void {
    if (sequence <= this.#last) return;
    this.#last = sequence;
    for (const listener of this.#listeners) listener();
  }

  /** Called after each advance, and at the end. Returns how to stop listening. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener();
  }
}
