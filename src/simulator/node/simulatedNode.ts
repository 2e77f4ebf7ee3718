import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { Msat } from '../../domain/msat.ts';
import { sha256 } from '../../lightning/crypto.ts';
import { FINALS_NOT_STORED, HTLC_UNKNOWN, unavailable } from './faults.ts';
import { Interceptor } from './interceptor.ts';
import { ChannelLedger, type SenderView } from './ledger.ts';
import { SeededRandom } from './random.ts';
import type {
  Answer,
  Epoch,
  Htlc,
  IncomingHtlc,
  InterceptorClient,
  JournalRecord,
  NodeOutput,
  NodeSettings,
  NodeTimer,
  Offer,
  Resolution,
  RpcFault,
  Series,
} from './types.ts';

/** The largest height of lnd's chain code, which counts in 32 bits with a sign. */
const MAX_HEIGHT = 2 ** 31 - 1;

/** Blocks that an HTLC must have left to be offered, and to stay held, in each release series. */
const DELTAS = {
  '0.20': { rejectDelta: 13, interceptDelta: 16 },
  '0.21': { rejectDelta: 19, interceptDelta: 22 },
} as const;

/** Settings of a node of an epoch and a release series, with no delays but short ones. */
export function defaultSettings(epoch: Epoch = 'N', series: Series = '0.21'): NodeSettings {
  return {
    epoch,
    series,
    ...DELTAS[series],
    requireInterceptor: true,
    storeFinals: true,
    signDelayMs: 5,
    finalDelayMs: 5,
    relinkDelayMs: 20,
    dustLimitMsat: 354_000n,
    loseFinalEvents: false,
  };
}

export interface SimulatedNodeOptions {
  readonly settings?: Partial<NodeSettings>;
  readonly height: number;
  readonly seed: number;
  readonly output: NodeOutput;
  readonly timer: NodeTimer;
  /** What an earlier process journalled: the node starts as lnd does, with its links down. */
  readonly journal?: Iterable<JournalRecord>;
}

/**
 * One lnd, as far as an interceptor client can see it. Every method runs to its end before the next one starts and
 * nothing but the seed, the timer and the calls decides what happens, so a run can be repeated.
 */
export class SimulatedNode {
  private current: NodeSettings;
  private readonly ledger: ChannelLedger;
  private readonly interceptor: Interceptor;
  private readonly output: NodeOutput;
  private readonly timer: NodeTimer;
  private readonly random: SeededRandom;
  private readonly seed: number;
  private tip: number;
  // Distinguishes the blocks of a reorganised chain from those they replace.
  private fork = 0;
  private up = true;
  // A stalled switch takes nothing on until it goes on.
  private stalled: (() => void)[] | undefined;
  // Before epoch N an absurd expiry ends the interceptor's loop; only a restart of lnd begins another.
  private loopDied = false;

  constructor(options: SimulatedNodeOptions) {
    const { settings = {}, output, timer, seed } = options;
    this.current = { ...defaultSettings(settings.epoch, settings.series), ...settings };
    this.output = output;
    this.timer = timer;
    this.seed = seed;
    this.random = new SeededRandom(seed);
    this.tip = options.height;
    this.ledger = new ChannelLedger(() => this.current, output, timer);
    this.restore(options.journal ?? []);
    const parts = { settings: () => this.current, ledger: this.ledger, random: this.random, output };
    this.interceptor = new Interceptor(parts, this.tip);
    this.comeUp();
  }

  private restore(journal: Iterable<JournalRecord>): void {
    for (const record of journal) {
      if (record.type === 'block') {
        this.tip = record.height;
        this.fork = record.fork;
      } else this.ledger.restore(record);
    }
  }

  get settings(): NodeSettings {
    return this.current;
  }

  change(settings: Partial<NodeSettings>): void {
    this.current = { ...this.current, ...settings };
  }

  get height(): number {
    return this.tip;
  }

  get isUp(): boolean {
    return this.up;
  }

  get heldCount(): number {
    return this.interceptor.heldCount;
  }

  get isIntercepted(): boolean {
    return this.interceptor.isConnected;
  }

  /** Hash of the block at the tip, 32 bytes. */
  get tipHash(): Uint8Array {
    return sha256(Buffer.from(`block ${this.seed} ${this.fork} ${this.tip}`));
  }

  // --- the interceptor stream

  connect(client: InterceptorClient): RpcFault | undefined {
    return this.interceptor.connect(client);
  }

  /** The client is gone. */
  disconnect(client: InterceptorClient): void {
    this.whenRunning(() => this.interceptor.disconnect(client));
  }

  /** Gives the fault with which the stream is to be ended; the client has lost its slot then. */
  answer(client: InterceptorClient, answer: Answer): RpcFault | undefined {
    if (!this.stalled) return this.interceptor.answer(client, answer);
    this.stalled.push(() => {
      const fault = this.interceptor.answer(client, answer);
      if (fault) client.end(fault);
    });
    return undefined;
  }

  dropClient(fault: RpcFault = unavailable('connection dropped')): void {
    this.interceptor.dropClient(fault);
  }

  /** Whether the switch has started; until then the stream is open and silent. */
  setSwitchStarted(started: boolean): void {
    this.interceptor.setSwitchStarted(started);
  }

  /** A stalled switch, as behind a client that does not read: no offers, answers or watchdog until it goes on. */
  setStalled(stalled: boolean): void {
    if (stalled) {
      this.stalled ??= [];
      return;
    }
    if (this.loopDied) return;
    const waiting = this.stalled ?? [];
    this.stalled = undefined;
    for (const run of waiting) run();
  }

