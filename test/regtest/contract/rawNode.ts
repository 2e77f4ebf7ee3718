import { readFileSync } from 'node:fs';
import {
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { type BlockEpoch, ChainNotifierClient } from '../../../src/generated/lnd/chainnotifier.ts';
import { LightningClient } from '../../../src/generated/lnd/lightning.ts';
import {
  type CircuitKey,
  type ForwardHtlcInterceptRequest,
  type ForwardHtlcInterceptResponse,
  type HtlcEvent,
  RouterClient,
} from '../../../src/generated/lnd/router.ts';
import type { Connection } from '../scenarios/cluster.ts';

export type Offer = ForwardHtlcInterceptRequest;

/** How a call or a stream ended. */
export interface Refusal {
  readonly code: number;
  readonly details: string;
}

const refusalOf = ({ code, details }: ServiceError): Refusal => ({ code, details });

/** lnd as its API shows it, without anything of lnmux between. */
export class RawNode {
  readonly #router: RouterClient;
  readonly #lightning: LightningClient;
  readonly #notifier: ChainNotifierClient;
  readonly #macaroon: Metadata;

  /** With `macaroon` in place of the connection's own. */
  constructor({ lndUrl, tlsCertPath, macaroonPath }: Connection, macaroon = readFileSync(macaroonPath)) {
    const trusted = credentials.createSsl(readFileSync(tlsCertPath));
    this.#router = new RouterClient(lndUrl, trusted);
    this.#lightning = new LightningClient(lndUrl, trusted);
    this.#notifier = new ChainNotifierClient(lndUrl, trusted);
    this.#macaroon = new Metadata();
    if (macaroon.length > 0) this.#macaroon.set('macaroon', macaroon.toString('hex'));
  }

  intercept(): RawInterceptor {
    return new RawInterceptor(this.#router.htlcInterceptor(this.#macaroon));
  }

  /** Whether the HTLC was settled off chain; or what is said instead. */
  lookup(key: CircuitKey): Promise<{ settled: boolean; offchain: boolean } | Refusal> {
    return new Promise((resolve) => {
      this.#lightning.lookupHtlcResolution(
        { chanId: key.chanId, htlcIndex: key.htlcId },
        this.#macaroon,
        (error, answer) => resolve(error ? refusalOf(error) : answer),
      );
    });
  }

  events(): Heard<HtlcEvent> {
    return new Heard(this.#router.subscribeHtlcEvents({}, this.#macaroon));
  }

  /** From the tip on. */
  blocks(): Heard<BlockEpoch> {
    return new Heard(
      this.#notifier.registerBlockEpochNtfn({ hash: Buffer.alloc(0), height: 0 }, this.#macaroon),
    );
  }

  close(): void {
    this.#router.close();
    this.#lightning.close();
    this.#notifier.close();
  }
}

/** Everything that a stream says. */
export class Heard<T> {
  readonly messages: T[] = [];
  readonly ended: Promise<Refusal>;
  readonly #stream: ClientReadableStream<T> | ClientDuplexStream<never, T>;

  constructor(stream: ClientReadableStream<T> | ClientDuplexStream<never, T>) {
    this.#stream = stream;
    stream.on('data', (message: T) => this.messages.push(message));
    this.ended = new Promise((resolve) =>
      stream.on('error', (error: ServiceError) => resolve(refusalOf(error))),
    );
  }

  stop(): void {
    this.#stream.cancel();
  }
}

const NOTHING = Buffer.alloc(0);

/** An interceptor stream that answers only what it is told to. */
export class RawInterceptor extends Heard<Offer> {
  readonly #duplex: ClientDuplexStream<ForwardHtlcInterceptResponse, Offer>;

  constructor(stream: ClientDuplexStream<ForwardHtlcInterceptResponse, Offer>) {
    super(stream);
    this.#duplex = stream;
  }

  get offers(): readonly Offer[] {
    return this.messages;
  }

  answer(
    incomingCircuitKey: CircuitKey | undefined,
    what: Partial<Omit<ForwardHtlcInterceptResponse, 'incomingCircuitKey'>>,
  ): void {
    const empty = { action: 0, preimage: NOTHING, failureMessage: NOTHING, failureCode: 0 } as const;
    this.#duplex.write({ incomingCircuitKey, ...empty, ...what });
  }
}
