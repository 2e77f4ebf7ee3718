/** Why bytes or text from outside could not be decoded. */
export type DecodeErrorCode =
  | 'invalid_onion_version'
  | 'invalid_onion_key'
  | 'invalid_onion_hmac'
  | 'invalid_onion_payload'
  | 'invalid_tlv'
  | 'invalid_payment_addr'
  | 'invalid_failure_message'
  | 'invalid_public_key'
  | 'invalid_invoice';

/** Where in a TLV stream the fault is: the record's type and the offset of its first byte. */
export interface TlvPosition {
  readonly tlvType: bigint;
  readonly offset: number;
}

/**
 * The only error that decoders of this folder throw. The message names the broken rule and never holds bytes
 * of the input.
 */
export class DecodeError extends Error {
  readonly code: DecodeErrorCode;
  /** Type of the offending TLV record, for invalid_onion_payload and invalid_tlv. */
  readonly tlvType: bigint | undefined;
  /** Offset of the offending TLV record from the start of its stream. */
  readonly offset: number | undefined;

  constructor(code: DecodeErrorCode, message: string, position?: TlvPosition) {
    super(message);
    this.name = 'DecodeError';
    this.code = code;
    this.tlvType = position?.tlvType;
    this.offset = position?.offset;
  }
}
