import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { FailureSource, NodeLinkEvent } from '../../machines/nodeLink/events.ts';
import type { ReplyTimes } from '../measures/replyTimes.ts';
import type { Clock } from '../ports/clock.ts';
import {
  type HtlcResolution,
  type LndClient,
  type LndConnection,
  LndError,
  type LndHtlcOffer,
} from '../ports/lndClient.ts';
import type { Log } from '../ports/log.ts';
import { Interception } from './interception.ts';
import type { ListenerGuard } from './listenerGuard.ts';
import { OutcomeLookup } from './outcomeLookup.ts';
import { ReplayDoubts } from './replayDoubts.ts';
import type { NodeLinkCounters } from './status.ts';
import { type NodeExpectation, type ValidNode, validateNode } from './validation.ts';

export interface LinkConnectionDeps {
  readonly client: LndClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly expected: NodeExpectation;
  readonly virtualChannel: bigint;
  readonly counters: NodeLinkCounters;
  readonly replyTimes: ReplyTimes;
  readonly guard: ListenerGuard;
  readonly unresolved: () => Iterable<CircuitKey>;
  readonly missing: () => Iterable<CircuitKey>;
  readonly send: (event: NodeLinkEvent) => void;
  readonly validated: (node: ValidNode) => void;
  readonly heightChanged: (height: number) => void;
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

/** One connection to lnd with all its streams. They live and end together; after `close` nothing is heard. */
export class LinkConnection {
  readonly #deps: LinkConnectionDeps;
  #connection: LndConnection | undefined;
  #lookup: OutcomeLookup | undefined;
  /** Looks up what was not offered again; there is one once lnd has had the time for it. */
  #lookupOfMissing: OutcomeLookup | undefined;
  #interception: Interception | undefined;
  #doubts: ReplayDoubts | undefined;
  #height: number | undefined;
  #opened = false;
  #closed = false;
  #finishing: (() => void) | undefined;

  constructor(deps: LinkConnectionDeps) {
    this.#deps = deps;
  }

  /** The interceptor stream, while there is one. */
  get interception(): Interception | undefined {
    return this.#interception;
  }

  /** Whether lnd may have ended this HTLC although it offers it; see {@link ReplayDoubts}. */
  doubtful(key: CircuitKey): boolean {
    return this.#doubts?.has(key) ?? false;
  }

  validate(): void {
    this.#validate().catch((error: unknown) => this.#failed('validation', error));
  }

