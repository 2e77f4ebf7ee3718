import type { InvoiceEvent } from '../../actors/ports/invoiceEvents.ts';
import type { InvoiceReport, PartReport } from '../../actors/ports/invoiceReport.ts';
import { hashBytes } from '../../domain/hash.ts';
import {
  InvoiceEvent_Type,
  type InvoiceEvent as InvoiceEventMessage,
  InvoiceReport_State,
  type InvoiceReport as InvoiceReportMessage,
  type Part,
  Part_Status,
} from '../../generated/lnmux.ts';
import { secondsOf } from './responses.ts';
import { blocksInSeconds, wholeSeconds } from './time.ts';

const STATES = {
  open: InvoiceReport_State.OPEN,
  accepted: InvoiceReport_State.ACCEPTED,
  settle_requested: InvoiceReport_State.SETTLE_REQUESTED,
  settled: InvoiceReport_State.SETTLED,
  failed: InvoiceReport_State.FAILED,
} as const;

const STATUSES = {
  held: Part_Status.HELD,
  absent: Part_Status.ABSENT,
  settling: Part_Status.SETTLING,
  settled: Part_Status.SETTLED,
  failing: Part_Status.FAILING,
  failed: Part_Status.FAILED,
} as const;

const EVENT_TYPES = {
  accepted: InvoiceEvent_Type.ACCEPTED,
  given_back: InvoiceEvent_Type.GIVEN_BACK,
  settle_requested: InvoiceEvent_Type.SETTLE_REQUESTED,
  settled: InvoiceEvent_Type.SETTLED,
  failed: InvoiceEvent_Type.FAILED,
} as const;

export function eventResponse(event: InvoiceEvent): InvoiceEventMessage {
  return {
    sequence: event.sequence,
    type: EVENT_TYPES[event.type],
    hash: hashBytes(event.paymentHash),
    setId: event.setId === undefined ? Buffer.alloc(0) : hashBytes(event.setId),
    timeMs: BigInt(event.at),
    failureReason: event.failureReason ?? '',
    settledMsat: event.settledMsat,
  };
}

function partResponse(part: PartReport): Part {
  return {
    node: hashBytes(part.key.nodeId),
    nodeName: part.nodeName,
    chanId: part.key.chanId,
    htlcId: part.key.htlcId,
    amountMsat: part.amountMsat,
    feeMsat: part.feeMsat ?? 0n,
    cltvExpiry: part.cltvExpiry ?? 0,
    autoFailHeight: part.autoFailHeight ?? 0,
    status: STATUSES[part.status],
    failureReason: part.failureReason ?? '',
  };
}

export function reportResponse(report: InvoiceReport): InvoiceReportMessage {
  const { deadline } = report;
  return {
    hash: hashBytes(report.paymentHash),
    state: STATES[report.state],
    phase: report.phase,
    explanation: report.explanation,
    failureReason: report.failureReason ?? '',
    setId: report.setId === undefined ? Buffer.alloc(0) : hashBytes(report.setId),
    amountMsat: report.amountMsat ?? 0n,
    totalMsat: report.totalMsat,
    receivedMsat: report.receivedMsat,
    settledMsat: report.settledMsat,
    parts: report.parts.map(partResponse),
    deadlineHeight: Math.max(0, deadline?.height ?? 0),
    blocksLeft: deadline?.blocksLeft ?? 0,
    deadlineSecondsEstimate: blocksInSeconds(deadline?.blocksLeft ?? 0),
    timeoutSecondsLeft: wholeSeconds(report.timeoutMs ?? 0),
    settleRequestedAt: secondsOf(report.settleRequestedAt),
    finalizedAt: secondsOf(report.finalizedAt),
    sequenceNumber: report.sequenceNumber ?? 0n,
  };
}
