import type { PeelErrorCode, PeelFailure, PeelRequest, PeelResult } from '../../actors/ports/onionPeeler.ts';
import type { FinalPayload } from '../../lightning/finalPayload.ts';
import { ONION_BYTES } from '../../lightning/onionPacket.ts';

/** Onions in one batch at most: about 5 ms of work. */
export const BATCH_SLOTS = 64;

const HASH_BYTES = 32;
// One byte more than an onion has, so that an onion that is too long still shows as such.
const ONION_ROOM = ONION_BYTES + 1;
const REQUEST_BYTES = 2 + HASH_BYTES + ONION_ROOM;

/** Fields of one result; integers are little endian. */
const RESULT = {
  flags: 0,
  code: 1,
  cltvExpiry: 4,
  tlvType: 8,
  offset: 16,
  amountMsat: 24,
  totalMsat: 32,
  expiresAt: 40,
  termsMsat: 48,
  sharedSecret: 64,
  paymentAddr: 96,
  bytes: 128,
} as const;

const FLAG = { ok: 1, secret: 2, paymentData: 4, matches: 8, terms: 16, position: 32 } as const;

const CODES: readonly PeelErrorCode[] = [
  'peeler_unavailable',
  'invalid_onion_version',
  'invalid_onion_key',
  'invalid_onion_hmac',
  'invalid_onion_payload',
];

const RESULTS_OFFSET = BATCH_SLOTS * REQUEST_BYTES;
const BATCH_BYTES = RESULTS_OFFSET + BATCH_SLOTS * RESULT.bytes;

/**
 * Requests and results of one batch in fixed slots of memory that both threads share: nothing is cloned, and the
 * requests outlive a worker that dies. Only one thread touches a batch at a time; messages hand it over.
 */
export class PeelBatch {
  readonly memory: SharedArrayBuffer;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(memory = new SharedArrayBuffer(BATCH_BYTES)) {
    this.memory = memory;
    this.#bytes = new Uint8Array(memory);
    this.#view = new DataView(memory);
  }

  /** Throws RangeError when the payment hash has not 32 bytes. */
  writeRequest(slot: number, { onionBlob, paymentHash }: PeelRequest): void {
    if (paymentHash.length !== HASH_BYTES) throw new RangeError('a payment hash has 32 bytes');
    const start = slot * REQUEST_BYTES;
    const onion = onionBlob.length > ONION_ROOM ? onionBlob.subarray(0, ONION_ROOM) : onionBlob;
    this.#view.setUint16(start, onion.length, true);
    this.#bytes.set(paymentHash, start + 2);
    this.#bytes.set(onion, start + 2 + HASH_BYTES);
  }

  /** The request in memory of its own: native code does not take shared memory. */
  readRequest(slot: number): PeelRequest {
    const start = slot * REQUEST_BYTES;
    const onionStart = start + 2 + HASH_BYTES;
    const onionBytes = Math.min(this.#view.getUint16(start, true), ONION_ROOM);
    return {
      paymentHash: this.#copy(start + 2, HASH_BYTES),
      onionBlob: this.#copy(onionStart, onionBytes),
    };
  }

  writeResult(slot: number, result: PeelResult): void {
    const at = RESULTS_OFFSET + slot * RESULT.bytes;
    const view = this.#view;
    let flags = 0;
    if (result.sharedSecret) {
      flags |= FLAG.secret;
      this.#bytes.set(result.sharedSecret, at + RESULT.sharedSecret);
    }
    if (!result.ok) {
      view.setUint8(at + RESULT.flags, flags | this.#writeError(at, result));
      return;
    }
    flags |= FLAG.ok | (result.secretMatches ? FLAG.matches : 0) | this.#writePayload(at, result.payload);
    if (result.terms) {
      flags |= FLAG.terms;
      view.setFloat64(at + RESULT.expiresAt, result.terms.expiresAt, true);
      view.setBigUint64(at + RESULT.termsMsat, result.terms.amountMsat, true);
    }
    view.setUint8(at + RESULT.flags, flags);
  }

  readResult(slot: number): PeelResult {
    const at = RESULTS_OFFSET + slot * RESULT.bytes;
    const view = this.#view;
    const flags = view.getUint8(at + RESULT.flags);
    if (!(flags & FLAG.ok)) return this.#readError(at, flags);
    const terms = flags & FLAG.terms && {
      expiresAt: view.getFloat64(at + RESULT.expiresAt, true),
      amountMsat: view.getBigUint64(at + RESULT.termsMsat, true),
    };
    return {
      ok: true,
      sharedSecret: this.#copy(at + RESULT.sharedSecret, HASH_BYTES),
      payload: this.#readPayload(at, flags),
      secretMatches: (flags & FLAG.matches) !== 0,
      ...(terms && { terms }),
    };
  }

  #writeError(at: number, { error }: PeelFailure): number {
    this.#view.setUint8(at + RESULT.code, Math.max(0, CODES.indexOf(error.code)));
    if (error.tlvType === undefined) return 0;
    this.#view.setBigUint64(at + RESULT.tlvType, error.tlvType, true);
    this.#view.setUint32(at + RESULT.offset, error.offset ?? 0, true);
    return FLAG.position;
  }

  #readError(at: number, flags: number): PeelFailure {
    const view = this.#view;
    const code = CODES[view.getUint8(at + RESULT.code)] ?? 'peeler_unavailable';
    const position = flags & FLAG.position && {
      tlvType: view.getBigUint64(at + RESULT.tlvType, true),
      offset: view.getUint32(at + RESULT.offset, true),
    };
    const secret = flags & FLAG.secret && { sharedSecret: this.#copy(at + RESULT.sharedSecret, HASH_BYTES) };
    return { ok: false, error: { code, ...(position || {}) }, ...(secret || {}) };
  }

  #writePayload(at: number, { amountMsat, cltvExpiry, paymentData }: FinalPayload): number {
    this.#view.setBigUint64(at + RESULT.amountMsat, amountMsat, true);
    this.#view.setUint32(at + RESULT.cltvExpiry, cltvExpiry, true);
    if (!paymentData) return 0;
    this.#view.setBigUint64(at + RESULT.totalMsat, paymentData.totalMsat, true);
    this.#bytes.set(paymentData.paymentAddr, at + RESULT.paymentAddr);
    return FLAG.paymentData;
  }

  #readPayload(at: number, flags: number): FinalPayload {
    const amountMsat = this.#view.getBigUint64(at + RESULT.amountMsat, true);
    const cltvExpiry = this.#view.getUint32(at + RESULT.cltvExpiry, true);
    if (!(flags & FLAG.paymentData)) return { amountMsat, cltvExpiry };
    const totalMsat = this.#view.getBigUint64(at + RESULT.totalMsat, true);
    return {
      amountMsat,
      cltvExpiry,
      paymentData: { paymentAddr: this.#copy(at + RESULT.paymentAddr, HASH_BYTES), totalMsat },
    };
  }

  #copy(start: number, length: number): Uint8Array {
    const copy = new Uint8Array(length);
    copy.set(this.#bytes.subarray(start, start + length));
    return copy;
  }
}
