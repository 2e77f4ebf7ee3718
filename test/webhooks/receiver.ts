import { createServer, type IncomingHttpHeaders, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly sequence: bigint;
}

/** A status; `hang`: no answer at all. */
export type Answer = number | 'hang';

/** An HTTP server that gets webhooks, and answers as a test wants it. */
export class Receiver {
  readonly all: Received[] = [];
  /** What was answered with 2xx. */
  readonly taken: Received[] = [];
  answer: (received: Received) => Answer;
  readonly #tls: { readonly key: string; readonly cert: string } | undefined;
  #server: Server | undefined;
  #port = 0;

  /** With a certificate it speaks https. */
  constructor(
    answer: (received: Received) => Answer = () => 200,
    tls?: { readonly key: string; readonly cert: string },
  ) {
    this.answer = answer;
    this.#tls = tls;
  }

  get url(): string {
    return `${this.#tls ? 'https' : 'http'}://127.0.0.1:${this.#port}/hook`;
  }

  get sequences(): bigint[] {
    return [...new Set(this.taken.map(({ sequence }) => sequence))].sort((a, b) => Number(a - b));
  }

  /** On any port the first time, and on the same one later. */
  async open(): Promise<this> {
    const listener: RequestListener = (request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk) => (body += chunk));
      request.on('end', () => {
        const { headers } = request;
        const received = { headers, body, sequence: BigInt(String(headers['lnmux-sequence'])) };
        this.all.push(received);
        const answer = this.answer(received);
        if (answer === 'hang') return;
        if (answer >= 200 && answer < 300) this.taken.push(received);
        response.writeHead(answer, answer === 302 ? { location: this.url } : {}).end();
      });
    };
    this.#server = this.#tls ? createTlsServer(this.#tls, listener) : createServer(listener);
    await new Promise<void>((resolve) => this.#server!.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    server?.closeAllConnections();
    if (server) await new Promise((resolve) => server.close(resolve));
  }
}
