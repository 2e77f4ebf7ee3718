import type { ServerWritableStream } from '@grpc/grpc-js';
import { type PaymentHash, paymentHashFromBytes } from '../../domain/hash.ts';
import { toHex } from '../../domain/hex.ts';
import type { SendHtlcEvent, SendHtlcRequest } from '../../generated/simulator.ts';
import { sha256 } from '../../lightning/crypto.ts';
import { DecodeError } from '../../lightning/errors.ts';
import { decodeHopPayload, type HopInstructions } from '../../lightning/finalPayload.ts';
import { peelForwardingOnion } from '../../lightning/onion.ts';
import { invalidArgument } from '../node/faults.ts';
import { circuitText } from '../node/ledger.ts';
import type { IncomingHtlc, Outcome, RpcFault } from '../node/types.ts';
import type { NodeContext } from './context.ts';
import { failureReason } from './failureReason.ts';
import { endWith } from './rpc.ts';

type SendCall = ServerWritableStream<SendHtlcRequest, SendHtlcEvent>;

const FAILED_PRECONDITION = 9;
/** BADONION codes for update_fail_malformed_htlc. */
const MALFORMED: Readonly<Partial<Record<string, number>>> = {
  invalid_onion_version: 0xc004,
  invalid_onion_hmac: 0xc005,
  invalid_onion_key: 0xc006,
};

/** What the node read in the onion. */
interface Peeled {
  readonly incoming: IncomingHtlc;
  readonly isLastHop: boolean;
}

/** The sender's side of SendHtlc: peels this node's layer, hands the HTLC to the core and waits for its outcome. */
export function sendHtlc(context: NodeContext, call: SendCall): void {
  const { request } = call;
  const paymentHash = paymentHashFromBytes(request.paymentHash);
  if (!paymentHash) {
    endWith(call, invalidArgument('payment_hash has not 32 bytes'));
    return;
  }
  const peeled = peel(request, paymentHash, context.identity.privateKey);
  if (typeof peeled === 'number') {
    call.write(failed({ malformedCode: peeled }));
    call.end();
    return;
  }
  const fault = follow(context, call, peeled);
  if (fault) endWith(call, fault);
}

function follow(context: NodeContext, call: SendCall, peeled: Peeled): RpcFault | undefined {
  const { node, hub } = context;
  const { incoming } = peeled;
  const answer = (outcome: Outcome) => {
    call.write(outcomeEvent(outcome, incoming, node.height));
    call.end();
  };
  let key = node.findBySender(incoming.senderRef!);
  if (!key) {
    try {
      const htlc = peeled.isLastHop ? node.receiveAsLastHop(incoming) : node.receive(incoming);
      key = { chanId: htlc.chanId, htlcId: htlc.htlcId, outcome: undefined };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { code: FAILED_PRECONDITION, message: error.message };
    }
  }
  const { chanId, htlcId, outcome } = key;
  call.write({ event: { $case: 'accepted', value: { chanId, htlcId } } });
  if (outcome) {
    answer(outcome);
    return undefined;
  }
  const watcher = { outcome: answer };
  hub.watch(circuitText(key), watcher);
  call.on('cancelled', () => hub.unwatch(circuitText({ chanId, htlcId }), watcher));
  return undefined;
}

function peel(request: SendHtlcRequest, paymentHash: PaymentHash, privateKey: Uint8Array): Peeled | number {
  try {
    const onion = peelForwardingOnion({
      privateKey,
      onionBlob: new Uint8Array(request.onionBlob),
      paymentHash: new Uint8Array(request.paymentHash),
    });
    const isLastHop = onion.nextOnion === undefined;
    const hop: HopInstructions = isLastHop
      ? { amountMsat: request.amountMsat, cltvExpiry: request.expiry, chanId: 0n }
      : decodeHopPayload(onion.payload);
    const incoming: IncomingHtlc = {
      chanId: request.chanId,
      paymentHash,
      incomingAmountMsat: request.amountMsat,
      incomingExpiry: request.expiry,
      outgoingAmountMsat: hop.amountMsat,
      outgoingExpiry: hop.cltvExpiry,
      outgoingChanId: hop.chanId,
      onionBlob: onion.nextOnion ?? new Uint8Array(0),
      sharedSecret: onion.sharedSecret,
      senderRef: `${request.chanId}:${toHex(sha256(request.onionBlob))}`,
    };
    if (request.forwardPreimage.length === 0) return { incoming, isLastHop };
    const forwardPreimage = new Uint8Array(request.forwardPreimage);
    return { incoming: { ...incoming, forwardPreimage }, isLastHop };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    // A payload that this node cannot read has a failure of its own; no sender of ours makes one.
    return MALFORMED[error.code] ?? 0xc005;
  }
}

function outcomeEvent(outcome: Outcome, htlc: IncomingHtlc, height: number): SendHtlcEvent {
  switch (outcome.kind) {
    case 'settled': {
      const preimage = Buffer.from(outcome.preimage);
      return { event: { $case: 'settled', value: { preimage, onChain: outcome.onChain } } };
    }
    case 'failed':
      return failed({ reason: Buffer.from(failureReason(outcome.failure, htlc, height)) });
    case 'failedOnChain':
      return failed({ onChain: true });
  }
}

function failed(fields: { reason?: Buffer; malformedCode?: number; onChain?: boolean }): SendHtlcEvent {
  const value = { reason: Buffer.alloc(0), malformedCode: 0, onChain: false, ...fields };
  return { event: { $case: 'failed', value } };
}
