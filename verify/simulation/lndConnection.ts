import {
  type BlocksListener,
  type HtlcAnswer,
  type HtlcEventsListener,
  type HtlcResolution,
  type InterceptorListener,
  type InterceptorStream,
  type LndConnection,
  LndError,
  type LndInfo,
} from '../../src/actors/ports/lndClient.ts';
import type { CircuitKey } from '../../src/domain/htlcKey.ts';
import type {
  Answer,
  InterceptorClient,
  Offer,
  Resolution,
  RpcFault,
} from '../../src/simulator/node/types.ts';
import type { Counters } from './counters.ts';
import type { LndNode } from './lndNode.ts';
import type { Prng } from './random.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** Hears what a daemon's end of a connection knows, and what it says. */
export interface SessionObserver {
  opened(process: Process, node: LndNode, stream: object): void;
  offered(process: Process, node: LndNode, offer: Offer, onChain: boolean): void;
  answers(process: Process, node: LndNode, answer: HtlcAnswer): void;
  block(process: Process, node: LndNode, height: number): void;
  synced(process: Process, node: LndNode, synced: boolean): void;
  sessionClosed(process: Process, node: LndNode): void;
  /** Its transport takes nothing for a while. */
  stalled(process: Process, forMs: number): void;
}

export interface ConnectionWorld {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly counters: Counters;
  readonly observer: SessionObserver;
}

/** After how long each side takes a silent connection for dead: our keepalive, and lnd's (60 + 20 s). */
const CLIENT_KEEPALIVE_MS = 30_000;
const SERVER_KEEPALIVE_MS = 80_000;

const LND_ACTIONS = { settle: 0, fail: 1, failWithCode: 1, resume: 2 } as const;
const FAILURE_CODES = {
  temporary_channel_failure: 15,
  invalid_onion_version: 8,
  invalid_onion_hmac: 9,
  invalid_onion_key: 10,
} as const;
const NOTHING = new Uint8Array(0);

const gone = (message = 'connection dropped') => new LndError('unavailable', message);

/** How a connection is cut: who notices soon, and who only by its keepalive. */
export interface Cut {
  readonly clientNotices: boolean;
  readonly serverNotices: boolean;
}

/** One connection of one daemon to one node: both ends, and the network between them. */
export class SimulatedConnection implements LndConnection {
  readonly process: Process;
  readonly #node: LndNode;
  readonly #world: ConnectionWorld;
  /** The daemon's end is open. */
  #open = true;
  /** Nothing gets through any more. */
  #cut = false;
  /** lnd's end is open. */
  #served = true;
  #toClientAt = 0;
  #toServerAt = 0;
  readonly #calls = new Set<(error: LndError) => void>();
  #events: HtlcEventsListener | undefined;
  #blocks: BlocksListener | undefined;
  #interceptor: InterceptorListener | undefined;
  #eventsHeard = false;
  #blocksHeard = false;
  #slot: InterceptorClient | undefined;
  #full = false;

  constructor(node: LndNode, process: Process, world: ConnectionWorld) {
    this.#node = node;
    this.process = process;
    this.#world = world;
    node.connections.add(this);
  }

  get isOpen(): boolean {
    return this.#open && !this.#cut;
  }

  // --- what the daemon calls

  getVersion(): Promise<string> {
    return this.#call('version', () => '0.21.2-beta');
  }

