import { createHash } from 'node:crypto';
import { LndError, type LndErrorKind, type LndHtlcOffer } from '../../../src/actors/ports/lndClient.ts';
import type { CircuitKey } from '../../../src/domain/htlcKey.ts';
import type { FakeConnection } from '../../../test/nodeLink/fakeLnd.ts';
import { FOREIGN, NODE, OURS, rig, settle } from '../../../test/nodeLink/rig.ts';
import { mutateBytes } from '../engine/bytes.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { LinkModel } from './linkModel.ts';

const PREIMAGE = new Uint8Array(32).fill(9);
const HASH = new Uint8Array(createHash('sha256').update(PREIMAGE).digest());
const ONION = new Uint8Array(292);
const BLOB = new Uint8Array(1366);
const KEYS: readonly CircuitKey[] = Array.from({ length: 6 }, (_, i) => ({
  chanId: i < 3 ? 1n : 2n ** 64n - 1n,
  htlcId: BigInt(i),
}));
const ERRORS: readonly LndErrorKind[] = [
  'credentials',
  'denied',
  'occupied',
  'deadline',
  'unavailable',
  'other',
];
const TIMES = [0, 1, 499, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 130_000, 600_000, 3_600_000];
const VERSIONS = ['0.21.2-beta', 'v0.15.5', '', '9'.repeat(400), '0.16.0-beta.rc2', '0.21.x', '-1.0.0'];
const MOST_STEPS = 60;

/** A program of an input's bytes: two for each step, what to do and with what. */
class Play {
  readonly r = rig();
  readonly #models = new Map<FakeConnection, LinkModel>();
  readonly #checked = new Map<FakeConnection, number>();
  #height = 100;

  async step(what: number, arg: number): Promise<void> {
    const { r } = this;
    const { link, lnd, hooks, clock } = r;
    const key = KEYS[arg % KEYS.length]!;
    switch (what % 20) {
      case 0:
      case 1:
        this.#offer(OURS, key, arg);
        break;
      case 2:
        this.#offer(FOREIGN, { ...key, chanId: key.chanId - 1n }, arg);
        break;
      case 3:
        link.settle(key, arg & 64 ? new Uint8Array(arg & 63) : PREIMAGE);
        break;
      case 4:
        link.fail(key, arg & 64 ? new Uint8Array(arg) : ONION);
        break;
      case 5:
        link.failWithCode(key, 'temporary_channel_failure');
        break;
      case 6:
        this.#height = arg === 255 ? 2 ** 31 : arg === 254 ? -1 : this.#height + (arg % 16) - 4;
        this.#streams(arg)?.blocks?.block(this.#height);
        break;
      case 7:
        this.#streams(arg)?.events?.finalised(key, { settled: (arg & 16) > 0, offChain: (arg & 32) > 0 });
        break;
      case 8:
        this.#end(arg);
        break;
      case 9:
        clock.advance(TIMES[arg % TIMES.length]!);
        break;
      case 10:
        await settle();
        break;
      case 11:
        this.#streams(arg)?.events?.subscribed();
        break;
      case 12:
        this.#transport(arg);
        break;
      case 13:
        await this.#command(arg);
        break;
      case 14:
        this.#fault(arg);
        break;
      case 15:
        hooks.throwing = arg % 2 === 1;
        break;
      case 16:
        hooks.onOffer = this.#answerAtOnce(arg);
        break;
      case 17:
        await this.#connect();
        break;
      case 18:
        this.#streams(arg)?.interceptor?.opened();
        break;
      case 19:
        hooks.unresolved = KEYS.slice(0, arg % 7);
        hooks.missing = KEYS.slice(arg % 5);
        lnd.lookup = this.#lookup(arg);
        break;
    }
    this.check();
  }

