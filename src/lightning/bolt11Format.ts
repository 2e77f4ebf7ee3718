import type { NodeId } from '../domain/hash.ts';
import { writeBytes } from './bech32.ts';
import { sha256 } from './hmac.ts';

/** Tags of an invoice's fields (BOLT 11): the value of the bech32 character in brackets. */
export const TAG = {
  /** p */ paymentHash: 1,
  /** r */ routeHint: 3,
  /** 9 */ features: 5,
  /** x */ expiry: 6,
  /** d */ description: 13,
  /** s */ paymentAddr: 16,
  /** n */ payee: 19,
  /** h */ descriptionHash: 23,
  /** c */ finalCltvDelta: 24,
  /** m */ metadata: 27,
} as const;

/** Words of the timestamp at the start and of the signature at the end. */
export const TIMESTAMP_WORDS = 7;
export const SIGNATURE_WORDS = 104;
/** Most words that a field can have. */
export const MAX_FIELD_WORDS = 1023;
/** Words of a 32-byte field. */
export const HASH_WORDS = 52;
/** node 33, channel 8, base fee 4, proportional fee 4, cltv delta 2. */
export const HINT_HOP_BYTES = 51;

/** One hop of a route hint: the channel from `nodeId` towards the payee, and what forwarding over it costs. */
export interface RouteHint {
  readonly nodeId: NodeId;
  readonly chanId: bigint;
  readonly feeBaseMsat: number;
  readonly feeRatePpm: number;
  readonly cltvDelta: number;
}

/** What the payee signs: SHA256 of the human-readable part and the words before the signature, padded to bytes. */
export function invoiceDigest(prefix: string, words: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(prefix.length + Math.ceil((words.length * 5) / 8));
  bytes.write(prefix, 0, 'latin1');
  writeBytes(bytes, prefix.length, words);
  return sha256(bytes);
}