  async getInfo(): Promise<LndInfo> {
    const info = await this.#call('info', () => ({
      alias: this.#node.name,
      identityPubkey: this.#node.nodeId,
      network: 'regtest',
      syncedToChain: this.#node.synced,
      requireHtlcInterceptor: this.#node.flagsRight,
      storeFinalHtlcResolutions: true,
    }));
    this.#world.observer.synced(this.process, this.#node, info.syncedToChain);
    return info;
  }

  lookupHtlcResolution(key: CircuitKey): Promise<HtlcResolution | undefined> {
    return this.#call(`lookup ${key.chanId >> 40n}:${key.htlcId}`, () => {
      if (this.#node.lookupsFail) throw new LndError('other', 'look-ups fail');
      const found = this.#node.core.lookup(key);
      if ('code' in found) return undefined;
      this.#world.counters.hit('lnd.lookupFoundFinal');
      return { settled: found.settled, offChain: found.offchain };
    });
  }

  subscribeHtlcEvents(listener: HtlcEventsListener): void {
    this.#events = listener;
    this.#toServer('subscribes events', () => {
      this.#eventsHeard = true;
      this.#toClient('events subscribed', () => listener.subscribed());
    });
  }

  subscribeBlocks(listener: BlocksListener): void {
    this.#blocks = listener;
    this.#toServer('subscribes blocks', () => {
      this.#blocksHeard = true;
      this.tellBlock(this.#node.core.height);
    });
  }

  openInterceptor(listener: InterceptorListener): InterceptorStream {
    this.#interceptor = listener;
    const client: InterceptorClient = {
      offer: (offer) => this.#tellOffer(offer),
      end: (fault) => this.#endInterceptor(fault),
    };
    this.#world.observer.opened(this.process, this.#node, this);
    this.#toServer('opens interceptor', () => {
      const refused = this.#node.core.connect(client);
      if (refused) {
        this.#world.counters.hit('lnd.slotTaken');
        return this.#toClient('slot taken', () =>
          this.#closeStream('interceptor', new LndError('occupied', refused.message)),
        );
      }
      this.#slot = client;
    });
    return {
      answer: (answer) => this.#answer(client, answer),
      finish: () =>
        this.#toServer('half-closes', () => {
          if (this.#slot !== client) return;
          this.#freeSlot();
          this.#toClient('EOF', () => this.#closeStream('interceptor', new LndError('other', 'EOF')));
        }),
    };
  }

  /** The daemon lets go: lnd hears of it soon. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#world.observer.sessionClosed(this.process, this.#node);
    this.#fail(gone('closed'));
    if (this.#cut) return;
    this.#cut = true;
    this.#serverNotices(this.#world.random.between(0, 30));
  }

  // --- what happens to it

  /** The daemon's process is gone. Its kernel closes what is open, unless the host is gone as well. */
  processDied(host: boolean): void {
    this.#open = false;
    const cut = this.#cut;
    this.#cut = true;
    if (!cut) this.#serverNotices(host ? SERVER_KEEPALIVE_MS : this.#world.random.between(0, 60));
  }

  /** A stopped process answers no keepalive. */
  processStopped(): boolean {
    if (this.#cut) return false;
    this.#break({ clientNotices: true, serverNotices: true });
    return true;
  }

  break(cut: Cut): void {
    if (this.isOpen) this.#break(cut);
  }

  serverStopped(): void {
    this.#slot = undefined;
    this.#drop();
    if (this.#cut) return;
    this.#cut = true;
    this.#clientNotices(this.#world.random.between(0, 60));
  }

  /** lnd ends one of the streams by itself. */
  endStream(which: 'events' | 'blocks' | 'interceptor'): void {
    if (!this.isOpen) return;
    if (which === 'interceptor') {
      if (this.#slot) this.#node.core.dropClient();
      return;
    }
    if (which === 'events') this.#eventsHeard = false;
    else this.#blocksHeard = false;
    this.#toClient(`${which} end`, () =>
      this.#closeStream(which, new LndError('other', 'subscription terminated')),
    );
  }

  // --- what lnd says

  tellFinal(key: CircuitKey, resolution: Resolution): void {
    if (!this.#eventsHeard) return;
    const result = { settled: resolution.settled, offChain: resolution.offchain };
    const label = `final ${key.chanId >> 40n}:${key.htlcId} ${resolution.settled ? 'settled' : 'failed'}`;
    this.#toClient(label, () => this.#events?.finalised({ chanId: key.chanId, htlcId: key.htlcId }, result));
  }

  tellBlock(height: number): void {
    if (!this.#blocksHeard) return;
    this.#toClient(`block ${height}`, () => {
      this.#world.observer.block(this.process, this.#node, height);
      this.#blocks?.block(height);
    });
  }

  #tellOffer(offer: Offer): void {
    const { htlc, autoFailHeight } = offer;
    const onChain = autoFailHeight === 0 || autoFailHeight === htlc.incomingExpiry;
    this.#toClient(`offer ${htlc.chanId >> 40n}:${htlc.htlcId}${onChain ? ' on chain' : ''}`, () => {
      if (!this.#interceptor) return;
      this.#world.observer.offered(this.process, this.#node, offer, onChain);
      this.#interceptor.offered({
        key: { chanId: htlc.chanId, htlcId: htlc.htlcId },
        paymentHash: new Uint8Array(Buffer.from(htlc.paymentHash, 'hex')),
        incomingAmountMsat: htlc.incomingAmountMsat,
        outgoingAmountMsat: htlc.outgoingAmountMsat,
        incomingExpiry: htlc.incomingExpiry,
        outgoingExpiry: htlc.outgoingExpiry,
        outgoingRequestedChanId: htlc.outgoingChanId,
        autoFailHeight,
        onionBlob: htlc.onionBlob,
      });
    });
  }

  #answer(client: InterceptorClient, answer: HtlcAnswer): boolean {
    this.#world.observer.answers(this.process, this.#node, answer);
    const message: Answer = {
      key: answer.key,
      action: LND_ACTIONS[answer.action],
      preimage: answer.action === 'settle' ? answer.preimage.slice() : NOTHING,
      failureMessage: answer.action === 'fail' ? answer.failureOnion.slice() : NOTHING,
      failureCode: answer.action === 'failWithCode' ? FAILURE_CODES[answer.code] : 0,
    };
    this.#toServer(`${answer.action} ${answer.key.chanId >> 40n}:${answer.key.htlcId}`, () => {
      if (this.#slot !== client) return;
      const fault = this.#node.core.answer(client, message);
      if (!fault) return;
      this.#world.counters.hit('lnd.endedStreamForAnswer');
      client.end(fault);
    });
    return this.#takesMore();
  }

  /** Backpressure: now and then the transport is full for a while. */
  #takesMore(): boolean {
    if (this.#full) return false;
    const { random, scheduler, counters } = this.#world;
    const until = this.#node.backpressureUntil;
    if (scheduler.now >= until && !random.chance(0.01)) return true;
    this.#full = true;
    counters.hit('lnd.backpressure');
    const pause = Math.max(until - scheduler.now, 0) + random.between(1, 200);
    this.#world.observer.stalled(this.process, pause);
    scheduler.after(
      pause,
      `${this.#name} drained`,
      () => {
        this.#full = false;
        if (this.#open) this.#interceptor?.drained();
      },
      { owner: this.process },
    );
    return false;
  }

  #endInterceptor(fault: RpcFault): void {
    this.#slot = undefined;
    this.#toClient(`interceptor ended: ${fault.message.slice(0, 30)}`, () =>
      this.#closeStream('interceptor', new LndError('other', fault.message)),
    );
  }

  // --- the network

  get #name(): string {
    return `${this.process.name}-${this.#node.name}`;
  }

  #call<T>(label: string, answer: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#open) return reject(gone('closed'));
      const fail = (error: LndError) => {
        if (this.#calls.delete(fail)) reject(error);
      };
      this.#calls.add(fail);
      this.#toServer(label, () => {
        let result: T;
        try {
          result = answer();
        } catch (error) {
          return this.#toClient(`${label} failed`, () => fail(error as LndError));
        }
        this.#toClient(`${label} answered`, () => {
          if (this.#calls.delete(fail)) resolve(result);
        });
      });
    });
  }

  #toServer(label: string, run: () => void): void {
    const at = Math.max(this.#toServerAt, this.#world.scheduler.now + this.#latency());
    this.#toServerAt = at;
    const arrives = () => this.#served && !this.#cut && this.#node.isUp;
    this.#world.scheduler.after(at - this.#world.scheduler.now, `${this.#name} > ${label}`, run, { arrives });
  }

  #toClient(label: string, run: () => void): void {
    if (!this.#served) return;
    const at = Math.max(this.#toClientAt, this.#world.scheduler.now + this.#latency());
    this.#toClientAt = at;
    const options = { owner: this.process, arrives: () => !this.#cut };
    this.#world.scheduler.after(
      at - this.#world.scheduler.now,
      `${this.#name} < ${label}`,
      () => {
        if (this.#open) run();
      },
      options,
    );
  }

  #break(cut: Cut): void {
    const { random, counters } = this.#world;
    this.#cut = true;
    if (!cut.clientNotices || !cut.serverNotices) counters.hit('lnd.halfOpen');
    this.#clientNotices(
      cut.clientNotices ? random.between(0, 100) : CLIENT_KEEPALIVE_MS * random.between(0.5, 1),
    );
    this.#serverNotices(
      cut.serverNotices ? random.between(0, 100) : SERVER_KEEPALIVE_MS * random.between(0.75, 1),
    );
  }

  #clientNotices(delayMs: number): void {
    this.#world.scheduler.after(delayMs, `${this.#name} lost`, () => this.#fail(gone()), {
      owner: this.process,
    });
  }

  #serverNotices(delayMs: number): void {
    this.#world.scheduler.after(delayMs, `${this.#name} dropped by lnd`, () => this.#drop());
  }

  /** lnd lets go of its end. */
  #drop(): void {
    this.#served = false;
    this.#eventsHeard = false;
    this.#blocksHeard = false;
    this.#node.connections.delete(this);
    this.#freeSlot();
  }

  #freeSlot(): void {
    const client = this.#slot;
    this.#slot = undefined;
    if (client) this.#node.core.disconnect(client);
  }

  /** The daemon's end learns that the connection is gone: every call and stream ends. */
  #fail(error: LndError): void {
    for (const call of [...this.#calls]) call(error);
    for (const which of ['events', 'blocks', 'interceptor'] as const) this.#closeStream(which, error);
  }

  #closeStream(which: 'events' | 'blocks' | 'interceptor', error: LndError): void {
    const listener =
      which === 'events' ? this.#events : which === 'blocks' ? this.#blocks : this.#interceptor;
    if (which === 'events') this.#events = undefined;
    else if (which === 'blocks') this.#blocks = undefined;
    else this.#interceptor = undefined;
    if (this.#open) listener?.closed(error);
  }

  #latency(): number {
    const { random } = this.#world;
    return random.chance(0.04) ? random.between(10, 400) : random.between(0.1, 4);
  }
}
