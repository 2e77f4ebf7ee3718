import type { Msat } from '../domain/msat.ts';
import { DecodeError } from './errors.ts';
import { concat, readBigSize, readUint, writeBigSize } from './tlv.ts';

/** Failure codes (BOLT 4, failure messages) with the names that the BOLT gives them, also the retired ones. */
export const FAILURE_NAMES = {
  8194: 'temporary_node_failure',
  24578: 'permanent_node_failure',
  24579: 'required_node_feature_missing',
  49156: 'invalid_onion_version',
  49157: 'invalid_onion_hmac',
  49158: 'invalid_onion_key',
  4103: 'temporary_channel_failure',
  16392: 'permanent_channel_failure',
  16393: 'required_channel_feature_missing',
  16394: 'unknown_next_peer',
  4107: 'amount_below_minimum',
  4108: 'fee_insufficient',
  4109: 'incorrect_cltv_expiry',
  4110: 'expiry_too_soon',
  16399: 'incorrect_or_unknown_payment_details',
  16400: 'incorrect_payment_amount',
  17: 'final_expiry_too_soon',
  18: 'final_incorrect_cltv_expiry',
  19: 'final_incorrect_htlc_amount',
  4116: 'channel_disabled',
  21: 'expiry_too_far',
  16406: 'invalid_onion_payload',
  23: 'mpp_timeout',
  49176: 'invalid_onion_blinding',
} as const;

export type FailureName = (typeof FAILURE_NAMES)[keyof typeof FAILURE_NAMES];

/** A failure message as its sender reads it. Fields beyond the code are there only for codes that have them. */
export interface FailureMessage {
  /** The 16-bit code, flags included. */
  readonly code: number;
  readonly name: FailureName | 'unknown';
  readonly amountMsat?: Msat;
  readonly height?: number;
  readonly cltvExpiry?: number;
  readonly tlvType?: bigint;
  readonly offset?: number;
  readonly onionHash?: Uint8Array;
}

/** incorrect_or_unknown_payment_details: the HTLC's amount and the height at which it was received. */
export function incorrectOrUnknownPaymentDetails(amountMsat: Msat, height: number): Uint8Array {
  return concat([u16(0x400f), u64(amountMsat), u32(height)]);
}

/** mpp_timeout: the other parts did not arrive in time. */
export function mppTimeout(): Uint8Array {
  return u16(0x0017);
}

/** final_incorrect_htlc_amount: the HTLC's amount, less than the payload asks for. */
export function finalIncorrectHtlcAmount(amountMsat: Msat): Uint8Array {
  return concat([u16(0x0013), u64(amountMsat)]);
}

/** final_incorrect_cltv_expiry: the HTLC's expiry, earlier than the payload asks for. */
export function finalIncorrectCltvExpiry(cltvExpiry: number): Uint8Array {
  return concat([u16(0x0012), u32(cltvExpiry)]);
}

/** invalid_onion_payload: the offending TLV type and where it is (capped to what u16 can say). */
export function invalidOnionPayload(tlvType: bigint, offset: number): Uint8Array {
  return concat([u16(0x4016), writeBigSize(tlvType), u16(Math.min(offset, 0xffff))]);
}

/** temporary_channel_failure without a channel_update, as a forwarding node sends it today. */
export function temporaryChannelFailure(): Uint8Array {
  return concat([u16(0x1007), u16(0)]);
}

/** temporary_node_failure. */
export function temporaryNodeFailure(): Uint8Array {
  return u16(0x2002);
}

/** unknown_next_peer. */
export function unknownNextPeer(): Uint8Array {
  return u16(0x400a);
}

/** One of the three BADONION failures, with SHA256 of the onion received. */
export function badOnion(
  name: 'invalid_onion_version' | 'invalid_onion_hmac' | 'invalid_onion_key',
  onionHash: Uint8Array,
): Uint8Array {
  const codes = { invalid_onion_version: 0xc004, invalid_onion_hmac: 0xc005, invalid_onion_key: 0xc006 };
  return concat([u16(codes[name]), onionHash]);
}

/**
 * Reads a failure message. Unknown codes and bytes after the known fields are allowed (BOLT 4 lets messages grow).
 * Throws DecodeError invalid_failure_message when a field is cut off.
 */
export function parseFailureMessage(message: Uint8Array): FailureMessage {
  const code = readField(message, 0, 2);
  const name: FailureMessage['name'] =
    (FAILURE_NAMES as Record<number, FailureName | undefined>)[code] ?? 'unknown';
  switch (name) {
    case 'incorrect_or_unknown_payment_details':
      // Before 2018 the message had no fields.
      if (message.length === 2) return { code, name };
      return { code, name, amountMsat: readAmount(message), height: readField(message, 10, 4) };
    case 'final_incorrect_htlc_amount':
    case 'amount_below_minimum':
    case 'fee_insufficient':
      return { code, name, amountMsat: readAmount(message) };
    case 'final_incorrect_cltv_expiry':
    case 'incorrect_cltv_expiry':
      return { code, name, cltvExpiry: readField(message, 2, 4) };
    case 'invalid_onion_payload':
      return { code, name, ...readPayloadFault(message) };
    case 'invalid_onion_version':
    case 'invalid_onion_hmac':
    case 'invalid_onion_key':
    case 'invalid_onion_blinding':
      if (message.length < 34) throw cutOff();
      return { code, name, onionHash: message.slice(2, 34) };
    default:
      return { code, name };
  }
}

function readPayloadFault(message: Uint8Array): { tlvType: bigint; offset: number } {
  try {
    const type = readBigSize(message, 2);
    return { tlvType: type.value, offset: readField(message, type.end, 2) };
  } catch (error) {
    throw error instanceof DecodeError ? cutOff() : error;
  }
}

function readAmount(message: Uint8Array): Msat {
  if (message.length < 10) throw cutOff();
  return readUint(message, 2, 10);
}

function readField(message: Uint8Array, offset: number, length: 2 | 4): number {
  if (message.length < offset + length) throw cutOff();
  return Number(readUint(message, offset, offset + length));
}

function cutOff(): DecodeError {
  return new DecodeError('invalid_failure_message', 'failure message is cut off');
}

function u16(value: number): Uint8Array {
  return Uint8Array.of(value >> 8, value & 0xff);
}

function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}
