import { toHex } from '../../domain/hex.ts';
import type {
  AddInvoiceResponse,
  GetInfoResponse,
  ListFeesResponse,
  ListInvoicesResponse,
  LndNode,
  SubscribeInvoiceAcceptedResponse,
  WaitForInvoiceFinalStatusResponse,
} from '../../generated/lnmux.ts';
import { InvoiceStatus, LndNode_State } from '../../generated/lnmux.ts';
import type { DecodedInvoice } from '../../lightning/bolt11.ts';

/** Names are those of the API; bytes are hex; 64-bit numbers are strings, as lncli prints them. */
export type Json = Readonly<Record<string, unknown>>;

/** The name of a value of one of the API's enumerations. */
export function nameIn(names: Readonly<Record<string, number>>, value: number): string {
  return Object.entries(names).find(([, number]) => number === value)?.[0] ?? 'UNKNOWN';
}

function statusName(status: InvoiceStatus): string {
  return nameIn(InvoiceStatus, status);
}

export function infoJson(info: GetInfoResponse): Json {
  return {
    pub_key: toHex(info.pubKey),
    network: info.network,
    nodes: info.nodes.map((node) => ({ pub_key: toHex(node.pubKey) })),
    auto_settle: info.autoSettle,
  };
}

export function addedJson(added: AddInvoiceResponse, showPreimage: boolean): Json {
  return {
    payment_request: added.paymentRequest,
    hash: toHex(added.hash),
    ...(showPreimage ? { preimage: toHex(added.preimage) } : {}),
  };
}

export function acceptedJson(set: SubscribeInvoiceAcceptedResponse): Json {
  return {
    hash: toHex(set.hash),
    set_id: toHex(set.setId),
    deadline_height: set.deadlineHeight,
    blocks_left: set.blocksLeft,
    deadline_seconds_estimate: set.deadlineSecondsEstimate.toString(),
    timeout_seconds_left: set.timeoutSecondsLeft.toString(),
  };
}

export function finalJson(final: WaitForInvoiceFinalStatusResponse): Json {
  return {
    invoice_status: statusName(final.invoiceStatus),
    ...(final.failureReason === '' ? {} : { failure_reason: final.failureReason }),
  };
}

export function listJson(list: ListInvoicesResponse, showPreimage: boolean): Json {
  return {
    invoices: list.invoice.map((invoice) => ({
      hash: toHex(invoice.hash),
      ...(showPreimage ? { preimage: toHex(invoice.preimage) } : {}),
      amount_msat: invoice.amountMsat.toString(),
      status: statusName(invoice.status),
      settle_requested_at: invoice.settleRequestedAt.toString(),
      finalized_at: invoice.finalizedAt.toString(),
      sequence_number: invoice.sequenceNumber.toString(),
    })),
    first_sequence_number: list.firstSequenceNumber.toString(),
    last_sequence_number: list.lastSequenceNumber.toString(),
  };
}

export function nodeJson(node: LndNode): Json {
  return {
    name: node.name,
    pub_key: toHex(node.pubKey),
    alias: node.alias,
    state: Object.entries(LndNode_State).find(([, number]) => number === node.state)?.[0] ?? 'UNKNOWN_STATE',
    ready: node.ready,
    since: node.since.toString(),
    health: node.health,
    lnd_version: node.lndVersion,
    warning: node.warning,
    block_height: node.blockHeight,
    priority: node.priority,
    hinted: node.hinted,
    hint: node.hint,
    held_parts: node.heldParts,
    held_msat: node.heldMsat.toString(),
    held_until_height: node.heldUntilHeight,
    draining: node.draining,
    draining_since: node.drainingSince.toString(),
    refuses_parts: node.refusesParts,
    may_be_stopped: node.mayBeStopped,
    stopping: node.stopping,
  };
}

export function feesJson(fees: ListFeesResponse): Json {
  return {
    nodes: fees.nodes.map((node) => ({
      name: node.name,
      pub_key: toHex(node.pubKey),
      fee_msat: node.feeMsat.toString(),
      amount_msat: node.amountMsat.toString(),
      parts: node.parts.toString(),
      parts_without_fee: node.partsWithoutFee.toString(),
    })),
    fee_msat: fees.feeMsat.toString(),
  };
}

export function decodedJson(invoice: DecodedInvoice): Json {
  return {
    destination: invoice.payee,
    network: invoice.network,
    payment_hash: toHex(invoice.paymentHash),
    num_msat: invoice.amountMsat?.toString() ?? null,
    timestamp: invoice.timestamp.toString(),
    expiry: invoice.expirySecs.toString(),
    description: invoice.description ?? '',
    description_hash: invoice.descriptionHash === undefined ? '' : toHex(invoice.descriptionHash),
    cltv_expiry: invoice.finalCltvDelta.toString(),
    payment_addr: toHex(invoice.paymentAddr),
    features: [...invoice.features].sort((a, b) => a - b),
    route_hints: invoice.hints.map((hops) => ({
      hop_hints: hops.map((hop) => ({
        node_id: hop.nodeId,
        chan_id: hop.chanId.toString(),
        fee_base_msat: hop.feeBaseMsat,
        fee_proportional_millionths: hop.feeRatePpm,
        cltv_expiry_delta: hop.cltvDelta,
      })),
    })),
  };
}
