import type { Server, ServerCredentials } from '@grpc/grpc-js';
import {
  addressesOf,
  formatHostPort,
  type HostPort,
  isMissingFamily,
  type ListenProblem,
  listenProblemOf,
  parseHostPort,
} from '../net/address.ts';

/** The API can't listen. The message is one line for the operator. */
export class GrpcListenError extends Error {
  readonly reason: ListenProblem;
  readonly address: string;

  constructor(reason: GrpcListenError['reason'], address: string, message: string) {
    super(message);
    this.name = 'GrpcListenError';
    this.reason = reason;
    this.address = address;
  }
}

function listenError(address: string, cause: string): GrpcListenError {
  const { reason, advice } = listenProblemOf(cause, 'listenAddress');
  return new GrpcListenError(reason, address, `can't listen on ${address}: ${advice}`);
}

function bind(server: Server, at: HostPort, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatHostPort(at), credentials, (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/**
 * Listens on every address of `listenAddress`. With port 0 the system chooses one, the same for all.
 *
 * @param resolveHost For tests; the system's resolver unless given.
 * @returns The address that clients can use, with the real port.
 * @throws GrpcListenError
 */
export async function listen(
  server: Server,
  listenAddress: string,
  credentials: ServerCredentials,
  resolveHost: (host: string) => Promise<readonly string[]> = addressesOf,
): Promise<string> {
  const wanted = parseHostPort(listenAddress);
  if (!wanted) {
    const message = `can't listen on ${listenAddress}: write host:port, for example localhost:19090`;
    throw new GrpcListenError('bad_address', listenAddress, message);
  }
  let port = wanted.port;
  let bound: HostPort | undefined;
  let skipped: unknown;
  try {
    for (const host of await resolveHost(wanted.host)) {
      try {
        port = await bind(server, { host, port }, credentials);
        bound ??= { host, port };
      } catch (error) {
        if (!isMissingFamily(error)) throw error;
        skipped = error;
        if (host !== '::') continue;
        port = await bind(server, { host: '0.0.0.0', port }, credentials);
        bound ??= { host: '0.0.0.0', port };
      }
    }
  } catch (error) {
    throw listenError(listenAddress, error instanceof Error ? error.message : String(error));
  }
  if (!bound) throw listenError(listenAddress, String(skipped));
  return formatHostPort(bound);
}
