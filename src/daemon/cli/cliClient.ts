import {
  type CallOptions,
  connectivityState,
  logVerbosity,
  Metadata,
  type ServiceError,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { ServiceClient } from '../../generated/lnmux.ts';
import type { CliConnection } from './cliConnection.ts';
import { credentialsOf, interceptorsOf } from './cliCredentials.ts';

/** Long enough for a settlement that waits for a slow database, and an end to a server that hangs. */
const CALL_TIMEOUT_MS = 30_000;

/** A call that did not succeed, in one line. */
export class CallFailure extends Error {
  readonly unreachable: boolean;

  constructor(message: string, unreachable: boolean) {
    super(message);
    this.unreachable = unreachable;
  }
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** A connection to one lnmuxd. */
export class CliClient {
  readonly service: ServiceClient;
  readonly #server: string;

  /** @throws ConnectionProblem */
  constructor(connection: CliConnection) {
    setLogVerbosity(logVerbosity.NONE);
    this.#server = connection.server;
    const interceptors = [...interceptorsOf(connection)];
    this.service = new ServiceClient(connection.server, credentialsOf(connection), { interceptors });
  }

  /** The failure behind a status. A refusal comes over a connection; without one the server was not reached. */
  failureOf(error: ServiceError): CallFailure {
    const state = this.service.getChannel().getConnectivityState(false);
    const noAnswer = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
    // A server that ends says so, and the connection has ended too when that is read here.
    const goodbye = error.details.startsWith('lnmux is shutting down');
    if (noAnswer && !goodbye && state !== connectivityState.READY) {
      const cause = error.details
        .replace(/^.*Last error: (?:Error: )?/s, '')
        .replace(/\.? Resolution note:.*$/s, '')
        .replace(/\s+/g, ' ');
      return new CallFailure(
        `can't reach ${this.#server}: ${cause}: is lnmuxd running there (--rpcserver), with TLS (--tls-cert)?`,
        true,
      );
    }
    const flags = error.code === status.UNAUTHENTICATED ? ' (--token-file or --tls-client-cert)' : '';
    return new CallFailure(`${status[error.code]}: ${error.details}${flags}`, false);
  }

  /**
   * Calls a unary method.
   *
   * @param limited Whether the call ends after 30 s; a wait for a payment does not.
   * @throws CallFailure
   */
  call<Request, Response>(
    method: UnaryMethod<Request, Response>,
    request: Request,
    limited = true,
  ): Promise<Response> {
    const options = limited ? { deadline: Date.now() + CALL_TIMEOUT_MS } : {};
    return new Promise((resolve, reject) => {
      method.call(this.service, request, new Metadata(), options, (error, response) =>
        error ? reject(this.failureOf(error)) : resolve(response),
      );
    });
  }

  close(): void {
    this.service.close();
  }
}
