import type { Random } from './random.ts';

/**
 * What one input led to, in a few words: `decoded`, or the reason of a refusal. Inputs whose outcome was not seen
 * before are kept for further mutation, so numbers in it should be few.
 */
export type Outcome = string;

/** One thing that takes input from outside, ready to be run. */
export interface LiveTarget {
  /** Valid inputs, and ones that are nearly so. */
  readonly seeds: readonly Uint8Array[];
  /** Throws when a promise is broken: that is a finding. Anything refused as it should be is an outcome. */
  run(input: Uint8Array): Outcome | Promise<Outcome>;
  /** Changes an input knowing its structure; mutations of plain bytes come in addition. */
  mutate?(input: Uint8Array, random: Random, other: Uint8Array): Uint8Array;
  /** The input for a reader, where hex says little. */
  show?(input: Uint8Array): string;
  close?(): Promise<void>;
}

export interface Target {
  readonly name: string;
  /** What takes the input, and what must hold, in one line. */
  readonly promise: string;
  /** Longest input in bytes. */
  readonly maxBytes: number;
  /** Longest time for one input, on an idle machine, at the best of three attempts. */
  readonly maxMs: number;
  /** Inputs under way at once; 1 unless they travel over a socket. */
  readonly parallel?: number;
  open(): LiveTarget | Promise<LiveTarget>;
}

/** A promise of the target does not hold for this input. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

export function must(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Broken(promise);
}

/** Whether two values print the same, bigints and bytes included. */
export function mustEqual(actual: unknown, expected: unknown, promise: string): void {
  const [a, b] = [printed(actual), printed(expected)];
  if (a !== b) throw new Broken(`${promise}: ${a.slice(0, 300)} is not ${b.slice(0, 300)}`);
}

function printed(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name) {
    // Not the value given: a Buffer has become something else by then.
    const each = this[name];
    if (typeof each === 'bigint') return `${each}n`;
    if (each instanceof Uint8Array) return Buffer.from(each).toString('hex');
    if (each instanceof Set) return [...each];
    return each;
  });
}
