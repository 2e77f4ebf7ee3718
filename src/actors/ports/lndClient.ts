import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { LndFailureCode } from './nodeLink.ts';

/**
 * How the node link reaches one lnd. No gRPC here: the adapter speaks it, simulations implement this port
 * directly.
 *
 * Rules for implementers: callbacks come one after another, never during the call that opened their stream, and
 * never after `close`. `closed` is the last callback of a stream and comes exactly once, unless the stream was
 * closed by us. Streams have no deadline.
 */
export interface LndClient {
  /**
   * A fresh connection, with certificate and macaroon read anew so that rotated files are taken up. Nothing need
   * be sent yet. Rejects with an {@link LndError} of kind `credentials` when a file is missing or unusable.
   */
  connect(): Promise<LndConnection>;
}

export interface LndConnection {
  /** verrpc.Versioner/GetVersion: the semantic version, e.g. `0.21.2-beta`. */
  getVersion(): Promise<string>;
  /** lnrpc.Lightning/GetInfo. */
  getInfo(): Promise<LndInfo>;
  /** lnrpc.Lightning/LookupHtlcResolution; undefined while pending, or when lnd doesn't know the HTLC. */
  lookupHtlcResolution(key: CircuitKey): Promise<HtlcResolution | undefined>;
  /** routerrpc.Router/SubscribeHtlcEvents. */
  subscribeHtlcEvents(listener: HtlcEventsListener): void;
  /** chainrpc.ChainNotifier/RegisterBlockEpochNtfn from the tip: the present height comes first. */
  subscribeBlocks(listener: BlocksListener): void;
  /** routerrpc.Router/HtlcInterceptor. */
  openInterceptor(listener: InterceptorListener): InterceptorStream;
  /** Ends every call and stream of this connection. Idempotent. */
  close(): void;
}

export interface LndInfo {
  /** What the node calls itself. */
  readonly alias: string;
  /** Hex as lnd writes it. */
  readonly identityPubkey: string;
  /** Of the first chain; undefined when lnd lists none. */
  readonly network: string | undefined;
  readonly syncedToChain: boolean;
  readonly requireHtlcInterceptor: boolean;
  readonly storeFinalHtlcResolutions: boolean;
}

export interface HtlcResolution {
  readonly settled: boolean;
  readonly offChain: boolean;
}

interface StreamListener {
  closed(error: LndError): void;
}

export interface HtlcEventsListener extends StreamListener {
  /** lnd's confirmation: every later final event will be heard. */
  subscribed(): void;
  /** A FinalHtlcEvent, of any HTLC that came in on this node. */
  finalised(key: CircuitKey, resolution: HtlcResolution): void;
}

export interface BlocksListener extends StreamListener {
  /** A new tip. Heights repeat or fall in a reorganisation. */
  block(height: number): void;
}

export interface InterceptorListener extends StreamListener {
  /** A sign of life without an HTLC; lnd usually gives none. */
  opened(): void;
  offered(offer: LndHtlcOffer): void;
  /** Answers may be written again after {@link InterceptorStream.answer} returned false. */
  drained(): void;
}

export interface InterceptorStream {
  /**
   * Writes an answer. False when the transport has enough for now: this answer is taken, further ones should
   * wait for `drained`. Bytes are only read during the call.
   */
  answer(answer: HtlcAnswer): boolean;
  /** No more answers: what was written is still sent, then lnd ends the stream and `closed` comes. */
  finish(): void;
}

/** routerrpc.ForwardHtlcInterceptRequest as it came. Bytes are only valid during the callback. */
export interface LndHtlcOffer {
  readonly key: CircuitKey;
  readonly paymentHash: Uint8Array;
  readonly incomingAmountMsat: bigint;
  readonly outgoingAmountMsat: bigint;
  readonly incomingExpiry: number;
  readonly outgoingExpiry: number;
  readonly outgoingRequestedChanId: bigint;
  readonly autoFailHeight: number;
  readonly onionBlob: Uint8Array;
}

/** routerrpc.ForwardHtlcInterceptResponse. Each action has just the fields that lnd takes for it. */
export type HtlcAnswer =
  | { readonly action: 'settle'; readonly key: CircuitKey; readonly preimage: Uint8Array }
  | { readonly action: 'fail'; readonly key: CircuitKey; readonly failureOnion: Uint8Array }
  | { readonly action: 'failWithCode'; readonly key: CircuitKey; readonly code: LndFailureCode }
  | { readonly action: 'resume'; readonly key: CircuitKey };

/**
 * What kind of trouble it is:
 * - `credentials`: certificate or macaroon missing, unreadable or not what it should be; nothing was sent
 * - `denied`: lnd does not accept the macaroon, or not for this call
 * - `occupied`: another client has the interceptor slot
 * - `deadline`: no answer in time
 * - `unavailable`: no connection, or lnd is starting
 * - `other`: whatever else lnd said
 */
export type LndErrorKind = 'credentials' | 'denied' | 'occupied' | 'deadline' | 'unavailable' | 'other';

/** Any failure of a call or stream. The message is fit for a log: it holds no secret. */
export class LndError extends Error {
  readonly kind: LndErrorKind;

  constructor(kind: LndErrorKind, message: string) {
    super(message);
    this.name = 'LndError';
    this.kind = kind;
  }
}
