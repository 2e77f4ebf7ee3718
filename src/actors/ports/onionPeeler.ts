import type { Msat } from '../../domain/msat.ts';
import type { DecodeErrorCode } from '../../lightning/errors.ts';
import type { FinalPayload } from '../../lightning/finalPayload.ts';

/**
 * Opens the onions of HTLCs that are addressed to us, off the main thread where that is configured. Answers come
 * in the order of the requests, never during the call of `peel`.
 */
export interface OnionPeeler {
  /**
   * Copies what it needs of the request before it returns. `done` is called exactly once and must not throw.
   * Throws RangeError when the payment hash has not 32 bytes: lnd's messages are checked before they come here.
   */
  peel(request: PeelRequest, done: (result: PeelResult) => void): void;
  /** Answers what is pending, then frees the thread. Later requests fail with peeler_unavailable. */
  close(): Promise<void>;
}

export interface PeelRequest {
  /** The packet as lnd handed it over, 1,366 bytes if it is in order. */
  readonly onionBlob: Uint8Array;
  /** 32 bytes, the associated data of the onion. */
  readonly paymentHash: Uint8Array;
}

export type PeelResult = PeeledPayload | PeelFailure;

export interface PeeledPayload {
  readonly ok: true;
  /** 32 bytes in their own memory: the key of the failure onion. */
  readonly sharedSecret: Uint8Array;
  readonly payload: FinalPayload;
  /** Whether the preimage derived from the payment address hashes to the payment hash: the invoice is ours. */
  readonly secretMatches: boolean;
  /** The invoice's terms; only where secretMatches, and only when they are in range. */
  readonly terms?: InvoiceTerms;
}

export interface InvoiceTerms {
  /** Unix seconds. */
  readonly expiresAt: number;
  readonly amountMsat: Msat;
}

export interface PeelFailure {
  readonly ok: false;
  readonly error: {
    readonly code: PeelErrorCode;
    /** Type and offset of the record at fault, for invalid_onion_payload. */
    readonly tlvType?: bigint;
    readonly offset?: number;
  };
  /** There when the onion is authentic and only its payload is bad: an encrypted failure can be answered. */
  readonly sharedSecret?: Uint8Array;
}

/** peeler_unavailable: the thread died twice over this onion, or the peeler is closed. Nothing is known of the onion. */
export type PeelErrorCode = DecodeErrorCode | 'peeler_unavailable';