  openEvents(): void {
    this.#connection?.subscribeHtlcEvents({
      subscribed: () => this.#send({ type: 'events.subscribed' }),
      finalised: (key, resolution) => this.#finalised(key, resolution),
      closed: (error) => this.#failed('events', error),
    });
  }

  /** Every unresolved HTLC, in the background. */
  lookUp(): void {
    this.#lookup ??= this.#lookupOf(this.#deps.unresolved);
    this.#begin(this.#lookup);
    this.#begin(this.#lookupOfMissing);
  }

  #lookupOf(unresolved: () => Iterable<CircuitKey>): OutcomeLookup | undefined {
    if (!this.#connection) return undefined;
    return new OutcomeLookup({
      connection: this.#connection,
      clock: this.#deps.clock,
      unresolved,
      finalised: (key, resolution) => this.#finalised(key, resolution),
      failed: (count, error) =>
        this.#deps.log.warn({ count, error: messageOf(error) }, 'Look-up of final htlc outcomes failed'),
    });
  }

  #begin(lookup: OutcomeLookup | undefined): void {
    try {
      lookup?.start();
    } catch (error) {
      this.#deps.counters.listenerErrors++;
      this.#deps.log.error({ error: messageOf(error) }, 'Unresolved htlcs are not known, none looked up');
    }
  }

  openBlocks(): void {
    this.#connection?.subscribeBlocks({
      block: (height) => this.#block(height),
      closed: (error) => this.#failed('blocks', error),
    });
  }

  openInterceptor(): void {
    if (!this.#connection) return;
    const interception = new Interception(
      {
        nodeId: this.#deps.expected.nodeId,
        virtualChannel: this.#deps.virtualChannel,
        log: this.#deps.log,
        counters: this.#deps.counters,
        replyTimes: this.#deps.replyTimes,
        offered: (offer) => {
          this.#showLife();
          if (!offer.onChain) this.#doubts?.offered(offer.key);
          this.#deps.guard.offered(offer);
        },
        broken: (reason) => this.#failed('interceptor', new LndError('other', reason)),
      },
      this.#height ?? 0,
    );
    this.#doubts = new ReplayDoubts({
      connection: this.#connection,
      clock: this.#deps.clock,
      finalised: (key, resolution) => this.#finalised(key, resolution),
      failed: (error) =>
        this.#deps.log.warn({ count: 1, error: messageOf(error) }, 'Look-up of final htlc outcomes failed'),
      replayed: () => {
        this.#lookupOfMissing ??= this.#lookupOf(this.#deps.missing);
        this.#begin(this.#lookupOfMissing);
      },
    });
    const stream = this.#connection.openInterceptor({
      opened: () => this.#showLife(),
      offered: (offer) => this.#offered(interception, offer),
      drained: () => {
        if (!this.#closed) interception.drained();
      },
      closed: (error) => this.#interceptorClosed(error),
    });
    interception.attach(stream);
    this.#interception = interception;
  }

  /** The statechart takes the interceptor for open; no further sign of life is needed. */
  markOpen(): void {
    this.#opened = true;
  }

  checkSync(): void {
    this.#connection?.getInfo().then(
      (info) => this.#send({ type: 'sync.checked', synced: info.syncedToChain }),
      (error: unknown) => {
        this.#deps.log.warn({ error: messageOf(error) }, 'Chain sync of the node is not known');
        this.#send({ type: 'sync.checked', synced: false });
      },
    );
  }

  /** Sends what was answered and waits for lnd to end the stream, for at most `waitMs`. */
  finish(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#deps.clock.setTimeout(() => resolve(), waitMs);
      this.#finishing = () => {
        this.#deps.clock.clearTimeout(timer);
        resolve();
      };
      this.#interception?.finish();
    });
  }

  close(): void {
    this.#closed = true;
    this.#lookup?.stop();
    this.#lookupOfMissing?.stop();
    this.#doubts?.stop();
    this.#interception = undefined;
    this.#connection?.close();
    this.#finishing?.();
  }

  async #validate(): Promise<void> {
    const { client, expected, random } = this.#deps;
    const connection = await client.connect();
    if (this.#closed) {
      connection.close();
      return;
    }
    this.#connection = connection;
    const [version, info] = await Promise.all([connection.getVersion(), connection.getInfo()]);
    if (this.#closed) return;
    const validation = validateNode(expected, version, info);
    if (!validation.valid) {
      this.#refused(validation.reason);
      return;
    }
    this.#deps.validated(validation);
    this.#send({ type: 'validation.succeeded', synced: info.syncedToChain, jitter: random() });
  }

  #refused(reason: string): void {
    this.#send({ type: 'node.refused', reason, jitter: this.#deps.random() });
  }

  /** Files that can't be used and a macaroon that lnd doesn't take, or not for a stream, are for a person to repair. */
  #failed(source: FailureSource, error: unknown): void {
    const reason = messageOf(error);
    const kind = error instanceof LndError ? error.kind : 'other';
    if (kind === 'credentials' || kind === 'denied') this.#refused(reason);
    else this.#send({ type: 'connection.failed', source, reason, jitter: this.#deps.random() });
  }

  #interceptorClosed(error: LndError): void {
    if (this.#finishing) this.#finishing();
    else if (error.kind === 'occupied') {
      this.#send({ type: 'interceptor.occupied', jitter: this.#deps.random() });
    } else this.#failed('interceptor', error);
  }

  #send(event: NodeLinkEvent): void {
    if (!this.#closed) this.#deps.send(event);
  }

  /** The first sign that lnd has given us the interceptor slot. */
  #showLife(): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#send({ type: 'interceptor.opened' });
  }

  #offered(interception: Interception, offer: LndHtlcOffer): void {
    if (this.#closed) return;
    interception.offer(offer);
    if (!this.#opened) this.#showLife();
  }

  #block(height: number): void {
    if (this.#closed) return;
    if (this.#height === undefined) this.#deps.log.info({ height }, 'Initial block height');
    this.#height = height;
    this.#deps.heightChanged(height);
    this.#interception?.heightChanged(height);
    this.#deps.guard.heightChanged(height);
    this.#send({ type: 'block.connected', height });
  }

  #finalised(key: CircuitKey, resolution: HtlcResolution): void {
    if (this.#closed) return;
    // Before anybody hears of it: who fails the rest of its payment must not answer this one, nor count on it.
    this.#interception?.forget(key);
    this.#deps.guard.finalised({
      key: { nodeId: this.#deps.expected.nodeId, chanId: key.chanId, htlcId: key.htlcId },
      settled: resolution.settled,
      offChain: resolution.offChain,
    });
  }
}
