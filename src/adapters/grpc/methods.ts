import { status } from '@grpc/grpc-js';
import type { Application, CancelResult, SettleResult } from '../../actors/ports/application.ts';
import type {
  AddInvoiceRequest,
  AddInvoiceResponse,
  CancelInvoiceRequest,
  CancelInvoiceResponse,
  GetInfoResponse,
  InvoiceReport,
  ListInvoicesRequest,
  ListInvoicesResponse,
  LookupInvoiceRequest,
  SettleInvoiceRequest,
  SettleInvoiceResponse,
  WaitForInvoiceFinalStatusRequest,
  WaitForInvoiceFinalStatusResponse,
} from '../../generated/lnmux.ts';
import type { GrpcLimits } from './limits.ts';
import { answer, invalid, notFound, type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { reportResponse } from './reportResponse.ts';
import { checkAddInvoice, checkHash, checkList, checkSet } from './requests.ts';
import { bufferOf, finalResponse, infoResponse, listResponse, NO_BYTES } from './responses.ts';

const DONE: Outcome<Record<string, never>> = answer({});

export function getInfo(application: Application): Outcome<GetInfoResponse> {
  return answer(infoResponse(application.info()));
}

export function addInvoice(
  application: Application,
  request: AddInvoiceRequest,
  showsPreimage: boolean,
): Outcome<AddInvoiceResponse> {
  const checked = checkAddInvoice(request);
  if (!checked.ok) return invalid(checked.problem);
  const added = application.addInvoice(checked.value);
  if (!added.ok) {
    return 'problem' in added ? invalid(added.problem) : refuse(status.UNAVAILABLE, added.unavailable);
  }
  return answer({
    paymentRequest: added.paymentRequest,
    preimage: showsPreimage ? bufferOf(added.preimage) : NO_BYTES,
    hash: bufferOf(added.paymentHash),
  });
}

function settleOutcome(result: SettleResult): Outcome<SettleInvoiceResponse> {
  switch (result.result) {
    case 'requested':
      return DONE;
    case 'not_found':
      return notFound();
    case 'failed_precondition':
      return refuse(status.FAILED_PRECONDITION, result.reason);
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
    case 'unknown':
      return refuse(status.ABORTED, result.reason);
  }
}

export function settleInvoice(
  application: Application,
  request: SettleInvoiceRequest,
): Outcome<SettleInvoiceResponse> | Promise<Outcome<SettleInvoiceResponse>> {
  const checked = checkSet(request);
  if (!checked.ok) return invalid(checked.problem);
  return application.settleInvoice(checked.value.hash, checked.value.setId).then(settleOutcome);
}

function cancelOutcome(result: CancelResult): Outcome<CancelInvoiceResponse> {
  switch (result.result) {
    case 'canceled':
      return DONE;
    case 'not_found':
      return notFound();
    case 'settle_already_requested':
      return refuse(status.FAILED_PRECONDITION, 'invoice settle already requested');
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
  }
}

export function cancelInvoice(
  application: Application,
  request: CancelInvoiceRequest,
): Outcome<CancelInvoiceResponse> | Promise<Outcome<CancelInvoiceResponse>> {
  const checked = checkSet(request);
  if (!checked.ok) return invalid(checked.problem);
  return application.cancelInvoice(checked.value.hash, checked.value.setId).then(cancelOutcome);
}

export async function waitForFinalStatus(
  application: Application,
  request: WaitForInvoiceFinalStatusRequest,
  signal: AbortSignal,
): Promise<Outcome<WaitForInvoiceFinalStatusResponse>> {
  const checked = checkHash(request.hash);
  if (!checked.ok) return invalid(checked.problem);
  const result = await application.waitForFinalStatus(checked.value, signal, request.fromIssue === true);
  switch (result.result) {
    case 'settled':
    case 'failed':
      return answer(finalResponse(result));
    case 'not_found':
      return notFound();
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
    // The client is gone and hears nothing, or the daemon stops.
    case 'aborted':
      return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
  }
}

export async function lookupInvoice(
  application: Application,
  request: LookupInvoiceRequest,
): Promise<Outcome<InvoiceReport>> {
  const checked = checkHash(request.hash);
  if (!checked.ok) return invalid(checked.problem);
  const result = await application.lookupInvoice(checked.value);
  switch (result.result) {
    case 'found':
      return answer(reportResponse(result.report));
    case 'not_found':
      return refuse(
        status.NOT_FOUND,
        'nothing is known of this hash: an invoice is heard of when the first HTLC for it arrives, not when it is issued',
      );
    case 'unavailable':
      return refuse(status.UNAVAILABLE, result.reason);
  }
}

/**
 * A client that asks for more than a page may get everything, but never a part that looks like everything:
 * one invoice more than a page is asked for, to see whether there are more.
 */
export async function listInvoices(
  application: Application,
  request: ListInvoicesRequest,
  limits: GrpcLimits,
  showsPreimages: boolean,
): Promise<Outcome<ListInvoicesResponse>> {
  const checked = checkList(request);
  if (!checked.ok) return invalid(checked.problem);
  const { count, start } = checked.value;
  const page = limits.maxListedInvoices;
  const max = count > BigInt(page) ? page + 1 : Number(count);
  const listed = await application.listInvoices({ sequenceStart: start, max });
  if (!listed.ok) return refuse(status.UNAVAILABLE, listed.reason);
  if (listed.invoices.length > page) {
    return refuse(
      status.RESOURCE_EXHAUSTED,
      `there are more than ${page} invoices from sequence number ${start}: ask for at most ${page} at a time ` +
        'and go on from last_sequence_number + 1',
    );
  }
  return answer(listResponse(listed.invoices, showsPreimages));
}
