import { Failure_FailureCode } from '../../generated/lnd/lightning.ts';
import { type HtlcEvent, HtlcEvent_EventType } from '../../generated/lnd/router.ts';
import type { NodeEvent } from '../node/types.ts';

/** The first message of every subscription. */
export const SUBSCRIBED: HtlcEvent = {
  incomingChannelId: 0n,
  outgoingChannelId: 0n,
  incomingHtlcId: 0n,
  outgoingHtlcId: 0n,
  timestampNs: 0n,
  eventType: HtlcEvent_EventType.UNKNOWN,
  event: { $case: 'subscribedEvent', value: {} },
};

/** The wire form of an event; a final one has the type UNKNOWN and the incoming key only, as lnd sends it. */
export function htlcEventMessage(event: NodeEvent, timestampNs: bigint): HtlcEvent {
  const isFinal = event.kind === 'final';
  return {
    incomingChannelId: event.chanId,
    outgoingChannelId: isFinal ? 0n : event.outgoingChanId,
    incomingHtlcId: event.htlcId,
    outgoingHtlcId: 0n,
    timestampNs,
    eventType: isFinal ? HtlcEvent_EventType.UNKNOWN : HtlcEvent_EventType.FORWARD,
    event: detail(event),
  };
}

function detail(event: NodeEvent): HtlcEvent['event'] {
  switch (event.kind) {
    case 'final':
      return { $case: 'finalHtlcEvent', value: { settled: event.settled, offchain: event.offchain } };
    case 'settle':
      return { $case: 'settleEvent', value: { preimage: Buffer.from(event.preimage) } };
    case 'forward':
      return { $case: 'forwardEvent', value: {} };
    case 'forwardFail':
      return { $case: 'forwardFailEvent', value: {} };
    case 'linkFail':
      return {
        $case: 'linkFailEvent',
        value: { wireFailure: Failure_FailureCode.UNKNOWN_NEXT_PEER, failureString: 'UnknownNextPeer' },
      };
  }
}
