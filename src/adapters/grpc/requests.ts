import type { AddInvoice } from '../../actors/ports/application.ts';
import type { EventCursor } from '../../actors/ports/invoiceEvents.ts';
import type { PartEnd } from '../../actors/ports/unresolved.ts';
import {
  nodeIdFromBytes,
  type PaymentHash,
  paymentHashFromBytes,
  type SetId,
  setIdFromBytes,
} from '../../domain/hash.ts';
import { MAX_MSAT } from '../../domain/msat.ts';
import {
  type AddInvoiceRequest,
  type FinalizePartRequest,
  FinalizePartRequest_Outcome,
  type ListInvoicesRequest,
  type SubscribeEventsRequest,
} from '../../generated/lnmux.ts';
import { MAX_DESCRIPTION_BYTES, MAX_EXPIRY_SECS, MAX_SEQUENCE_NUMBER } from './limits.ts';

/** A checked request, or the problem with it in words: what is wrong, then what to do. */
export type Checked<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

function wrong(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}

/** The texts start as the Go program's did, so that whoever looks for them finds them. */
export function checkAddInvoice(request: AddInvoiceRequest): Checked<AddInvoice> {
  const { amtMsat, description, descriptionHash, expirySecs } = request;
  if (expirySecs <= 0n) {
    return wrong(
      'expiry_secs not specified: give the seconds during which the invoice can be paid, 1 or more',
    );
  }
  if (amtMsat <= 0n) {
    return wrong('amt_msat not specified: give the amount in millisatoshi, 1 or more');
  }
  if (descriptionHash.length !== 0 && descriptionHash.length !== 32) {
    return wrong(
      `invalid desc hash: invalid hash length of ${descriptionHash.length}, want 32: give the SHA256 of the description`,
    );
  }
  if (descriptionHash.length !== 0 && description !== '') {
    return wrong('both description and description hash set: give one of them');
  }
  const bytes = Buffer.byteLength(description);
  if (bytes > MAX_DESCRIPTION_BYTES) {
    return wrong(
      `description is ${bytes} bytes long, at most ${MAX_DESCRIPTION_BYTES} fit: shorten it, or give description_hash`,
    );
  }
  if (amtMsat > MAX_MSAT) {
    return wrong(
      `amt_msat is ${amtMsat}, more than there will ever be (${MAX_MSAT}): it counts millisatoshi`,
    );
  }
  if (expirySecs > MAX_EXPIRY_SECS) {
    return wrong(`expiry_secs is ${expirySecs}, more than a hundred years: it counts seconds from now`);
  }
  return {
    ok: true,
    value: {
      amountMsat: amtMsat,
      expirySecs,
      description,
      descriptionHash: descriptionHash.length === 0 ? undefined : descriptionHash,
    },
  };
}

export function checkHash(hash: Uint8Array): Checked<PaymentHash> {
  const value = paymentHashFromBytes(hash);
  if (value === undefined) {
    return wrong(`invalid hash length of ${hash.length}, want 32: hash is the raw payment hash, not its hex`);
  }
  return { ok: true, value };
}

export function checkSet(request: {
  readonly hash: Uint8Array;
  readonly setId: Uint8Array;
}): Checked<{ readonly hash: PaymentHash; readonly setId: SetId }> {
  const hash = checkHash(request.hash);
  if (!hash.ok) return hash;
  const setId = setIdFromBytes(request.setId);
  if (setId === undefined) {
    return wrong(
      `invalid set id: ${request.setId.length} bytes, want the 32 that SubscribeInvoiceAccepted gave for this hash`,
    );
  }
  return { ok: true, value: { hash: hash.value, setId } };
}

export function checkEvents({ afterSequence, onlyNew }: SubscribeEventsRequest): Checked<EventCursor> {
  if (onlyNew && afterSequence !== 0n) {
    return wrong('both after_sequence and only_new set: give one of them, or neither for all events');
  }
  if (afterSequence > MAX_SEQUENCE_NUMBER) {
    return wrong(
      `after_sequence is ${afterSequence}, beyond the largest sequence number (${MAX_SEQUENCE_NUMBER})`,
    );
  }
  return { ok: true, value: onlyNew ? 'new' : afterSequence };
}

export function checkPartEnd(request: FinalizePartRequest): Checked<PartEnd> {
  const { chanId, htlcId, outcome, evenIfConfigured } = request;
  const nodeId = nodeIdFromBytes(request.node);
  if (nodeId === undefined) {
    return wrong(
      `node must be the 33 bytes of a node's public key, and these are ${request.node.length} bytes`,
    );
  }
  if (outcome !== FinalizePartRequest_Outcome.SETTLED && outcome !== FinalizePartRequest_Outcome.FAILED) {
    return wrong('outcome not specified: say SETTLED or FAILED');
  }
  const settled = outcome === FinalizePartRequest_Outcome.SETTLED;
  return { ok: true, value: { key: { nodeId, chanId, htlcId }, settled, evenIfConfigured } };
}

export function checkList(
  request: ListInvoicesRequest,
): Checked<{ readonly count: bigint; readonly start: bigint }> {
  const { maxInvoicesCount: count, sequenceStart: start } = request;
  if (count === 0n) {
    return wrong("should provide 'max_invoices_count' field: how many invoices to list, 1 or more");
  }
  if (start > MAX_SEQUENCE_NUMBER) {
    return wrong(`sequence_start is ${start}, beyond the largest sequence number (${MAX_SEQUENCE_NUMBER})`);
  }
  return { ok: true, value: { count, start } };
}
