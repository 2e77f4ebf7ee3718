import { credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { ServiceClient } from '../../../src/generated/lnmux.ts';

/** gRPC's code and text, for the record. */
export interface CallError {
  readonly code: number;
  readonly text: string;
}

export type CallAnswer<T> = { readonly ok: true; readonly value: T } | ({ readonly ok: false } & CallError);

type Unary<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: ServiceError | null, response: Response) => void,
) => { cancel(): void };

/** A client of one daemon's API, quick to find a daemon that has come back. */
export function apiClient(address: string): ServiceClient {
  return new ServiceClient(address, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': 50,
    'grpc.max_reconnect_backoff_ms': 200,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
  });
}

/** One unary call with a time limit. Never rejects. An abort of the signal gives CANCELLED. */
export function call<Request, Response>(
  client: ServiceClient,
  method: Unary<Request, Response>,
  request: Request,
  limits: { readonly timeoutMs: number; readonly signal?: AbortSignal },
): Promise<CallAnswer<Response>> {
  return new Promise((resolve) => {
    const options = { deadline: Date.now() + limits.timeoutMs };
    const running = method.call(client, request, new Metadata(), options, (error, value) => {
      limits.signal?.removeEventListener('abort', abort);
      resolve(error ? { ok: false, code: error.code, text: error.details } : { ok: true, value });
    });
    const abort = () => running.cancel();
    limits.signal?.addEventListener('abort', abort);
    if (limits.signal?.aborted) abort();
  });
}
