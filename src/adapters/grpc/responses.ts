import type {
  AcceptedSet,
  ApplicationInfo,
  ListedInvoice,
  WaitResult,
} from '../../actors/ports/application.ts';
import { hashBytes } from '../../domain/hash.ts';
import type {
  GetInfoResponse,
  ListInvoicesResponse,
  ListInvoicesResponse_Invoice,
  SubscribeInvoiceAcceptedResponse,
  WaitForInvoiceFinalStatusResponse,
} from '../../generated/lnmux.ts';
import { InvoiceStatus } from '../../generated/lnmux.ts';
import { blocksInSeconds, wholeSeconds } from './time.ts';

/** In place of a preimage that is not told. */
export const NO_BYTES = Buffer.alloc(0);

/** The same bytes as a Buffer, which the generated code asks for. Nothing is copied. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function infoResponse(info: ApplicationInfo): GetInfoResponse {
  return {
    pubKey: hashBytes(info.nodeId),
    network: info.network,
    nodes: info.nodes.map((node) => ({ pubKey: hashBytes(node) })),
    autoSettle: info.autoSettle,
  };
}

export function acceptedResponse(set: AcceptedSet): SubscribeInvoiceAcceptedResponse {
  return {
    hash: hashBytes(set.paymentHash),
    setId: hashBytes(set.setId),
    deadlineHeight: set.deadlineHeight,
    blocksLeft: set.blocksLeft,
    deadlineSecondsEstimate: blocksInSeconds(set.blocksLeft),
    timeoutSecondsLeft: wholeSeconds(set.timeoutMs),
  };
}

export function finalResponse(
  result: Extract<WaitResult, { result: 'settled' | 'failed' }>,
): WaitForInvoiceFinalStatusResponse {
  return result.result === 'settled'
    ? { invoiceStatus: InvoiceStatus.SETTLED, failureReason: '' }
    : { invoiceStatus: InvoiceStatus.FAILED, failureReason: result.reason };
}

/** Unix milliseconds to the API's whole seconds; 0 says that it has not happened. */
export function secondsOf(unixMs: number | undefined): bigint {
  return unixMs === undefined ? 0n : BigInt(Math.floor(unixMs / 1000));
}

function listedResponse(invoice: ListedInvoice, showsPreimage: boolean): ListInvoicesResponse_Invoice {
  return {
    hash: hashBytes(invoice.paymentHash),
    preimage: showsPreimage ? bufferOf(invoice.preimage) : NO_BYTES,
    amountMsat: invoice.amountMsat,
    status: InvoiceStatus[invoice.status],
    settleRequestedAt: secondsOf(invoice.settleRequestedAt),
    finalizedAt: secondsOf(invoice.finalizedAt),
    sequenceNumber: invoice.sequenceNumber,
  };
}

export function listResponse(
  invoices: readonly ListedInvoice[],
  showsPreimages: boolean,
): ListInvoicesResponse {
  return {
    invoice: invoices.map((invoice) => listedResponse(invoice, showsPreimages)),
    firstSequenceNumber: invoices[0]?.sequenceNumber ?? 0n,
    lastSequenceNumber: invoices.at(-1)?.sequenceNumber ?? 0n,
  };
}
