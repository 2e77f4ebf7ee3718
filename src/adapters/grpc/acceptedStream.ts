import { type ServerWritableStream, status } from '@grpc/grpc-js';
import type { AcceptedSubscription } from '../../actors/ports/application.ts';
import type {
  SubscribeInvoiceAcceptedRequest,
  SubscribeInvoiceAcceptedResponse,
} from '../../generated/lnmux.ts';
import { type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { acceptedResponse } from './responses.ts';

export type AcceptedCall = ServerWritableStream<
  SubscribeInvoiceAcceptedRequest,
  SubscribeInvoiceAcceptedResponse
>;

/** Resolves when the client has taken what was written, or has left. */
function drained(call: AcceptedCall): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      call.off('close', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
    call.on('close', done);
  });
}

/**
 * Carries sets from the subscription to the client, no faster than the client reads: while it does not, sets wait
 * in the core, where they are kept anyway, and not in a queue of this stream.
 *
 * @returns How the stream ended; undefined when the client left. The caller ends the call.
 */
export async function pumpAccepted(
  call: AcceptedCall,
  subscription: AcceptedSubscription,
  onSent: () => void,
): Promise<Outcome<never> | undefined> {
  for (;;) {
    const set = await subscription.next();
    if (call.cancelled || call.destroyed) return undefined;
    if (set === undefined) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    const room = call.write(acceptedResponse(set));
    onSent();
    if (!room) await drained(call);
    if (call.cancelled || call.destroyed) return undefined;
  }
}