  /** The connection that speaks: the present one, now and then one that is long gone. */
  #streams(arg: number): FakeConnection | undefined {
    const { connections } = this.r.lnd;
    return arg >= 224 ? connections[arg % Math.max(1, connections.length)] : connections.at(-1);
  }

  #offer(channel: bigint, key: CircuitKey, arg: number): void {
    const connection = this.#streams(arg);
    if (!connection?.interceptor || this.#answerWaits(connection, key)) return;
    const incomingExpiry = 200;
    const heights = [181, 0, incomingExpiry, this.#height, this.#height + 1, 2 ** 31 - 1, -1, 181];
    const offer: LndHtlcOffer = {
      key,
      paymentHash: arg >> 6 === 3 ? HASH.subarray(0, arg & 31) : HASH,
      incomingAmountMsat: 1_000n,
      outgoingAmountMsat: 2n ** 64n - 1n,
      incomingExpiry,
      outgoingExpiry: 160,
      outgoingRequestedChanId: channel,
      autoFailHeight: heights[(arg >> 3) & 7]!,
      onionBlob: BLOB,
    };
    if (!connection.closed) this.#model(connection).offered(offer);
    connection.interceptor.offered(offer);
  }

  /** lnd does not offer again what it holds; an answer that waits for the transport has not reached it. */
  #answerWaits(connection: FakeConnection, key: CircuitKey): boolean {
    const { link } = this.r;
    return link.status().queued > 0 && this.#model(connection).isHeld(key) && !link.awaitsAnswer(key);
  }

  #end(arg: number): void {
    const connection = this.#streams(arg);
    const stream = (['events', 'blocks', 'interceptor'] as const)[arg % 3]!;
    const listener = connection?.[stream];
    if (connection) connection[stream] = undefined;
    listener?.closed(new LndError(ERRORS[(arg >> 2) % ERRORS.length]!, 'fuzz'));
  }

  #transport(arg: number): void {
    const connection = this.#streams(arg);
    if (!connection) return;
    connection.writable = arg % 2 === 1;
    if (connection.writable) connection.interceptor?.drained();
  }

  async #command(arg: number): Promise<void> {
    const { link, clock } = this.r;
    switch (arg % 6) {
      case 0:
        link.start();
        break;
      case 1: {
        const stopped = link.stop({ flushMs: arg & 8 ? 100 : 0 });
        clock.advance(100);
        await stopped;
        break;
      }
      case 2:
        link.drain();
        break;
      case 3:
        link.undrain();
        break;
      default:
        link.retry();
    }
  }

  #fault(arg: number): void {
    const { lnd } = this.r;
    const error = new LndError(ERRORS[(arg >> 3) % ERRORS.length]!, 'fuzz');
    const kind = arg % 8;
    if (kind === 0) this.#healFaults();
    else if (kind === 1) lnd.connectError = error;
    else if (kind === 2) lnd.infoError = error;
    else if (kind === 3) lnd.version = VERSIONS[(arg >> 3) % VERSIONS.length]!;
    else if (kind === 4) lnd.info = { ...lnd.info, syncedToChain: (arg & 8) > 0 };
    else if (kind === 5) lnd.info = { ...lnd.info, network: arg & 8 ? undefined : 'mainnet' };
    else if (kind === 6) lnd.info = { ...lnd.info, identityPubkey: arg & 8 ? '' : NODE.toUpperCase() };
    else lnd.info = { ...lnd.info, requireHtlcInterceptor: (arg & 8) > 0 };
  }

  #healFaults(): void {
    const { lnd, hooks } = this.r;
    lnd.connectError = undefined;
    lnd.infoError = undefined;
    lnd.version = VERSIONS[0]!;
    lnd.lookup = async () => undefined;
    lnd.info = {
      alias: 'fuzzed',
      identityPubkey: NODE,
      network: 'regtest',
      syncedToChain: true,
      requireHtlcInterceptor: true,
      storeFinalHtlcResolutions: true,
    };
    hooks.throwing = false;
    hooks.onOffer = undefined;
    hooks.unresolved = [];
    hooks.missing = [];
  }

  /** A supervisor that answers during the call that hands the offer over. */
  #answerAtOnce(arg: number) {
    const { link } = this.r;
    if (arg % 4 === 0) return undefined;
    return ({ key }: { readonly key: CircuitKey }) => {
      if (arg % 4 === 1) link.settle(key, PREIMAGE);
      else if (arg % 4 === 2) link.fail(key, ONION);
      else void link.stop({ flushMs: 0 });
      if (arg & 8) link.fail(key, ONION);
    };
  }

  #lookup(arg: number) {
    if (arg % 3 === 0) return async () => ({ settled: true, offChain: true });
    if (arg % 3 === 1) return () => Promise.reject(new LndError('other', 'fuzz'));
    return () => new Promise<undefined>(() => {});
  }

  async #connect(): Promise<void> {
    const { link, lnd, clock } = this.r;
    link.start();
    link.retry();
    await settle();
    const last = lnd.connections.at(-1);
    last?.events?.subscribed();
    last?.blocks?.block(this.#height);
    clock.advance(500);
  }

  #model(connection: FakeConnection): LinkModel {
    let model = this.#models.get(connection);
    if (!model) {
      model = new LinkModel();
      this.#models.set(connection, model);
    }
    return model;
  }

  check(): void {
    const { lnd, link, lines } = this.r;
    for (const connection of lnd.connections) {
      if (connection.answers.length === this.#checked.get(connection)) continue;
      const from = this.#checked.get(connection) ?? 0;
      for (const answer of connection.answers.slice(from)) this.#model(connection).answered(answer);
      this.#checked.set(connection, connection.answers.length);
    }
    const present = lnd.connections.at(-1);
    for (const key of KEYS) {
      if (link.awaitsAnswer(key)) must(present !== undefined && this.#model(present).isHeld(key), 'is held');
    }
    link.status();
    const broken = lines.find(
      ({ message }) => message.includes('effect failed') || message.includes('statechart'),
    );
    must(broken === undefined, `the link logged: ${broken?.message} ${broken?.fields.error ?? ''}`);
  }

  /** With every fault gone the link comes back by itself, and a bystander is resumed at once. */
  async heal(): Promise<void> {
    const { link, lnd, clock } = this.r;
    this.#healFaults();
    this.#height = 100;
    link.start();
    this.#transport(1);
    for (let round = 0; round < 20 && !link.ready; round++) {
      await settle();
      const last = lnd.connections.at(-1);
      last?.events?.subscribed();
      last?.blocks?.block(this.#height);
      await settle();
      clock.advance(round < 10 ? 30_000 : 130_000);
    }
    // A node that has told nonsense about its height takes it back with its next block.
    lnd.connections.at(-1)?.blocks?.block(this.#height);
    this.check();
    must(link.ready, `the link comes back: ${link.status().words}`);
    const before = lnd.last.answers.length;
    this.#offer(FOREIGN, { chanId: 77n, htlcId: 77n }, 0);
    must(
      lnd.last.answers.slice(before).some(({ key }) => key.chanId === 77n),
      'a bystander is resumed at once',
    );
    this.check();
    await link.stop({ flushMs: 0 });
    must(clock.pending === 0, 'a link that was stopped leaves no timer');
  }
}

async function run(input: Uint8Array): Promise<string> {
  const play = new Play();
  for (let at = 0; at + 1 < input.length && at < 2 * MOST_STEPS; at += 2)
    await play.step(input[at]!, input[at + 1]!);
  const { state, counters } = play.r.link.status();
  const some = Object.entries(counters).filter(([, count]) => count > 0);
  await play.heal();
  return `${state}: ${some.map(([name]) => name).join(' ')}`;
}

const SEEDS = [
  [17, 0, 0, 0, 3, 0, 7, 16],
  [17, 0, 0, 1, 2, 2, 4, 1, 8, 18, 9, 4, 17, 0, 0, 1, 4, 1],
  [17, 0, 12, 0, 0, 0, 0, 1, 2, 2, 3, 0, 4, 1, 12, 1],
  [17, 0, 0, 8, 4, 2, 3, 2, 0, 16, 4, 4, 2, 8],
  [14, 1, 17, 0, 9, 4, 14, 0, 9, 7, 17, 0, 6, 5, 0, 32],
  [17, 0, 16, 1, 0, 0, 16, 2, 0, 1, 15, 1, 0, 2, 16, 3, 0, 3],
  [19, 6, 17, 0, 10, 0, 13, 2, 13, 3, 13, 1, 0, 224, 13, 0],
];

export const linkSequence: Target = {
  name: 'link',
  promise:
    'a node link under any sequence of offers, answers, blocks, faults and late callbacks: nothing that lnd would end the stream for, and it comes back',
  maxBytes: 2 * MOST_STEPS,
  maxMs: 1_000,
  open: (): LiveTarget => ({ seeds: SEEDS.map((steps) => Uint8Array.from(steps)), run, mutate: mutateBytes }),
};
