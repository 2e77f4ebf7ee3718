import type {
  BlocksListener,
  HtlcAnswer,
  HtlcEventsListener,
  HtlcResolution,
  InterceptorListener,
  LndClient,
  LndConnection,
  LndError,
  LndHtlcOffer,
  LndInfo,
} from '../../src/actors/ports/lndClient.ts';
import type { CircuitKey } from '../../src/domain/htlcKey.ts';

/** One connection of a {@link FakeLnd}: tests drive its streams by hand. */
export class FakeConnection implements LndConnection {
  readonly calls: string[] = [];
  readonly answers: HtlcAnswer[] = [];
  readonly lookups: CircuitKey[] = [];
  events: HtlcEventsListener | undefined;
  blocks: BlocksListener | undefined;
  interceptor: InterceptorListener | undefined;
  /** Whether the transport takes another answer without waiting. */
  writable = true;
  finished = false;
  closed = false;
  readonly #lnd: FakeLnd;

  constructor(lnd: FakeLnd) {
    this.#lnd = lnd;
  }

  async getVersion(): Promise<string> {
    this.calls.push('getVersion');
    return this.#lnd.version;
  }

  async getInfo(): Promise<LndInfo> {
    this.calls.push('getInfo');
    if (this.#lnd.infoError) throw this.#lnd.infoError;
    return this.#lnd.info;
  }

  lookupHtlcResolution(key: CircuitKey): Promise<HtlcResolution | undefined> {
    this.calls.push('lookup');
    this.lookups.push(key);
    return this.#lnd.lookup(key);
  }

  subscribeHtlcEvents(listener: HtlcEventsListener): void {
    this.calls.push('events');
    this.events = listener;
  }

  subscribeBlocks(listener: BlocksListener): void {
    this.calls.push('blocks');
    this.blocks = listener;
  }

  openInterceptor(listener: InterceptorListener) {
    this.calls.push('interceptor');
    this.interceptor = listener;
    return {
      answer: (answer: HtlcAnswer) => {
        this.answers.push(answer);
        return this.writable;
      },
      finish: () => {
        this.finished = true;
      },
    };
  }

  close(): void {
    this.closed = true;
  }
}

/** An lnd that does nothing by itself. */
export class FakeLnd implements LndClient {
  readonly connections: FakeConnection[] = [];
  version = '0.21.2-beta commit=v0.21.2-beta';
  info: LndInfo;
  infoError: LndError | undefined;
  connectError: LndError | undefined;
  lookup: (key: CircuitKey) => Promise<HtlcResolution | undefined> = async () => undefined;

  constructor(identityPubkey: string) {
    this.info = {
      alias: 'fake',
      identityPubkey,
      network: 'regtest',
      syncedToChain: true,
      requireHtlcInterceptor: true,
      storeFinalHtlcResolutions: true,
    };
  }

  async connect(): Promise<LndConnection> {
    if (this.connectError) throw this.connectError;
    const connection = new FakeConnection(this);
    this.connections.push(connection);
    return connection;
  }

  get last(): FakeConnection {
    return this.connections.at(-1)!;
  }
}

let htlcs = 0n;

/** An offer off chain, for the virtual channel given. */
export function offerOf(fields: Partial<LndHtlcOffer> & { outgoingRequestedChanId: bigint }): LndHtlcOffer {
  return {
    key: { chanId: 1n, htlcId: htlcs++ },
    paymentHash: new Uint8Array(32).fill(7),
    incomingAmountMsat: 1_000n,
    outgoingAmountMsat: 1_000n,
    incomingExpiry: 200,
    outgoingExpiry: 160,
    autoFailHeight: 181,
    onionBlob: new Uint8Array(1366),
    ...fields,
  };
}
