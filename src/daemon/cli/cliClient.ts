import { readFileSync } from 'node:fs';
import {
  type CallOptions,
  ChannelCredentials,
  connectivityState,
  logVerbosity,
  Metadata,
  type ServiceError,
  setLogVerbosity,
  status,
} from '@grpc/grpc-js';
import { ServiceClient } from '../../generated/lnmux.ts';

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

/** The certificate file can't be read: a wrong argument. */
export class BadCertificate extends Error {}

function credentialsOf(tlsCertPath: string | undefined): ChannelCredentials {
  if (tlsCertPath === undefined) return ChannelCredentials.createInsecure();
  try {
    return ChannelCredentials.createSsl(readFileSync(tlsCertPath));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'no such file' : `can't be used (${code ?? 'not a PEM certificate'})`;
    throw new BadCertificate(`--tlscertpath ${tlsCertPath}: ${what}`);
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

  /** @throws BadCertificate */
  constructor(server: string, tlsCertPath: string | undefined) {
    setLogVerbosity(logVerbosity.NONE);
    this.#server = server;
    this.service = new ServiceClient(server, credentialsOf(tlsCertPath));
  }

  /** The failure behind a status. A refusal comes over a connection; without one the server was not reached. */
  failureOf(error: ServiceError): CallFailure {
    const state = this.service.getChannel().getConnectivityState(false);
    const noAnswer = error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED;
    if (noAnswer && state !== connectivityState.READY) {
      const cause = error.details
        .replace(/^.*Last error: (?:Error: )?/s, '')
        .replace(/\.? Resolution note:.*$/s, '')
        .replace(/\s+/g, ' ');
      return new CallFailure(
        `can't reach ${this.#server}: ${cause}: is lnmuxd running there? (--rpcserver)`,
        true,
      );
    }
    return new CallFailure(`${status[error.code]}: ${error.details}`, false);
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
