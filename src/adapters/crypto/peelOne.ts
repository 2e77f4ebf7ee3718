import { timingSafeEqual } from 'node:crypto';
import type {
  InvoiceTerms,
  PeeledPayload,
  PeelFailure,
  PeelRequest,
  PeelResult,
} from '../../actors/ports/onionPeeler.ts';
import { DecodeError } from '../../lightning/errors.ts';
import { decodeFinalPayload, type FinalPayload } from '../../lightning/finalPayload.ts';
import { type OpenedOnion, openOnion, readHopPayload } from '../../lightning/onion.ts';
import { decodePaymentAddr, PreimageDeriver } from '../../lightning/paymentAddr.ts';

/** Everything about one onion that needs the identity key, on whichever thread this runs. */
export type PeelOne = (request: PeelRequest) => PeelResult;

/** Throws nothing but programming errors: whatever the onion holds comes back as a result. */
export function createPeelOne(identityKey: Uint8Array): PeelOne {
  const preimages = new PreimageDeriver(identityKey);
  return ({ onionBlob, paymentHash }) => {
    let opened: OpenedOnion | undefined;
    try {
      opened = openOnion({ privateKey: identityKey, onionBlob, paymentHash });
      const payload = readFinalPayload(opened);
      return verified(opened.sharedSecret, payload, paymentHash, preimages);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      return failureOf(error, opened?.sharedSecret);
    }
  };
}

function readFinalPayload(opened: OpenedOnion): FinalPayload {
  const { payload, nextHmacIsZero } = readHopPayload(opened);
  const decoded = decodeFinalPayload(payload);
  if (!nextHmacIsZero) {
    // More hops follow, but the payload does not say to whom.
    throw new DecodeError('invalid_onion_payload', 'not the last hop', { tlvType: 6n, offset: 0 });
  }
  return decoded;
}

function verified(
  sharedSecret: Uint8Array,
  payload: FinalPayload,
  paymentHash: Uint8Array,
  preimages: PreimageDeriver,
): PeeledPayload {
  const paymentAddr = payload.paymentData?.paymentAddr;
  const secretMatches =
    paymentAddr !== undefined && timingSafeEqual(preimages.paymentHash(paymentAddr), paymentHash);
  const terms = secretMatches ? termsOf(paymentAddr) : undefined;
  return { ok: true, sharedSecret, payload, secretMatches, ...(terms && { terms }) };
}

function termsOf(paymentAddr: Uint8Array): InvoiceTerms | undefined {
  const { expiresAt, amountMsat } = decodePaymentAddr(paymentAddr);
  return expiresAt === undefined || amountMsat === undefined ? undefined : { expiresAt, amountMsat };
}

function failureOf(error: DecodeError, sharedSecret: Uint8Array | undefined): PeelFailure {
  const { code, tlvType, offset } = error;
  return {
    ok: false,
    error: {
      code,
      ...(tlvType !== undefined && { tlvType }),
      ...(offset !== undefined && { offset }),
    },
    ...(sharedSecret && { sharedSecret }),
  };
}
