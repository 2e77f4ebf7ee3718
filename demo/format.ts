import type { NodeId } from '../src/domain/hash.ts';
import type { Msat } from '../src/domain/msat.ts';

/** "25,000 sat"; fractions of a satoshi only where there are any. */
export function sat(amountMsat: Msat): string {
  const whole = (amountMsat / 1000n).toLocaleString('en-US');
  const rest = amountMsat % 1000n;
  return rest === 0n ? `${whole} sat` : `${whole}.${String(rest).padStart(3, '0')} sat`;
}

/** The ends of a key or hash: enough to tell it from another one. */
export function short(hex: NodeId | string): string {
  return `${hex.slice(0, 8)}…${hex.slice(-6)}`;
}

/** A short channel id as people write it: block x transaction x output. */
export function channel(chanId: bigint): string {
  return `${chanId >> 40n}x${(chanId >> 16n) & 0xff_ffffn}x${chanId & 0xffffn}`;
}