  private whenRunning(run: () => void): void {
    if (this.stalled) this.stalled.push(run);
    else run();
  }

  // --- channels

  /** An HTLC to be forwarded comes in. Throws RangeError when its channel is closed, or lnd or the link is down. */
  receive(incoming: IncomingHtlc): Htlc {
    if (!this.up) throw new RangeError('node is down');
    const htlc = this.ledger.add(incoming);
    this.whenRunning(() => {
      if (htlc.stage === 'pending') this.offer(htlc, false);
    });
    return htlc;
  }

  private offer(htlc: Htlc, isReplay: boolean): void {
    if (this.loopDied) return;
    if (this.current.epoch !== 'N' && htlc.incomingExpiry > MAX_HEIGHT) {
      this.loopDied = true;
      this.stalled ??= [];
    } else this.interceptor.offer(htlc, isReplay);
  }

  /** An HTLC for this node itself: it has no invoices, and the interceptor is not asked. */
  receiveAsLastHop(incoming: IncomingHtlc): Htlc {
    const htlc = this.ledger.add(incoming);
    this.ledger.respond(htlc, {
      kind: 'fail',
      failure: { kind: 'origin', name: 'incorrect_or_unknown_payment_details' },
    });
    return htlc;
  }

  sign(chanId: bigint): void {
    this.ledger.sign(chanId);
  }

  finalise(chanId: bigint): void {
    this.ledger.finalise(chanId);
  }

  /** The peer of a channel disconnects; relink brings it back. */
  unlink(chanId: bigint): void {
    this.ledger.unlink(chanId);
  }

  /** The peer reconnects: everything without a response is offered again, in random order. */
  relink(chanId: bigint): void {
    if (!this.up || !this.ledger.isOpen(chanId)) return;
    const replayed = this.random.shuffled(this.ledger.relink(chanId));
    this.whenRunning(() => {
      for (const htlc of replayed) if (htlc.stage === 'pending') this.offer(htlc, true);
    });
  }

  /** A commitment of the channel is confirmed. */
  forceClose(chanId: bigint): void {
    const remaining = this.random.shuffled(this.ledger.close(chanId));
    this.whenRunning(() => {
      for (const htlc of remaining) this.offerOnChain(htlc);
    });
  }

  private offerOnChain(htlc: Htlc): void {
    if (htlc.stage !== 'pending' || htlc.claim || htlc.incomingExpiry <= this.tip) return;
    this.interceptor.offerOnChain(htlc);
  }

  // --- the chain

  mine(blocks = 1): void {
    for (let i = 0; i < blocks; i++) {
      this.tip++;
      this.announceBlock();
    }
  }

  /** The last blocks are replaced by as many others: heights repeat, hashes do not. */
  reorg(depth: number): void {
    this.fork++;
    this.tip = Math.max(0, this.tip - depth);
    this.mine(depth);
  }

  private announceBlock(): void {
    const height = this.tip;
    this.output.journal({ type: 'block', height, fork: this.fork });
    this.output.block(height, this.tipHash);
    this.whenRunning(() => {
      if (this.up) this.interceptor.block(height);
      for (const htlc of this.ledger.resolveOnChain(height)) this.interceptor.withdraw(htlc);
    });
  }

  // --- the process

  /** lnd stops; start brings it up again. Unsigned answers and the held set are lost. */
  stop(fault: RpcFault = unavailable('lnd is shutting down')): void {
    this.up = false;
    this.stalled = undefined;
    this.loopDied = false;
    this.interceptor.restart(fault);
    this.ledger.restart();
  }

  start(): void {
    if (this.up) return;
    this.up = true;
    this.interceptor.block(this.tip);
    this.comeUp();
  }

  restart(fault?: RpcFault): void {
    this.stop(fault);
    this.start();
  }

  /** Resolvers of closed channels offer at once, links when their peers are back. */
  private comeUp(): void {
    for (const htlc of this.random.shuffled(this.ledger.onChain)) this.offerOnChain(htlc);
    const { relinkDelayMs } = this.current;
    if (relinkDelayMs === undefined) return;
    for (const chanId of this.ledger.channelIds()) {
      if (!this.ledger.isLinkUp(chanId)) this.timer.schedule(relinkDelayMs, () => this.relinkIfDown(chanId));
    }
  }

  private relinkIfDown(chanId: bigint): void {
    if (!this.ledger.isLinkUp(chanId)) this.relink(chanId);
  }

  // --- what can be asked

  /** lnrpc.LookupHtlcResolution. */
  lookup(key: CircuitKey): Resolution | RpcFault {
    if (!this.current.storeFinals) return FINALS_NOT_STORED;
    return this.ledger.resolution(key) ?? HTLC_UNKNOWN;
  }

  findBySender(senderRef: string): SenderView | undefined {
    return this.ledger.findBySender(senderRef);
  }

  /** What is offered on every connect. Dust of a closed channel stays until the watchdog finds it, though final. */
  held(): Offer[] {
    return this.interceptor.heldHtlcs();
  }

  /** HTLCs that are not final, with the deadline of those that are held. */
  pending(): { htlc: Htlc; autoFailHeight: number | undefined }[] {
    const deadlines = new Map(this.interceptor.heldHtlcs().map((held) => [held.htlc, held.autoFailHeight]));
    return [...this.ledger.all()].map((htlc) => ({ htlc, autoFailHeight: deadlines.get(htlc) }));
  }

  finalCount(): number {
    return this.ledger.finalCount();
  }

  get receivedMsat(): Msat {
    return this.ledger.receivedMsat;
  }
}
