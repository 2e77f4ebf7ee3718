/** What the difficulty aims at. Real blocks come as they like, so anything made of it is an estimate. */
const SECONDS_PER_BLOCK = 600n;

export function blocksInSeconds(blocks: number): bigint {
  return BigInt(Math.max(0, blocks)) * SECONDS_PER_BLOCK;
}

/** Milliseconds as whole seconds that are certainly left. */
export function wholeSeconds(ms: number): bigint {
  return BigInt(Math.max(0, Math.floor(ms / 1000)));
}
