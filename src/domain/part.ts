import type { HtlcKey, PartId } from './htlcKey.ts';
import type { Msat } from './msat.ts';

/**
 * One HTLC that carries a valid payment secret, as the statecharts know it. Secrets (the onion's shared secret,
 * payment address, preimage) never come here; they stay with the actor shell that sends answers.
 */
export interface Part {
  readonly id: PartId;
  readonly key: HtlcKey;
  /** What this HTLC pays us: lnd's outgoing_amount_msat. */
  readonly amountMsat: Msat;
  /** The set total that the sender declares in payment_data. */
  readonly totalMsat: Msat;
  /** Absolute height: lnd's outgoing_expiry. */
  readonly cltvExpiry: number;
  /** At this height lnd gives the HTLC back by itself, whatever we say afterwards. */
  readonly autoFailHeight: number;
  /** The highest height known when the part arrived; 0x400f reports it for ever. */
  readonly heightAtReceipt: number;
}

/** The parts' amounts added up. */
export function sumOfParts(parts: readonly Part[]): Msat {
  let sum = 0n;
  for (const part of parts) sum += part.amountMsat;
  return sum;
}

/** The lowest height at which lnd gives one of the parts back; Infinity when there are none. */
export function lowestAutoFailHeight(parts: readonly Part[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  for (const part of parts) if (part.autoFailHeight < lowest) lowest = part.autoFailHeight;
  return lowest;
}
