import type { NodeId, PaymentHash } from '../../domain/hash.ts';
import type { CircuitKey, HtlcKey } from '../../domain/htlcKey.ts';

/** An intercepted HTLC that is addressed to our virtual channel (routerrpc.ForwardHtlcInterceptRequest). */
export interface HtlcOffer {
  readonly key: HtlcKey;
  readonly paymentHash: PaymentHash;
  readonly incomingAmountMsat: bigint;
  /** What the node's hop payload says that it forwards to us. lnd does not compare it with the incoming amount. */
  readonly outgoingAmountMsat: bigint;
  readonly incomingExpiry: number;
  readonly outgoingExpiry: number;
  readonly autoFailHeight: number;
  /**
   * Offered by lnd's chain watcher: auto_fail_height is 0 or the incoming expiry. Such an offer takes a settle
   * or silence; a fail or resume ends the stream.
   */
  readonly onChain: boolean;
  /** 1,366 bytes. Only valid during the call that hands the offer over: copy what is kept. */
  readonly onionBlob: Uint8Array;
}

/** A failure that lnd makes by itself, as the node, for an offer that we can't answer with an onion of our own. */
export type LndFailureCode =
  | 'temporary_channel_failure'
  | 'invalid_onion_version'
  | 'invalid_onion_hmac'
  | 'invalid_onion_key';

/** Final outcome of an HTLC as lnd reports it (FinalHtlcEvent, LookupHtlcResolution). */
export interface FinalHtlc {
  readonly key: HtlcKey;
  readonly settled: boolean;
  readonly offChain: boolean;
}

/** What a node link tells the supervisor. Calls must not throw and must not block. */
export interface NodeLinkListener {
  /** An HTLC for us. Foreign ones were resumed already and never come here. */
  offered(link: NodeLink, offer: HtlcOffer): void;
  /** Several offers that arrived in one turn have been handed over; batches may be flushed. */
  offersEnd?(link: NodeLink): void;
  finalised(link: NodeLink, final: FinalHtlc): void;
  /** A block, or a reorganisation to the same or a lower height. */
  heightChanged(link: NodeLink, height: number): void;
  /** The interceptor stream is open; held HTLCs will be offered again. */
  connected(link: NodeLink): void;
  disconnected(link: NodeLink, reason: string): void;
  /** `ready` changed: synced, flags right, blocks coming. */
  readinessChanged(link: NodeLink): void;
  /** HTLCs of this node whose final outcome is still unknown: looked up on every connection. */
  unresolved(nodeId: NodeId): Iterable<CircuitKey>;
  /**
   * HTLCs that are held and that this node, which has had time to offer all it has, does not offer: they have ended, or
   * will be offered by a link that is late. Looked up some seconds after each connect.
   */
  missing(nodeId: NodeId): Iterable<CircuitKey>;
}

/** The supervisor's handle on one lnd. */
export interface NodeLink {
  readonly nodeId: NodeId;
  /** Grows with each interceptor stream; 0 while there is none. An offer belongs to the stream it came on. */
  readonly streamId: number;
  /** Connected, validated, synced to chain, and blocks are not silent for too long. */
  readonly ready: boolean;
  /**
   * Answers an offer of the present stream. False, and nothing sent, when the HTLC was not offered on this stream
   * or has been answered on it: a second answer would end the stream for every other HTLC.
   */
  settle(key: CircuitKey, preimage: Uint8Array): boolean;
  /** As {@link settle}, with the 292-byte failure onion. Refused for an on-chain offer. */
  fail(key: CircuitKey, failureOnion: Uint8Array): boolean;
  /** As {@link fail}, with a failure that lnd originates. */
  failWithCode(key: CircuitKey, code: LndFailureCode): boolean;
  /** Whether this HTLC is offered on the present stream and not yet answered. */
  awaitsAnswer(key: CircuitKey): boolean;
  /**
   * Whether this HTLC may have ended although it is offered: it came right after the stream had opened, and lnd has
   * not said yet that it is pending. Nothing may be released with it.
   */
  doubtful?(key: CircuitKey): boolean;
}
