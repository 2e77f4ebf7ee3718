const BYTES = 64;
const SLOTS_PER_PAGE = 16_384;

/**
 * The two secrets of each held HTLC, 32 bytes each: the onion's shared secret and the payment address. They are
 * kept in pages of their own, outside of every actor: a small Uint8Array each would cost four times as much, and
 * a slice of a pooled buffer would pin 8 kB.
 */
export class SecretSlab {
  readonly #pages: Uint8Array[] = [];
  readonly #free: number[] = [];
  #next = 0;

  /** Copies both secrets; the slot is the caller's until {@link release}. */
  store(sharedSecret: Uint8Array, paymentAddr: Uint8Array): number {
    const slot = this.#free.pop() ?? this.#next++;
    const page = Math.floor(slot / SLOTS_PER_PAGE);
    if (page === this.#pages.length) this.#pages.push(new Uint8Array(BYTES * SLOTS_PER_PAGE));
    const at = (slot % SLOTS_PER_PAGE) * BYTES;
    const bytes = this.#pages[page]!;
    bytes.set(sharedSecret.subarray(0, 32), at);
    bytes.set(paymentAddr.subarray(0, 32), at + 32);
    return slot;
  }

  /** A view: only for use during the call. */
  sharedSecret(slot: number): Uint8Array {
    return this.#view(slot, 0);
  }

  /** A view: only for use during the call. */
  paymentAddr(slot: number): Uint8Array {
    return this.#view(slot, 32);
  }

  release(slot: number): void {
    this.#view(slot, 0).fill(0);
    this.#view(slot, 32).fill(0);
    this.#free.push(slot);
  }

  #view(slot: number, offset: number): Uint8Array {
    const at = (slot % SLOTS_PER_PAGE) * BYTES + offset;
    return this.#pages[Math.floor(slot / SLOTS_PER_PAGE)]!.subarray(at, at + 32);
  }
}
