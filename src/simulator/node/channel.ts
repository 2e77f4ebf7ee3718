import type { Htlc } from './types.ts';

/** A channel with a peer: its link and the two stages between an answer and its irrevocable commitment. */
export interface Channel {
  readonly chanId: bigint;
  nextHtlcId: bigint;
  /** After a kill the ids go on from here, where that is more. */
  reservedHtlcId: bigint;
  linkUp: boolean;
  closed: boolean;
  readonly htlcs: Set<Htlc>;
  /** Accepted responses, in RAM only. */
  mailbox: Htlc[];
  /** Responses in a signed commitment that the peer has not revoked for yet. */
  signed: Htlc[];
  signScheduled: boolean;
  finalScheduled: boolean;
}

/** A channel without HTLCs whose peer is connected. */
export function newChannel(chanId: bigint): Channel {
  return {
    chanId,
    nextHtlcId: 0n,
    reservedHtlcId: 0n,
    linkUp: true,
    closed: false,
    htlcs: new Set(),
    mailbox: [],
    signed: [],
    signScheduled: false,
    finalScheduled: false,
  };
}

/** The next id is at least this one. */
export function skipIds(channel: Channel, htlcId: bigint): void {
  if (channel.nextHtlcId < htlcId) channel.nextHtlcId = htlcId;
}

/** Back to an HTLC without a response. */
export function unanswer(htlc: Htlc): void {
  htlc.stage = 'pending';
  htlc.response = undefined;
  htlc.resumed = false;
}
