/** gRPC status codes are 0 to 16. */
const CODES = 17;

/** As Prometheus exporters for gRPC call it. */
export type RpcKind = 'unary' | 'client_stream' | 'server_stream' | 'bidi_stream';

/** What happened to the calls of one method since the start. Plain numbers: counting is on the path of every HTLC. */
export interface RpcMethodCounts {
  readonly kind: RpcKind;
  /** Such as `lnmux.Service`. */
  readonly service: string;
  readonly method: string;
  started: number;
  /** Messages. */
  received: number;
  sent: number;
  /** Ended calls, by status code. */
  readonly handled: number[];
}

interface RpcMethod {
  /** Such as `/lnmux.Service/GetInfo`. */
  readonly path: string;
  readonly requestStream?: boolean;
  readonly responseStream?: boolean;
}

function kindOf({ requestStream, responseStream }: RpcMethod): RpcKind {
  if (requestStream) return responseStream ? 'bidi_stream' : 'client_stream';
  return responseStream ? 'server_stream' : 'unary';
}

/** Counts of one side's calls: those that this process answers, or those that it makes. */
export class RpcCounts {
  readonly #methods = new Map<string, RpcMethodCounts>();

  /** The counts of a method, which starts with nothing. */
  of(method: RpcMethod): RpcMethodCounts {
    const known = this.#methods.get(method.path);
    if (known) return known;
    const [service = '', name = ''] = method.path.slice(1).split('/');
    const counts = {
      kind: kindOf(method),
      service,
      method: name,
      started: 0,
      received: 0,
      sent: 0,
      handled: new Array<number>(CODES).fill(0),
    };
    this.#methods.set(method.path, counts);
    return counts;
  }

  all(): Iterable<RpcMethodCounts> {
    return this.#methods.values();
  }
}
