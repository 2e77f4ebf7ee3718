/** Millisatoshi. Always bigint: 21 million bitcoin are more millisatoshi than a double holds exactly. */
export type Msat = bigint;

/** Every bitcoin that can exist, in millisatoshi: the bound of any amount that makes sense. */
export const MAX_MSAT: Msat = 21_000_000n * 100_000_000n * 1_000n;

/** Whether an amount is one that a payment can have: more than nothing, not more than there is. */
export function isPayableMsat(amount: Msat): boolean {
  return amount > 0n && amount <= MAX_MSAT;
}
