import { lookup } from 'node:dns/promises';
import type { Server, ServerCredentials } from '@grpc/grpc-js';
import { formatHostPort, type HostPort, parseHostPort } from './address.ts';

/** The API can't listen. The message is one line for the operator. */
export class GrpcListenError extends Error {
  readonly reason: 'bad_address' | 'in_use' | 'not_permitted' | 'failed';
  readonly address: string;

  constructor(reason: GrpcListenError['reason'], address: string, message: string) {
    super(message);
    this.name = 'GrpcListenError';
    this.reason = reason;
    this.address = address;
  }
}

function listenError(address: string, cause: string): GrpcListenError {
  const start = `can't listen on ${address}: `;
  if (cause.includes('EADDRINUSE')) {
    const advice =
      'the port is in use; stop the program that has it (another lnmuxd?) or change listenAddress';
    return new GrpcListenError('in_use', address, start + advice);
  }
  if (cause.includes('EACCES')) {
    const advice = 'not permitted; choose a port of 1024 or above';
    return new GrpcListenError('not_permitted', address, start + advice);
  }
  if (cause.includes('EADDRNOTAVAIL') || cause.includes('ENOTFOUND')) {
    const advice =
      'the host is not an address of this machine; use localhost, or leave the host empty for all';
    return new GrpcListenError('bad_address', address, start + advice);
  }
  return new GrpcListenError('failed', address, start + cause);
}

function bind(server: Server, at: HostPort, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatHostPort(at), credentials, (error, port) =>
      error ? reject(error) : resolve(port),
    );
  });
}

/**
 * The addresses behind a host name. grpc-js would take a name too, but calls it a success when just one of its
 * addresses can be bound: with another program on 127.0.0.1 it would sit on ::1 and clients would find the other.
 */
async function addressesOf(host: string): Promise<string[]> {
  if (host === '') return ['::'];
  const found = await lookup(host, { all: true });
  return [...new Set(found.map((entry) => entry.address))];
}

function isMissingFamily(error: unknown): boolean {
  return /EAFNOSUPPORT|EADDRNOTAVAIL/.test(String(error));
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
        // A machine without IPv6 still resolves names to ::1, and "all interfaces" means those that there are.
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
