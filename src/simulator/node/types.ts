import type { PaymentHash } from '../../domain/hash.ts';
import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';

/**
 * Generations of lnd's interceptor. L: 0.16.0 to 0.20.1 and 0.21.0; M: 0.20.2 and 0.21.1; N: 0.20.3, 0.21.2 and
 * later.
 */
export type Epoch = 'L' | 'M' | 'N';

/** lnd's release series. From 0.21 on an HTLC needs more blocks, and is given back earlier. */
export type Series = '0.20' | '0.21';

/** What may be changed while the node runs. Heights are in blocks, delays in milliseconds. */
export interface NodeSettings {
  readonly epoch: Epoch;
  readonly series: Series;
  /** Blocks before incoming expiry at which the watchdog fails a held HTLC. */
  readonly rejectDelta: number;
  /** An HTLC must have at least this many blocks left to be offered. */
  readonly interceptDelta: number;
  /** lnd's --requireinterceptor. */
  readonly requireInterceptor: boolean;
  /** lnd's --store-final-htlc-resolutions. */
  readonly storeFinals: boolean;
  /** From an accepted answer to the signed commitment; undefined: only on request. */
  readonly signDelayMs: number | undefined;
  /** From the signed commitment to the final resolution; undefined: only on request. */
  readonly finalDelayMs: number | undefined;
  /** From a start of lnd to the peers' reconnection; undefined: only on request. */
  readonly relinkDelayMs: number | undefined;
  /** Smaller HTLCs have no output in a commitment transaction. */
  readonly dustLimitMsat: Msat;
  /** Fault: final resolutions are stored, but their events are lost. */
  readonly loseFinalEvents: boolean;
}

/** Failures that the node itself is the origin of. */
export type OriginFailure =
  | 'temporary_channel_failure'
  | 'unknown_next_peer'
  | 'expiry_too_soon'
  | 'expiry_too_far'
  | 'incorrect_or_unknown_payment_details'
  | 'invalid_onion_version'
  | 'invalid_onion_hmac'
  | 'invalid_onion_key';

/** A failure on its way back: already encrypted by the virtual hop, or made by this node. */
export type Failure =
  | { readonly kind: 'encrypted'; readonly reason: Uint8Array }
  | { readonly kind: 'origin'; readonly name: OriginFailure };

export type Response =
  | { readonly kind: 'settle'; readonly preimage: Uint8Array }
  | { readonly kind: 'fail'; readonly failure: Failure };

/** What became of an HTLC, as its sender learns it. There is exactly one for each. */
export type Outcome =
  | { readonly kind: 'settled'; readonly preimage: Uint8Array; readonly onChain: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'failedOnChain' };

/** An HTLC as it comes in over a channel, with the hop payload that lnd read. */
export interface IncomingHtlc {
  readonly chanId: bigint;
  readonly paymentHash: PaymentHash;
  readonly incomingAmountMsat: Msat;
  readonly incomingExpiry: number;
  readonly outgoingAmountMsat: Msat;
  readonly outgoingExpiry: number;
  readonly outgoingChanId: bigint;
  /** Peeled, 1366 bytes. */
  readonly onionBlob: Uint8Array;
  /** The secret shared with the sender; empty where nobody reads the failure. */
  readonly sharedSecret: Uint8Array;
  /** With it the next hop settles when the HTLC is resumed; without it there is no next hop. */
  readonly forwardPreimage?: Uint8Array | undefined;
  /** The sender's own name of this HTLC, under which the outcome can be asked for again. */
  readonly senderRef?: string | undefined;
  /** Not journalled: lost when the process ends. For load generation. */
  readonly volatile?: boolean | undefined;
}

/**
 * pending: no response. answered: response in the mailbox, in RAM. signed: response in a signed commitment.
 * final: irrevocably resolved.
 */
export type Stage = 'pending' | 'answered' | 'signed' | 'final';

export interface Htlc extends IncomingHtlc, CircuitKey {
  stage: Stage;
  response: Response | undefined;
  /** Let on to the next hop by the client or for want of one. */
  resumed: boolean;
  onChain: boolean;
  /** Preimage with which the on-chain claim is made. */
  claim: Uint8Array | undefined;
  /** Whether the sender has its outcome. */
  told: boolean;
}

/** A final resolution as LookupHtlcResolution and FinalHtlcEvent tell it. */
export interface Resolution {
  readonly settled: boolean;
  readonly offchain: boolean;
}

/** routerrpc.HtlcEvent without its wire form. */
export type NodeEvent = CircuitKey &
  (
    | { readonly kind: 'forward' | 'forwardFail' | 'linkFail'; readonly outgoingChanId: bigint }
    | { readonly kind: 'settle'; readonly preimage: Uint8Array; readonly outgoingChanId: bigint }
    | ({ readonly kind: 'final' } & Resolution)
  );

/** What survives a kill, in the order in which it happened. */
export type JournalRecord =
  | { readonly type: 'block'; readonly height: number; readonly fork: number }
  | ({ readonly type: 'htlc'; readonly htlcId: bigint } & IncomingHtlc)
  | ({ readonly type: 'response'; readonly response: Response } & CircuitKey)
  | ({ readonly type: 'claim'; readonly preimage: Uint8Array } & CircuitKey)
  | ({ readonly type: 'final'; readonly stored: boolean } & Resolution & CircuitKey)
  | ({ readonly type: 'outcome'; readonly senderRef: string; readonly outcome: Outcome } & CircuitKey)
  | ({ readonly type: 'reserve' } & CircuitKey)
  | { readonly type: 'close'; readonly chanId: bigint };

/** An error that ends a call. Codes are gRPC's. */
export interface RpcFault {
  readonly code: number;
  readonly message: string;
}

/** ForwardHtlcInterceptRequest without its wire form. */
export interface Offer {
  readonly htlc: Htlc;
  readonly autoFailHeight: number;
}

/** The client's end of the interceptor stream. */
export interface InterceptorClient {
  offer(offer: Offer): void;
  /** The node closes the stream. */
  end(fault: RpcFault): void;
}

/** ForwardHtlcInterceptResponse without its wire form; actions and codes are lnd's numbers. */
export interface Answer {
  readonly key: CircuitKey | undefined;
  readonly action: number;
  readonly preimage: Uint8Array;
  readonly failureMessage: Uint8Array;
  readonly failureCode: number;
}

/** Where the core tells what happens. Nothing here may call back into the core at once. */
export interface NodeOutput {
  event(event: NodeEvent): void;
  block(height: number, hash: Uint8Array): void;
  /** The client's answer was accepted (not yet durable). */
  answered(htlc: Htlc, answer: Answer): void;
  outcome(htlc: Htlc, outcome: Outcome): void;
  journal(record: JournalRecord): void;
}

/** Time as the core needs it: once, after a delay. */
export interface NodeTimer {
  schedule(delayMs: number, run: () => void): void;
}
