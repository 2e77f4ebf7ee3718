/** JSON that is read field by field; what is not as expected throws, with the way to it. */
export class Reader {
  readonly #value: unknown;
  readonly #path: string;

  /** `path` names the whole in errors: `lncli getinfo`. */
  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  static parse(text: string, path: string): Reader {
    try {
      return new Reader(JSON.parse(text), path);
    } catch {
      throw new Error(`${path} did not print JSON: ${text.trim().slice(0, 200) || 'nothing at all'}`);
    }
  }

  has(name: string): boolean {
    const field = this.#object()[name];
    return field !== undefined && field !== null;
  }

  child(name: string): Reader {
    return new Reader(this.#object()[name], `${this.#path}: ${name}`);
  }

  string(name: string): string {
    return this.#typed(name, 'string') as string;
  }

  boolean(name: string): boolean {
    return this.#typed(name, 'boolean') as boolean;
  }

  /** 32-bit numbers are JSON numbers. */
  number(name: string): number {
    const value = this.#typed(name, 'number') as number;
    if (!Number.isSafeInteger(value)) throw this.#wrong(name, 'a whole number', value);
    return value;
  }

  /** 64-bit numbers are JSON strings. */
  bigint(name: string): bigint {
    const text = this.string(name);
    if (!/^-?\d{1,20}$/.test(text)) throw this.#wrong(name, 'a whole number in quotes', text);
    return BigInt(text);
  }

  hex(name: string, bytes: number): string {
    const text = this.string(name);
    if (!new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(text)) {
      throw this.#wrong(name, `${bytes} bytes in hex`, text);
    }
    return text;
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const text = this.string(name);
    const found = values.find((value) => value === text);
    if (found === undefined) throw this.#wrong(name, `one of ${values.join(', ')}`, text);
    return found;
  }

  list(name: string): Reader[] {
    const value = this.#object()[name];
    if (!Array.isArray(value)) throw this.#wrong(name, 'a list', value);
    return value.map((item, index) => new Reader(item, `${this.#path}: ${name}[${index}]`));
  }

  #object(): Record<string, unknown> {
    const value = this.#value;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return value as Record<string, unknown>;
    }
    throw new Error(`${this.#path} should be an object, but is ${shown(value)}`);
  }

  #typed(name: string, type: 'string' | 'boolean' | 'number'): unknown {
    const value = this.#object()[name];
    if (typeof value !== type) throw this.#wrong(name, `a ${type}`, value);
    return value;
  }

  #wrong(name: string, expected: string, value: unknown): Error {
    return new Error(`${this.#path}: ${name} should be ${expected}, but is ${shown(value)}`);
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : (JSON.stringify(value) ?? String(value)).slice(0, 100);
}
