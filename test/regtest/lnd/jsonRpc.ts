import { request as httpRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { RpcLogin } from './arguments.ts';

export interface RpcTarget {
  readonly port: number;
  readonly login: RpcLogin;
  /** Its certificate; without, there is no TLS. */
  readonly certificate?: string;
}

const LIMIT_MS = 120_000;

/** A call of bitcoind's or btcd's RPC. Rejects with its error in words. */
export async function callRpc(
  target: RpcTarget,
  method: string,
  params: readonly unknown[],
): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '1.0', id: 'regtest', method, params });
  const { status, text } = await post(target, body);
  return readRpcAnswer(method, status, text);
}

/** Errors come with HTTP 500, and with a body that says more. */
export function readRpcAnswer(method: string, status: number, text: string): unknown {
  if (status === 401) throw new Error(`${method}: user or password is wrong`);
  let answer: { result?: unknown; error?: { message?: unknown } | null };
  try {
    answer = JSON.parse(text) as typeof answer;
  } catch {
    throw new Error(`${method}: HTTP ${status}, ${text.trim().slice(0, 200) || 'without a body'}`);
  }
  if (answer.error)
    throw new Error(`${method}: ${String(answer.error.message ?? JSON.stringify(answer.error))}`);
  if (answer.result === undefined) throw new Error(`${method}: the answer has no result`);
  return answer.result;
}

function post(
  { port, login, certificate }: RpcTarget,
  body: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const options: RequestOptions = {
    host: '127.0.0.1',
    port,
    method: 'POST',
    auth: `${login.user}:${login.password}`,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    timeout: LIMIT_MS,
    // Every call has a connection of its own: the server may have been restarted since the last one.
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const request =
      certificate === undefined ? httpRequest(options) : httpsRequest({ ...options, ca: certificate });
    request.once('timeout', () => request.destroy(new Error(`no answer within ${LIMIT_MS / 1_000} s`)));
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('error', reject);
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    request.end(body);
  });
}
