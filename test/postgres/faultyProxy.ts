import { connect, createServer, type Server, type Socket } from 'node:net';
import type { PostgresTarget } from '../../src/adapters/postgres/dsn.ts';

/** What happens to the bytes that come next. */
export type Fault =
  | 'none'
  /** The request never reaches the server. */
  | 'cutRequest'
  /** The server gets the request; its answer is lost with the connection. */
  | 'cutAnswer'
  /** The server's answers are kept back; the connection stays. */
  | 'holdAnswer';

/** Sits between the store and the server and does harm on demand. */
export class FaultyProxy {
  readonly target: PostgresTarget;
  /** For all connections, from the next bytes on. A cut happens once. */
  fault: Fault = 'none';
  /** So many pieces of answers still come through, then everything is cut. */
  answersLeft = Number.POSITIVE_INFINITY;
  readonly #server: Server;
  readonly #sockets: Set<Socket>;

  private constructor(server: Server, target: PostgresTarget, sockets: Set<Socket>) {
    this.#server = server;
    this.target = target;
    this.#sockets = sockets;
  }

  static async start(behind: PostgresTarget): Promise<FaultyProxy> {
    const sockets = new Set<Socket>();
    let proxy: FaultyProxy | undefined;
    const server = createServer((client) => {
      const upstream = connect(`${behind.host}/.s.PGSQL.${behind.port}`);
      const cut = () => {
        if (proxy) proxy.fault = 'none';
        client.destroy();
        upstream.destroy();
      };
      for (const socket of [client, upstream]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          sockets.delete(socket);
          // The server notices only what is sent to it, as over a network.
          if (socket === upstream) client.destroy();
          else upstream.end();
        });
      }
      client.on('data', (bytes) => {
        if (proxy?.fault === 'cutRequest') cut();
        else upstream.write(bytes);
      });
      upstream.on('data', (bytes) => {
        if (proxy) proxy.answersLeft -= 1;
        if (proxy?.fault === 'cutAnswer' || proxy?.answersLeft === -1) cut();
        else if (proxy?.fault !== 'holdAnswer') client.write(bytes);
      });
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening');
    proxy = new FaultyProxy(server, { ...behind, host: '127.0.0.1', port: address.port }, sockets);
    return proxy;
  }

  /** Cuts every connection now. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async stop(): Promise<void> {
    this.cutAll();
    await new Promise((done) => this.#server.close(done));
  }
}
