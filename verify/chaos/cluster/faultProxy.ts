import { connect, createServer, type Server, type Socket, type TcpNetConnectOpts } from 'node:net';

/** What happens to bytes from now on. */
export type ProxyFault =
  | { readonly kind: 'none' }
  /** Everything comes later, in order. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Nothing passes in either direction; connections stay, and what waits passes once the fault is over. */
  | { readonly kind: 'hold' }
  /** New connections are closed at once. */
  | { readonly kind: 'refuse' }
  /** Once: the next bytes of a client never arrive, and its connection is cut. */
  | { readonly kind: 'cutRequest' }
  /** Once: the server has the request, its answer is lost with the connection. */
  | { readonly kind: 'cutAnswer' }
  /** Once: half of the next bytes pass, then the connection is cut. */
  | { readonly kind: 'cutMiddle' };

/** How long the other side of a connection that has ended may take to get the last of it. */
const FLUSH_MS = 500;

/** Where connections lead: host and port, or the path of a Unix socket; undefined while there is nothing. */
export type Upstream = () => Pick<TcpNetConnectOpts, 'host' | 'port'> | { path: string } | undefined;

type Direction = 'request' | 'answer';

/** One direction of one connection; delayed bytes keep their order. */
interface Lane {
  readonly from: Socket;
  readonly to: Socket;
  readonly direction: Direction;
  readonly waiting: { readonly at: number; readonly bytes: Buffer }[];
  timer: NodeJS.Timeout | undefined;
}

/** A TCP proxy on the loopback interface, with a stable port, that does harm on demand. */
export class FaultProxy {
  readonly port: number;
  readonly #server: Server;
  readonly #lanes: Set<Lane>;
  #fault: ProxyFault = { kind: 'none' };

  private constructor(server: Server, port: number, lanes: Set<Lane>) {
    this.#server = server;
    this.port = port;
    this.#lanes = lanes;
  }

  static async start(upstream: Upstream): Promise<FaultProxy> {
    const lanes = new Set<Lane>();
    let proxy: FaultProxy | undefined;
    const server = createServer({ noDelay: true }, (client) => {
      const target = upstream();
      client.on('error', () => {});
      if (!proxy || !target || proxy.#fault.kind === 'refuse') {
        client.destroy();
        return;
      }
      proxy.#join(client, connect({ ...target, noDelay: true } as TcpNetConnectOpts));
    });
    await new Promise<void>((done, fail) => {
      server.once('error', fail);
      server.listen(0, '127.0.0.1', done);
    });
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('proxy is not listening');
    proxy = new FaultProxy(server, address.port, lanes);
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  get fault(): ProxyFault {
    return this.#fault;
  }

  set fault(fault: ProxyFault) {
    this.#fault = fault;
    for (const { from } of this.#lanes) {
      if (fault.kind === 'hold') from.pause();
      else from.resume();
    }
  }

  /** Cuts every connection now. */
  cutAll(): void {
    for (const { from, to } of [...this.#lanes]) {
      from.destroy();
      to.destroy();
    }
  }

  async stop(): Promise<void> {
    this.cutAll();
    await new Promise((done) => this.#server.close(done));
  }

  #join(client: Socket, upstream: Socket): void {
    this.#lane(client, upstream, 'request');
    this.#lane(upstream, client, 'answer');
  }

  #lane(from: Socket, to: Socket, direction: Direction): void {
    const lane: Lane = { from, to, direction, waiting: [], timer: undefined };
    this.#lanes.add(lane);
    from.on('error', () => {});
    from.on('data', (bytes: Buffer) => this.#pass(lane, bytes));
    from.on('drain', () => {
      if (this.#fault.kind !== 'hold') to.resume();
    });
    from.on('close', () => {
      this.#lanes.delete(lane);
      clearTimeout(lane.timer);
      for (const { bytes } of lane.waiting.splice(0)) to.write(bytes);
      // Not half-closed: whoever writes to a process that is gone is told so, also one that does not read just now.
      to.destroySoon();
      setTimeout(() => to.destroy(), FLUSH_MS).unref();
    });
    if (this.#fault.kind === 'hold') from.pause();
  }

  #pass(lane: Lane, bytes: Buffer): void {
    const { kind } = this.#fault;
    const isCut =
      (kind === 'cutRequest' && lane.direction === 'request') ||
      (kind === 'cutAnswer' && lane.direction === 'answer') ||
      kind === 'cutMiddle';
    if (isCut) {
      this.fault = { kind: 'none' };
      const half = kind === 'cutMiddle' ? bytes.subarray(0, bytes.length >> 1) : bytes.subarray(0, 0);
      // The other side gets all that was let through before it learns that the connection is gone.
      lane.to.write(half, () => lane.to.destroy());
      lane.from.destroy();
      return;
    }
    const delay = this.#fault.kind === 'delay' ? this.#fault.ms : 0;
    if (delay === 0 && lane.waiting.length === 0) this.#write(lane, bytes);
    else {
      lane.waiting.push({ at: performance.now() + delay, bytes });
      if (!lane.timer) this.#release(lane);
    }
  }

  #release(lane: Lane): void {
    const next = lane.waiting[0];
    lane.timer = undefined;
    if (!next) return;
    lane.timer = setTimeout(
      () => {
        lane.waiting.shift();
        this.#write(lane, next.bytes);
        this.#release(lane);
      },
      Math.max(0, next.at - performance.now()),
    );
  }

  #write({ from, to }: Lane, bytes: Buffer): void {
    if (!to.write(bytes)) from.pause();
  }
}
