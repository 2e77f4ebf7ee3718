import { inspect } from 'node:util';

/**
 * A value that must not be printed: it shows as `<secret>` in strings, JSON, logs and the debugger's output. Whoever
 * needs the value says so with `reveal`.
 */
export class Secret<Value> {
  readonly #value: Value;

  constructor(value: Value) {
    this.#value = value;
  }

  reveal(): Value {
    return this.#value;
  }

  toString(): string {
    return '<secret>';
  }

  toJSON(): string {
    return '<secret>';
  }

  [inspect.custom](): string {
    return '<secret>';
  }
}
