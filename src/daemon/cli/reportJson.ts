import { toHex } from '../../domain/hex.ts';
import {
  type InvoiceEvent,
  InvoiceEvent_Type,
  type InvoiceReport,
  InvoiceReport_State,
  type ListUnresolvedPartsResponse,
  ListUnresolvedPartsResponse_UnresolvedPart_Decision,
  type Part,
  Part_Status,
} from '../../generated/lnmux.ts';
import { type Json, nameIn } from './cliJson.ts';

function partJson(part: Part): Json {
  return {
    node: toHex(part.node),
    node_name: part.nodeName,
    chan_id: part.chanId.toString(),
    htlc_id: part.htlcId.toString(),
    amount_msat: part.amountMsat.toString(),
    fee_msat: part.feeMsat.toString(),
    cltv_expiry: part.cltvExpiry,
    auto_fail_height: part.autoFailHeight,
    status: nameIn(Part_Status, part.status),
    ...(part.failureReason === '' ? {} : { failure_reason: part.failureReason }),
  };
}

export function reportJson(report: InvoiceReport): Json {
  return {
    hash: toHex(report.hash),
    state: nameIn(InvoiceReport_State, report.state),
    phase: report.phase,
    explanation: report.explanation,
    ...(report.failureReason === '' ? {} : { failure_reason: report.failureReason }),
    set_id: toHex(report.setId),
    amount_msat: report.amountMsat.toString(),
    total_msat: report.totalMsat.toString(),
    received_msat: report.receivedMsat.toString(),
    settled_msat: report.settledMsat.toString(),
    parts: report.parts.map(partJson),
    deadline_height: report.deadlineHeight,
    blocks_left: report.blocksLeft,
    deadline_seconds_estimate: report.deadlineSecondsEstimate.toString(),
    timeout_seconds_left: report.timeoutSecondsLeft.toString(),
    settle_requested_at: report.settleRequestedAt.toString(),
    finalized_at: report.finalizedAt.toString(),
    sequence_number: report.sequenceNumber.toString(),
  };
}

export function eventJson(event: InvoiceEvent): Json {
  return {
    sequence: event.sequence.toString(),
    type: nameIn(InvoiceEvent_Type, event.type),
    hash: toHex(event.hash),
    set_id: toHex(event.setId),
    time_ms: event.timeMs.toString(),
    ...(event.failureReason === '' ? {} : { failure_reason: event.failureReason }),
    settled_msat: event.settledMsat.toString(),
  };
}

export function unresolvedJson({ parts, more }: ListUnresolvedPartsResponse): Json {
  return {
    parts: parts.map((part) => ({
      node: toHex(part.node),
      node_name: part.nodeName,
      chan_id: part.chanId.toString(),
      htlc_id: part.htlcId.toString(),
      hash: toHex(part.hash),
      decision: nameIn(ListUnresolvedPartsResponse_UnresolvedPart_Decision, part.decision),
      amount_msat: part.amountMsat.toString(),
      auto_fail_height: part.autoFailHeight,
      configured: part.configured,
    })),
    more,
  };
}
