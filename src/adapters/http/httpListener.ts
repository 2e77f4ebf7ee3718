import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Log } from '../../actors/ports/log.ts';
import {
  addressesOf,
  formatHostPort,
  type HostPort,
  isMissingFamily,
  listenProblemOf,
  parseHostPort,
} from '../net/address.ts';

export interface HttpReply {
  readonly status: number;
  /** Content type. */
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** What one path answers to GET. It must not throw for a reason that a client can bring about. */
export interface HttpRoute {
  readonly path: string;
  readonly answer: (query: URLSearchParams) => HttpReply | Promise<HttpReply>;
}

export interface HttpListenerOptions {
  /** For log lines, such as `Instrumentation`. */
  readonly name: string;
  /** The configuration key that holds the address. */
  readonly key: string;
  /** host:port; port 0 lets the system choose; no host means every interface. */
  readonly address: string;
  readonly routes: readonly HttpRoute[];
  readonly log: Log;
  /** Pause before an address that can't be listened on is tried again. */
  readonly retryMs?: number;
}

export interface HttpListener {
  /** Where it listens, with the real port; undefined while it can't. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

/** A port that was busy is usually that of a predecessor about to end. */
const RETRY_MS = 5_000;
/** Scrapers and probes are few; whoever opens more is not one of them. */
const MAX_CONNECTIONS = 100;
const MAX_HEADER_BYTES = 16_384;
/** A client that takes longer to ask is up to no good. */
const REQUEST_TIMEOUT_MS = 10_000;

const text = (status: number, body: string): HttpReply => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

/**
 * A small HTTP server for GET requests. What it serves is worth less than what the process does otherwise: an
 * address that can't be listened on is said once and tried again, and no request ends anything but itself.
 */
export async function startHttpListener(options: HttpListenerOptions): Promise<HttpListener> {
  const { name, key, log } = options;
  let servers: readonly Server[] = [];
  let bound: string | undefined;
  let retry: NodeJS.Timeout | undefined;
  let closed = false;
  let complained = false;

  const attempt = async (): Promise<void> => {
    try {
      const opened = await open(options);
      if (closed) return void closeAll(opened);
      servers = opened;
      bound = addressOf(options.address, opened);
      log.info({ [key]: bound }, `${name} HTTP server starting`);
    } catch (error) {
      const { advice } = listenProblemOf(error instanceof Error ? error.message : String(error), key);
      const message = `${name} HTTP server can't listen on ${options.address}: ${advice}; trying again`;
      if (!complained) log.error({ [key]: options.address }, message);
      complained = true;
      if (!closed) retry = setTimeout(() => void attempt(), options.retryMs ?? RETRY_MS).unref();
    }
  };
  await attempt();
  return {
    get address() {
      return bound;
    },
    async close() {
      closed = true;
      clearTimeout(retry);
      bound = undefined;
      await closeAll(servers);
    },
  };
}

/** One server for each address of the host, all on one port. */
async function open({ address, routes, log }: HttpListenerOptions): Promise<readonly Server[]> {
  const wanted = parseHostPort(address);
  if (!wanted) throw new Error('write host:port, for example localhost:2112');
  const servers: Server[] = [];
  let { port } = wanted;
  let skipped: unknown;
  try {
    for (const host of await addressesOf(wanted.host)) {
      const server = serverOf(routes, log);
      try {
        port = await listen(server, { host, port });
        servers.push(server);
      } catch (error) {
        if (!isMissingFamily(error)) throw error;
        skipped = error;
        if (host !== '::') continue;
        port = await listen(server, { host: '0.0.0.0', port });
        servers.push(server);
      }
    }
  } catch (error) {
    await closeAll(servers);
    throw error;
  }
  if (servers.length === 0) throw skipped;
  return servers;
}

function addressOf(wanted: string, servers: readonly Server[]): string {
  const { port } = servers[0]!.address() as AddressInfo;
  return formatHostPort({ host: parseHostPort(wanted)?.host ?? '', port });
}

function serverOf(routes: readonly HttpRoute[], log: Log): Server {
  const byPath = new Map(routes.map((route) => [route.path, route]));
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
    },
    (request, response) => {
      answer(request, byPath)
        .catch((error: unknown) => {
          log.error({ path: request.url, error: String(error) }, 'HTTP request failed');
          return text(500, 'internal error, see the log');
        })
        .then((reply) => send(request, response, reply));
    },
  );
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

async function answer(request: IncomingMessage, routes: ReadonlyMap<string, HttpRoute>): Promise<HttpReply> {
  if (request.method !== 'GET' && request.method !== 'HEAD') return text(405, 'only GET is answered here');
  const { url = '/' } = request;
  const end = url.indexOf('?');
  const path = end < 0 ? url : url.slice(0, end);
  const route = routes.get(path);
  if (!route) return text(404, `there is: ${[...routes.keys()].join(' ')}`);
  return route.answer(new URLSearchParams(end < 0 ? '' : url.slice(end + 1)));
}

function send(request: IncomingMessage, response: ServerResponse, { status, type, body }: HttpReply): void {
  response.on('error', () => {});
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  });
  response.end(request.method === 'HEAD' ? undefined : body);
}

function listen(server: Server, at: HostPort): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      // Such as too many open files: the listener goes on.
      server.on('error', () => {});
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function closeAll(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    }),
  );
}
