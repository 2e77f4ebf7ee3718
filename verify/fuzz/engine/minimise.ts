import { spliced } from './bytes.ts';

/**
 * A smaller input that still fails: takes pieces out, from large to small, then makes bytes zero. `fails` says
 * whether an input shows the same failure.
 */
export async function minimised(
  input: Uint8Array,
  fails: (input: Uint8Array) => Promise<boolean>,
  attempts = 5_000,
): Promise<Uint8Array> {
  let best = input;
  let left = attempts;
  const improves = async (candidate: Uint8Array) => {
    left--;
    if (left < 0 || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let size = Math.ceil(best.length / 2); size >= 1 && left > 0; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.length; ) {
      const count = Math.min(size, best.length - at);
      if (!(await improves(spliced(best, at, count, new Uint8Array())))) at += size;
    }
  }
  for (let at = 0; at < best.length && left > 0; at++) {
    if (best[at] !== 0) await improves(spliced(best, at, 1, Uint8Array.of(0)));
  }
  return best;
}
