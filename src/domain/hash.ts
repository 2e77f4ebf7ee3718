import { fromHex, toHex } from './hex.ts';

/** SHA256 of a preimage, as 64 lower-case hex digits: the name of an invoice everywhere in lnmux. */
export type PaymentHash = string & { readonly __paymentHash: never };

/** Hash of the circuit keys of a complete set (see setId.ts), as 64 lower-case hex digits. */
export type SetId = string & { readonly __setId: never };

/** The 33-byte compressed public key of an lnd node, as 66 lower-case hex digits. */
export type NodeId = string & { readonly __nodeId: never };

/** The payment hash held in 32 bytes; undefined when the length is wrong. */
export function paymentHashFromBytes(bytes: Uint8Array): PaymentHash | undefined {
  return bytes.length === 32 ? (toHex(bytes) as PaymentHash) : undefined;
}

/** The set id held in 32 bytes; undefined when the length is wrong. */
export function setIdFromBytes(bytes: Uint8Array): SetId | undefined {
  return bytes.length === 32 ? (toHex(bytes) as SetId) : undefined;
}

/** The node id held in 33 bytes; undefined when the length or the parity byte is wrong. */
export function nodeIdFromBytes(bytes: Uint8Array): NodeId | undefined {
  if (bytes.length !== 33 || (bytes[0] !== 2 && bytes[0] !== 3)) return undefined;
  return toHex(bytes) as NodeId;
}

/** The node id written as hex digits of either case; undefined when it is not a compressed point's shape. */
export function nodeIdFromText(text: string): NodeId | undefined {
  const bytes = fromHex(text, 33);
  return bytes && nodeIdFromBytes(bytes);
}

/** The 32 or 33 bytes behind a branded hex string. */
export function hashBytes(hash: PaymentHash | SetId | NodeId): Buffer {
  return Buffer.from(hash, 'hex');
}
