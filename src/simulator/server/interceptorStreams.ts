import type { ServerDuplexStream } from '@grpc/grpc-js';
import type {
  ForwardHtlcInterceptRequest,
  ForwardHtlcInterceptResponse,
} from '../../generated/lnd/router.ts';
import { unknown } from '../node/faults.ts';
import type { Answer, InterceptorClient, Offer, RpcFault } from '../node/types.ts';
import type { NodeContext } from './context.ts';
import { endWith } from './rpc.ts';

type InterceptorCall = ServerDuplexStream<ForwardHtlcInterceptResponse, ForwardHtlcInterceptRequest>;

/** Connects interceptor streams to the core's single slot. */
export class InterceptorStreams {
  private readonly context: NodeContext;
  // Clients that are gone without lnd having noticed.
  private readonly halfOpen = new Set<InterceptorClient>();

  constructor(context: NodeContext) {
    this.context = context;
  }

  open(call: InterceptorCall): void {
    const { node, hub } = this.context;
    const client = this.clientOf(call);
    const refused = node.connect(client);
    if (refused) {
      endWith(call, refused);
      return;
    }
    hub.counters.interceptorConnects++;
    call.on('data', (response: ForwardHtlcInterceptResponse) => {
      const fault = node.answer(client, answerFrom(response));
      if (!fault) return;
      hub.counters.answerFaults++;
      client.end(fault);
    });
    // A client that closes its side gets the end of its own stream as an error.
    call.on('end', () => {
      client.end(unknown('EOF'));
      this.vanished(client);
    });
    call.on('cancelled', () => this.vanished(client));
  }

  private clientOf(call: InterceptorCall): InterceptorClient {
    const { hub } = this.context;
    let open = true;
    call.on('cancelled', () => {
      open = false;
    });
    // The error event that ends the call comes back to its listeners.
    call.on('error', () => {
      open = false;
    });
    return {
      offer(offer: Offer): void {
        hub.counters.offered++;
        if (open) call.write(requestFrom(offer));
      },
      end(fault: RpcFault): void {
        if (!open) return;
        open = false;
        endWith(call, fault);
      },
    };
  }

  private vanished(client: InterceptorClient): void {
    if (this.context.faults.current.halfOpenSlot) this.halfOpen.add(client);
    else this.context.node.disconnect(client);
  }

  /** Frees the slot of clients that vanished, unless the fault is still on. */
  reap(): void {
    if (this.context.faults.current.halfOpenSlot) return;
    for (const client of this.halfOpen) this.context.node.disconnect(client);
    this.halfOpen.clear();
  }
}

function requestFrom({ htlc, autoFailHeight }: Offer): ForwardHtlcInterceptRequest {
  return {
    incomingCircuitKey: { chanId: htlc.chanId, htlcId: htlc.htlcId },
    paymentHash: Buffer.from(htlc.paymentHash, 'hex'),
    outgoingAmountMsat: htlc.outgoingAmountMsat,
    outgoingExpiry: htlc.outgoingExpiry,
    incomingAmountMsat: htlc.incomingAmountMsat,
    incomingExpiry: htlc.incomingExpiry,
    outgoingRequestedChanId: htlc.outgoingChanId,
    onionBlob: asBuffer(htlc.onionBlob),
    autoFailHeight,
  };
}

function answerFrom(response: ForwardHtlcInterceptResponse): Answer {
  return {
    key: response.incomingCircuitKey,
    action: response.action,
    preimage: response.preimage,
    failureMessage: response.failureMessage,
    failureCode: response.failureCode,
  };
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
