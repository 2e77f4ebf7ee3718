import { hash } from 'node:crypto';
import type { SetId } from './hash.ts';
import { compareHtlcKeys, type HtlcKey } from './htlcKey.ts';

const KEY_BYTES = 33 + 8 + 8;

/**
 * Identity of a complete set: SHA256 over its sorted keys, each as node (33 bytes), channel id and htlc id
 * (u64 big endian). No count, amount or payment hash goes in, so the same parts give the same id after any
 * restart. Not AMP's set_id.
 */
export function setIdOf(keys: readonly HtlcKey[]): SetId {
  const sorted = keys.length > 1 ? [...keys].sort(compareHtlcKeys) : keys;
  const bytes = Buffer.alloc(sorted.length * KEY_BYTES);
  let offset = 0;
  for (const key of sorted) {
    bytes.write(key.nodeId, offset, 'hex');
    bytes.writeBigUInt64BE(BigInt.asUintN(64, key.chanId), offset + 33);
    bytes.writeBigUInt64BE(BigInt.asUintN(64, key.htlcId), offset + 41);
    offset += KEY_BYTES;
  }
  return hash('sha256', bytes, 'hex') as SetId;
}
