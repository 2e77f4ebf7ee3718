import type { PaidPart, PartFailure } from '../scenarios/cluster.ts';
import { Reader } from './reader.ts';

/** What lncli prints, read. lncli prints bytes as hex and 64-bit numbers as strings. */

export interface NodeInfo {
  readonly pubkey: string;
  readonly height: number;
  readonly isSynced: boolean;
  readonly requiresInterceptor: boolean;
  readonly storesFinalResolutions: boolean;
}

export function readNodeInfo(text: string): NodeInfo {
  const info = Reader.parse(text, 'lncli getinfo');
  return {
    pubkey: info.hex('identity_pubkey', 33),
    height: info.number('block_height'),
    isSynced: info.boolean('synced_to_chain'),
    requiresInterceptor: info.boolean('require_htlc_interceptor'),
    storesFinalResolutions: info.boolean('store_final_htlc_resolutions'),
  };
}

export interface OpenChannel {
  readonly peer: string;
  readonly isActive: boolean;
  /** txid:index */
  readonly channelPoint: string;
  /** The short channel id, decimal. */
  readonly scid: string;
  readonly capacitySat: bigint;
  readonly localSat: bigint;
  readonly pendingHtlcs: number;
}

export function readChannels(text: string): OpenChannel[] {
  return Reader.parse(text, 'lncli listchannels')
    .list('channels')
    .map((channel) => ({
      peer: channel.hex('remote_pubkey', 33),
      isActive: channel.boolean('active'),
      channelPoint: channel.string('channel_point'),
      // Newer releases print the short id as `scid`, and the 32 bytes of BOLT 2 as `chan_id`.
      scid: String(channel.bigint(channel.has('scid') ? 'scid' : 'chan_id')),
      capacitySat: channel.bigint('capacity'),
      localSat: channel.bigint('local_balance'),
      pendingHtlcs: channel.list('pending_htlcs').length,
    }));
}

/** Channel points of channels whose commitment is confirmed, while something of them is still to be claimed. */
export function readForceClosing(text: string): string[] {
  return Reader.parse(text, 'lncli pendingchannels')
    .list('pending_force_closing_channels')
    .map((closing) => closing.child('channel').string('channel_point'));
}

/** What a node has in its open channels, without HTLCs under way. */
export function readChannelBalance(text: string): bigint {
  return Reader.parse(text, 'lncli channelbalance').child('local_balance').bigint('msat');
}

export function readConfirmedSat(text: string): bigint {
  return Reader.parse(text, 'lncli walletbalance').bigint('confirmed_balance');
}

export function readAddress(text: string): string {
  return Reader.parse(text, 'lncli newaddress').string('address');
}

export function readFundingTxid(text: string): string {
  return Reader.parse(text, 'lncli openchannel').hex('funding_txid', 32);
}

export function readClosingTxid(text: string): string {
  return Reader.parse(text, 'lncli closechannel').hex('closing_txid', 32);
}

/** Whether both ends of a channel have said what they ask for forwarding. */
export function readHasPolicies(text: string): boolean {
  const edge = Reader.parse(text, 'lncli getchaninfo');
  return edge.has('node1_policy') && edge.has('node2_policy');
}

export interface LndPayment {
  readonly isOver: boolean;
  /** FAILURE_REASON_NONE while nothing is wrong. */
  readonly failureReason: string;
  readonly attempts: readonly Attempt[];
}

/** One HTLC of a payment. */
export interface Attempt {
  /** Node that the first channel leads to. */
  readonly firstHop: string;
  readonly amountMsat: bigint;
  readonly feeMsat: bigint;
  readonly status: PaidPart['status'];
  readonly failure: PartFailure | undefined;
  /** Of a settled one. */
  readonly preimage: string | undefined;
}

const PAYMENT_STATUSES = ['IN_FLIGHT', 'INITIATED', 'SUCCEEDED', 'FAILED'] as const;

/** The last of the payments that payinvoice or trackpayment printed: each update is a whole one. */
export function readPayment(text: string, command: string): LndPayment {
  const payment = Reader.parse(lastDocument(text), command);
  const status = payment.oneOf('status', PAYMENT_STATUSES);
  return {
    isOver: status === 'SUCCEEDED' || status === 'FAILED',
    failureReason: payment.string('failure_reason'),
    attempts: payment.list('htlcs').map(readAttemptOf),
  };
}

/** What sendtoroute prints at the end of its HTLC. */
export function readAttempt(text: string): Attempt {
  return readAttemptOf(Reader.parse(text, 'lncli sendtoroute'));
}

/** lncli indents: a bracket at the beginning of a line ends a document. */
export function lastDocument(text: string): string {
  const documents = text.trimEnd().split(/(?<=^\})\n+(?=\{$)/m);
  return documents.at(-1) ?? '';
}

const ATTEMPT_STATUSES = { IN_FLIGHT: 'pending', SUCCEEDED: 'settled', FAILED: 'failed' } as const;

function readAttemptOf(attempt: Reader): Attempt {
  const lndStatus = attempt.oneOf('status', ['IN_FLIGHT', 'SUCCEEDED', 'FAILED'] as const);
  const route = attempt.child('route');
  const hops = route.list('hops');
  const [first] = hops;
  const last = hops.at(-1);
  if (!first || !last) throw new Error('lncli printed an HTLC whose route has no hops');
  const status = ATTEMPT_STATUSES[lndStatus];
  return {
    firstHop: first.hex('pub_key', 33),
    amountMsat: last.bigint('amt_to_forward_msat'),
    feeMsat: route.bigint('total_fees_msat'),
    status,
    failure: attempt.has('failure') ? readFailure(attempt.child('failure')) : undefined,
    preimage: status === 'settled' ? attempt.hex('preimage', 32) : undefined,
  };
}

/** lnd counts from the payer, and names as BOLT 4 does, but in capitals. */
function readFailure(failure: Reader): PartFailure {
  const source = failure.number('failure_source_index');
  return { name: failure.string('code').toLowerCase(), hop: source > 0 ? source - 1 : undefined };
}
