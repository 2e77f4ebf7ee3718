/** Everything that happened, as a hash, and the last of it in words. Two runs are the same if their hashes are. */
export class Trace {
  readonly #limit: number;
  #a = 0x811c9dc5;
  #b = 0x9747b28c;
  #lines: string[] = [];

  /** `limit`: lines that are kept; 0 for the hash alone. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  add(time: number, label: string): void {
    this.#fold(label);
    // Times are sums of drawn numbers: folding them in finds any difference in the draws at once.
    this.#b = Math.imul(this.#b ^ Math.round(time * 1000), 0x5bd1e995) >>> 0;
    if (this.#limit === 0) return;
    this.#lines.push(`${time.toFixed(1).padStart(10)} ${label}`);
    if (this.#lines.length > this.#limit * 2) this.#lines = this.#lines.slice(-this.#limit);
  }

  get hash(): string {
    return this.#a.toString(16).padStart(8, '0') + this.#b.toString(16).padStart(8, '0');
  }

  get lines(): readonly string[] {
    return this.#lines.slice(-this.#limit);
  }

  #fold(text: string): void {
    let a = this.#a;
    for (let i = 0; i < text.length; i += 1) a = Math.imul(a ^ text.charCodeAt(i), 0x01000193);
    this.#a = a >>> 0;
  }
}
