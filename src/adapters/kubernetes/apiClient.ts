import { Agent, request } from 'node:https';
import type { Clock } from '../../actors/ports/clock.ts';
import type { ClusterAccess, ClusterCredentials } from './access.ts';

export interface ApiAnswer {
  readonly status: number;
  /** The JSON of the body; undefined when it is none. */
  readonly body: unknown;
}

export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  readonly body?: unknown;
  /** No answer by then is a failure; milliseconds. */
  readonly timeoutMs: number;
}

export interface ApiClient {
  /** Rejects when there is no answer: not when the answer is a refusal. */
  send(request: ApiRequest): Promise<ApiAnswer>;
  close(): void;
}

/** A Lease has some hundred bytes; more than this is not an answer for us. */
const MAX_ANSWER_BYTES = 1_000_000;

const USER_AGENT = 'lnmuxd';

/**
 * Speaks JSON with the API server over TLS. Connections are kept, for a renewal comes every few seconds; one that has
 * gone silent is cut by the time limit of its request, and the next request opens another.
 */
export function createApiClient(access: ClusterAccess, clock: Clock): ApiClient {
  const agent = new Agent({ keepAlive: true, maxSockets: 2, maxFreeSockets: 1 });
  return {
    async send({ method, path, body, timeoutMs }) {
      const credentials = await access.credentials();
      const text = body === undefined ? undefined : JSON.stringify(body);
      return new Promise((resolve, reject) => {
        const call = request(
          {
            ...connectionOf(access, credentials),
            agent,
            method,
            path: `${access.basePath}${path}`,
            headers: headersOf(credentials, text),
          },
          (response) => {
            const chunks: Buffer[] = [];
            let size = 0;
            response.on('data', (chunk: Buffer) => {
              size += chunk.length;
              if (size > MAX_ANSWER_BYTES) call.destroy(new Error('the answer is too long'));
              else chunks.push(chunk);
            });
            response.on('end', () =>
              finish(response.statusCode ?? 0, Buffer.concat(chunks).toString('utf8')),
            );
            response.on('error', fail);
          },
        );
        const limit = clock.setTimeout(
          () => call.destroy(new Error(`no answer within ${Math.round(timeoutMs)} ms`)),
          timeoutMs,
        );
        const finish = (status: number, answer: string) => {
          clock.clearTimeout(limit);
          resolve({ status, body: parseJson(answer) });
        };
        const fail = (error: Error) => {
          clock.clearTimeout(limit);
          reject(new Error(`${method} ${access.host}:${access.port}: ${error.message}`));
        };
        call.on('error', fail);
        // Whatever else ends it; after an answer or an error this changes nothing.
        call.on('close', () => fail(new Error('the connection ended')));
        call.end(text);
      });
    },
    close: () => agent.destroy(),
  };
}

const connectionOf = ({ host, port, serverName }: ClusterAccess, credentials: ClusterCredentials) => ({
  host,
  port,
  ca: credentials.ca,
  cert: credentials.clientCert,
  key: credentials.clientKey,
  ...(serverName === undefined ? {} : { servername: serverName }),
});

function headersOf({ token }: ClusterCredentials, text: string | undefined): Record<string, string> {
  return {
    accept: 'application/json',
    'user-agent': USER_AGENT,
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(text === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) }),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
