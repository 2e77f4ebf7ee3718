import type { Msat } from '../domain/msat.ts';
import { DecodeError } from './errors.ts';
import {
  concat,
  readTlvStream,
  readTruncatedUint,
  readUint,
  type TlvRecord,
  writeTlvStream,
  writeTruncatedUint,
} from './tlv.ts';

/** TLV types of a hop payload (BOLT 4, payload format). */
const TYPE = { amount: 2n, cltv: 4n, nextChannel: 6n, paymentData: 8n, amp: 14n, metadata: 16n };
const FIRST_CUSTOM_TYPE = 65536n;
const PAYMENT_ADDR_BYTES = 32;

/** What the sender tells the last hop. */
export interface FinalPayload {
  /** amt_to_forward: the least that this part must bring. */
  readonly amountMsat: Msat;
  /** outgoing_cltv_value: the least height at which this part may expire. */
  readonly cltvExpiry: number;
  readonly paymentData?: PaymentData;
}

/** Payment address (32 bytes, own memory) and what all parts together are to bring. */
export interface PaymentData {
  readonly paymentAddr: Uint8Array;
  readonly totalMsat: Msat;
}

/** What a forwarding node is told. */
export interface HopInstructions {
  readonly amountMsat: Msat;
  readonly cltvExpiry: number;
  readonly chanId: bigint;
}

/**
 * Decodes a hop payload, without its length prefix, that must be for the last hop. AMP, payment metadata, odd and
 * custom records are passed over, as Go lnmux does. Throws DecodeError invalid_onion_payload, with the TLV type and
 * the offset of its record, for a malformed stream, a missing amount or expiry, a next hop, or an even type that we
 * do not know (blinded paths included).
 */
export function decodeFinalPayload(bytes: Uint8Array): FinalPayload {
  try {
    return fromRecords(readTlvStream(bytes));
  } catch (error) {
    if (!(error instanceof DecodeError) || error.code !== 'invalid_tlv') throw error;
    throw new DecodeError('invalid_onion_payload', error.message, {
      tlvType: error.tlvType ?? 0n,
      offset: error.offset ?? 0,
    });
  }
}

function fromRecords(records: readonly TlvRecord[]): FinalPayload {
  let amountMsat: Msat | undefined;
  let cltvExpiry: number | undefined;
  let paymentData: PaymentData | undefined;
  for (const record of records) {
    if (record.type === TYPE.amount) amountMsat = readTruncatedUint(record, 0, 8);
    else if (record.type === TYPE.cltv) cltvExpiry = Number(readTruncatedUint(record, 0, 4));
    else if (record.type === TYPE.paymentData) paymentData = readPaymentData(record);
    else checkIgnored(record);
  }
  if (amountMsat === undefined) throw invalid('no amount', TYPE.amount, 0);
  if (cltvExpiry === undefined) throw invalid('no expiry', TYPE.cltv, 0);
  return paymentData ? { amountMsat, cltvExpiry, paymentData } : { amountMsat, cltvExpiry };
}

function readPaymentData(record: TlvRecord): PaymentData {
  const totalMsat = readTruncatedUint(record, PAYMENT_ADDR_BYTES, 8);
  return { paymentAddr: Uint8Array.from(record.value.subarray(0, PAYMENT_ADDR_BYTES)), totalMsat };
}

function checkIgnored(record: TlvRecord): void {
  if (record.type === TYPE.nextChannel) throw invalid('payload names a next hop', record.type, record.offset);
  // Root share, set id and child index: passed over, but a malformed one is refused as lnd does.
  if (record.type === TYPE.amp) readTruncatedUint(record, 64, 4);
  const known = record.type === TYPE.amp || record.type === TYPE.metadata;
  if (!known && record.type % 2n === 0n && record.type < FIRST_CUSTOM_TYPE) {
    throw invalid('unknown even type', record.type, record.offset);
  }
}

function invalid(message: string, tlvType: bigint, offset: number): DecodeError {
  return new DecodeError('invalid_onion_payload', message, { tlvType, offset });
}

/** The payload for the last hop, without length prefix. */
export function encodeFinalPayload(payload: FinalPayload): Uint8Array {
  const records = [
    { type: TYPE.amount, value: writeTruncatedUint(payload.amountMsat) },
    { type: TYPE.cltv, value: writeTruncatedUint(BigInt(payload.cltvExpiry)) },
  ];
  if (payload.paymentData) {
    const { paymentAddr, totalMsat } = payload.paymentData;
    records.push({ type: TYPE.paymentData, value: concat([paymentAddr, writeTruncatedUint(totalMsat)]) });
  }
  return writeTlvStream(records);
}

/** The payload for a forwarding node, without length prefix. */
export function encodeHopPayload({ amountMsat, cltvExpiry, chanId }: HopInstructions): Uint8Array {
  const channel = new Uint8Array(8);
  new DataView(channel.buffer).setBigUint64(0, chanId);
  return writeTlvStream([
    { type: TYPE.amount, value: writeTruncatedUint(amountMsat) },
    { type: TYPE.cltv, value: writeTruncatedUint(BigInt(cltvExpiry)) },
    { type: TYPE.nextChannel, value: channel },
  ]);
}

/** Reads what encodeHopPayload wrote. Throws DecodeError invalid_onion_payload when a field is missing or malformed. */
export function decodeHopPayload(bytes: Uint8Array): HopInstructions {
  const find = (records: readonly TlvRecord[], type: bigint) => {
    const record = records.find((each) => each.type === type);
    if (!record) throw invalid('missing field', type, 0);
    return record;
  };
  try {
    const records = readTlvStream(bytes);
    const channel = find(records, TYPE.nextChannel);
    if (channel.value.length !== 8) throw invalid('channel id has not 8 bytes', channel.type, channel.offset);
    return {
      amountMsat: readTruncatedUint(find(records, TYPE.amount), 0, 8),
      cltvExpiry: Number(readTruncatedUint(find(records, TYPE.cltv), 0, 4)),
      chanId: readUint(channel.value, 0, 8),
    };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    throw invalid(error.message, error.tlvType ?? 0n, error.offset ?? 0);
  }
}
