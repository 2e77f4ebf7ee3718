import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';
import { LeaseBook } from './leaseBook.ts';

/** What happens to one request. */
export type RequestFate =
  | 'answered'
  /** Never reaches the server's logic, and is never answered. */
  | 'hangs'
  /** Carried out, and never answered. */
  | 'hangsAfterwards'
  /** Carried out, and the connection is cut. */
  | 'cutAfterwards'
  | 'cut'
  | 'cutInTheMiddle'
  | 'internalError'
  | 'garbage';

export const NAMESPACE = 'pay';
const FOLDER = /^\/apis\/coordination\.k8s\.io\/v1\/namespaces\/([^/]+)\/leases(?:\/([^/]+))?$/;

/** An API server with leases and nothing else: real HTTP over TLS, with tokens and client certificates. */
export class ApiServer {
  readonly book = new LeaseBook();
  readonly tokens = new Set(['secret-token']);
  /** Methods that the bearer of a token may use. */
  readonly allowed = new Set(['GET', 'POST', 'PUT']);
  readonly requests: string[] = [];
  fate: (request: string) => RequestFate | Promise<RequestFate> = () => 'answered';
  /** Requests that are held without an answer right now. */
  hanging = 0;
  readonly certificate = selfSignedCertificate('kubernetes.default.svc');
  /** A client whose certificate this is needs no token. */
  readonly client = selfSignedCertificate('lnmux');
  #server: Server | undefined;

  static async start(): Promise<ApiServer> {
    const server = new ApiServer();
    await server.listen(0);
    return server;
  }

  async listen(port: number): Promise<void> {
    const options = {
      ...this.certificate,
      requestCert: true,
      rejectUnauthorized: false,
      ca: this.client.cert,
    };
    this.#server = createServer(options, (request, response) => void this.#serve(request, response));
    await new Promise<void>((resolve) => this.#server!.listen(port, '127.0.0.1', resolve));
  }

  get port(): number {
    return (this.#server!.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    if (!server?.listening) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const what = `${request.method} ${request.url}`;
    this.requests.push(what);
    const fate = await this.fate(what);
    if (fate === 'hangs') return this.#hang(request);
    if (fate === 'cut') return void request.socket.destroy();
    if (fate === 'internalError') return send(response, 500, { kind: 'Status', reason: 'InternalError' });
    const { status, body } = this.#answer(request, Buffer.concat(chunks).toString('utf8'));
    if (fate === 'hangsAfterwards') return this.#hang(request);
    if (fate === 'cutAfterwards') return void request.socket.destroy();
    if (fate === 'garbage') return void response.writeHead(200).end('<html>a proxy</html>');
    if (fate === 'cutInTheMiddle') {
      response.writeHead(status, { 'content-length': '1000' });
      response.write('{"kind":');
      return void setImmediate(() => request.socket.destroy());
    }
    send(response, status, body);
  }

  #hang(request: IncomingMessage): void {
    this.hanging += 1;
    request.socket.once('close', () => {
      this.hanging -= 1;
    });
  }

  #answer(request: IncomingMessage, text: string) {
    const socket = request.socket as import('node:tls').TLSSocket;
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const known = socket.authorized || (token !== undefined && this.tokens.has(token));
    if (!known) return status(401, 'Unauthorized');
    const [, namespace, name] = FOLDER.exec(request.url ?? '') ?? [];
    if (!this.allowed.has(request.method!)) return status(403, 'Forbidden');
    if (namespace !== NAMESPACE) return status(404, 'NotFound');
    const body = () => JSON.parse(text) as Record<string, unknown>;
    if (request.method === 'GET' && name) return this.book.get(name);
    if (request.method === 'POST' && !name) return this.book.create(body());
    if (request.method === 'PUT' && name) return this.book.update(name, body());
    return status(405, 'MethodNotAllowed');
  }
}

const status = (code: number, reason: string) => ({ status: code, body: { kind: 'Status', code, reason } });

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
