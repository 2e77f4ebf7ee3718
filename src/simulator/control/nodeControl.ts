import { type ClientDuplexStream, credentials, type ServiceError } from '@grpc/grpc-js';
import {
  type BulkAnswers,
  type BulkOffers,
  ControlClient,
  type Faults,
  type PendingHtlc,
  type SendHtlcRequest,
  type State,
} from '../../generated/simulator.ts';

type Callback<T> = (error: ServiceError | null, value: T) => void;

/** An HTLC's outcome as its sender gets it. */
export type SentHtlc =
  | { readonly kind: 'settled'; readonly preimage: Uint8Array; readonly onChain: boolean }
  | { readonly kind: 'failed'; readonly reason: Uint8Array }
  | { readonly kind: 'malformed'; readonly code: number }
  | { readonly kind: 'failedOnChain' }
  /** The node did not take it: down, channel closed. Nothing is under way. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The connection broke, or the call was cancelled; the node may have the HTLC. Send the same again. */
  | { readonly kind: 'unknown'; readonly message: string };

const FAILED_PRECONDITION = 9;

/** Client of one node's control API (proto/simulator.proto), with promises. Calls reject with gRPC's ServiceError. */
export class NodeControl {
  readonly url: string;
  private readonly client: ControlClient;

  /** `url` is host:port, as the ready line gives it. */
  constructor(url: string) {
    this.url = url;
    this.client = new ControlClient(url, credentials.createInsecure(), {
      'grpc.max_receive_message_length': 64 * 1024 * 1024,
      // A node that was killed is back within moments in a test; do not wait long to try again.
      'grpc.initial_reconnect_backoff_ms': 50,
      'grpc.max_reconnect_backoff_ms': 200,
      // Clients of the same node would share a connection that waits for its next try.
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  getState(): Promise<State> {
    return promised((done) => this.client.getState({}, done));
  }

  async listHtlcs(): Promise<PendingHtlc[]> {
    return (await promised((done: Callback<{ htlcs: PendingHtlc[] }>) => this.client.listHtlcs({}, done)))
      .htlcs;
  }

  mine(blocks = 1): Promise<State> {
    return promised((done) => this.client.mine({ blocks }, done));
  }

  reorg(blocks = 1): Promise<State> {
    return promised((done) => this.client.reorg({ blocks }, done));
  }

  /** Cuts the interceptor stream, or all streams. */
  disconnect(allStreams = false): Promise<State> {
    return promised((done) => this.client.disconnect({ allStreams }, done));
  }

  /** lnd stops and starts again inside its process; resolves once it is up. */
  restart(downMs = 0): Promise<State> {
    return promised((done) => this.client.restart({ downMs }, done));
  }

  /** The peer of a channel goes and, unless `down`, comes back. */
  relink(chanId: bigint, down = false): Promise<State> {
    return promised((done) => this.client.relink({ chanId, down }, done));
  }

  sign(chanId: bigint, finalise = true): Promise<State> {
    return promised((done) => this.client.sign({ chanId, finalise }, done));
  }

  forceClose(chanId: bigint): Promise<State> {
    return promised((done) => this.client.forceClose({ chanId }, done));
  }

  setFault(faults: Faults): Promise<State> {
    return promised((done) => this.client.setFault(faults, done));
  }

  /**
   * Sends an HTLC and waits for its outcome; rejects only when this client is closed. `onAccepted` is called with its circuit key. An abort
   * ends the waiting only: the HTLC stays where it is.
   */
  sendHtlc(
    request: SendHtlcRequest,
    options: { signal?: AbortSignal; onAccepted?: (key: { chanId: bigint; htlcId: bigint }) => void } = {},
  ): Promise<SentHtlc> {
    const { signal, onAccepted } = options;
    return new Promise((resolve) => {
      const call = this.client.sendHtlc(request);
      const abort = () => call.cancel();
      const finish = (outcome: SentHtlc) => {
        signal?.removeEventListener('abort', abort);
        resolve(outcome);
      };
      if (signal?.aborted) call.cancel();
      signal?.addEventListener('abort', abort);
      call.on('data', ({ event }) => {
        if (event?.$case === 'accepted') onAccepted?.(event.value);
        else if (event?.$case === 'settled') finish({ kind: 'settled', ...event.value });
        else if (event?.$case === 'failed') finish(failureOf(event.value));
      });
      call.on('error', ({ code, message }: ServiceError) => {
        finish({ kind: code === FAILED_PRECONDITION ? 'refused' : 'unknown', message });
      });
      call.on('end', () => finish({ kind: 'unknown', message: 'ended without an outcome' }));
    });
  }

  /** Load: see proto/simulator.proto, OfferBulk. */
  offerBulk(): ClientDuplexStream<BulkOffers, BulkAnswers> {
    return this.client.offerBulk();
  }

  close(): void {
    this.client.close();
  }
}

function failureOf(failed: { reason: Uint8Array; malformedCode: number; onChain: boolean }): SentHtlc {
  if (failed.onChain) return { kind: 'failedOnChain' };
  if (failed.malformedCode !== 0) return { kind: 'malformed', code: failed.malformedCode };
  return { kind: 'failed', reason: failed.reason };
}

function promised<T>(call: (done: Callback<T>) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    call((error, value) => (error ? reject(error) : resolve(value)));
  });
}
