import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import {
  type BlocksListener,
  type HtlcEventsListener,
  type HtlcResolution,
  type InterceptorListener,
  type InterceptorStream,
  type LndConnection,
  LndError,
  type LndInfo,
} from '../../actors/ports/lndClient.ts';
import type { RpcCounts, RpcMethodCounts } from '../../actors/ports/rpcCounts.ts';
import type { CircuitKey } from '../../domain/htlcKey.ts';
import { ChainNotifierService } from '../../generated/lnd/chainnotifier.ts';
import { type GetInfoResponse, LightningService } from '../../generated/lnd/lightning.ts';
import { type HtlcEvent, RouterService } from '../../generated/lnd/router.ts';
import { VersionerService } from '../../generated/lnd/verrpc.ts';
import type { LndCredentials } from './credentials.ts';
import { decodeOffer, encodeAnswer } from './interceptorCodec.ts';
import { channelOptions, type LndChannelLimits } from './lndChannel.ts';
import { isNotFound, lndErrorOf } from './lndErrors.ts';
import { codeOf, StreamEnd } from './streamEnd.ts';

/** A unary method of the generated services. */
interface Method<Request, Response> {
  readonly path: string;
  readonly requestSerialize: (value: Request) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => Response;
}

/** One TLS connection to lnd with its calls and streams. */
export class GrpcLndConnection implements LndConnection {
  readonly #client: Client;
  readonly #metadata = new Metadata();
  readonly #limits: LndChannelLimits;
  readonly #calls: RpcCounts;
  readonly #streams = new Set<StreamEnd>();
  #closed = false;

  constructor(
    address: string,
    { tlsCert, macaroonHex }: LndCredentials,
    limits: LndChannelLimits,
    calls: RpcCounts,
  ) {
    this.#client = new Client(address, credentials.createSsl(tlsCert), channelOptions(limits));
    this.#metadata.set('macaroon', macaroonHex);
    this.#limits = limits;
    this.#calls = calls;
  }

  async getVersion(): Promise<string> {
    return (await this.#unary(VersionerService.getVersion, {})).version;
  }

  async getInfo(): Promise<LndInfo> {
    return infoOf(await this.#unary(LightningService.getInfo, {}));
  }

  async lookupHtlcResolution(key: CircuitKey): Promise<HtlcResolution | undefined> {
    try {
      const request = { chanId: key.chanId, htlcIndex: key.htlcId };
      const { settled, offchain } = await this.#unary(LightningService.lookupHtlcResolution, request, true);
      return { settled, offChain: offchain };
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw lndErrorOf(error);
    }
  }

  subscribeHtlcEvents(listener: HtlcEventsListener): void {
    const { path, requestSerialize, responseDeserialize } = RouterService.subscribeHtlcEvents;
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      {},
      this.#metadata,
    );
    const counts = this.#follow(RouterService.subscribeHtlcEvents, new StreamEnd(stream, listener));
    counts.sent += 1;
    stream.on('data', (event: HtlcEvent) => {
      counts.received += 1;
      if (!this.#closed) tellEvent(event, listener);
    });
  }

  subscribeBlocks(listener: BlocksListener): void {
    const { path, requestSerialize, responseDeserialize } = ChainNotifierService.registerBlockEpochNtfn;
    const fromTip = { hash: Buffer.alloc(0), height: 0 };
    const stream = this.#client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      fromTip,
      this.#metadata,
    );
    const counts = this.#follow(ChainNotifierService.registerBlockEpochNtfn, new StreamEnd(stream, listener));
    counts.sent += 1;
    stream.on('data', (block: { height: number }) => {
      counts.received += 1;
      if (!this.#closed) listener.block(block.height);
    });
  }

  openInterceptor(listener: InterceptorListener): InterceptorStream {
    const { path } = RouterService.htlcInterceptor;
    const stream = this.#client.makeBidiStreamRequest(path, encodeAnswer, decodeOffer, this.#metadata);
    const counts = this.#follow(RouterService.htlcInterceptor, new StreamEnd(stream, listener));
    stream.on('metadata', () => {
      if (!this.#closed) listener.opened();
    });
    stream.on('data', (offer) => {
      counts.received += 1;
      if (!this.#closed) listener.offered(offer);
    });
    stream.on('drain', () => {
      if (!this.#closed) listener.drained();
    });
    return {
      answer(answer) {
        counts.sent += 1;
        return stream.write(answer);
      },
      finish: () => stream.end(),
    };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams) stream.abort();
    this.#streams.clear();
    this.#client.close();
  }

  /** Counts a stream that begins, and notes its end. */
  #follow(method: { readonly path: string }, end: StreamEnd): RpcMethodCounts {
    const counts = this.#calls.of(method);
    counts.started += 1;
    this.#streams.add(end);
    end.onEnd = (code) => {
      counts.handled[code]! += 1;
      this.#streams.delete(end);
    };
    return counts;
  }

  /** Rejects with the error as gRPC gave it when `raw`, with an LndError otherwise. */
  #unary<Request, Response>(
    method: Method<Request, Response>,
    request: Request,
    raw = false,
  ): Promise<Response> {
    if (this.#closed) return Promise.reject(new LndError('unavailable', 'connection closed'));
    const counts = this.#calls.of(method);
    counts.started += 1;
    counts.sent += 1;
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        this.#metadata,
        { deadline: Date.now() + this.#limits.unaryDeadlineMs },
        (error, response) => {
          counts.handled[error ? codeOf(error) : status.OK]! += 1;
          if (response) counts.received += 1;
          if (response) resolve(response);
          else reject(raw ? error : lndErrorOf(error));
        },
      );
    });
  }
}

function infoOf(info: GetInfoResponse): LndInfo {
  return {
    alias: info.alias,
    identityPubkey: info.identityPubkey,
    network: info.chains[0]?.network,
    syncedToChain: info.syncedToChain,
    requireHtlcInterceptor: info.requireHtlcInterceptor,
    storeFinalHtlcResolutions: info.storeFinalHtlcResolutions,
  };
}

/** Of all events only the confirmation and the final outcomes count; the others may repeat or be taken back. */
function tellEvent(event: HtlcEvent, listener: HtlcEventsListener): void {
  const key = { chanId: event.incomingChannelId, htlcId: event.incomingHtlcId };
  if (event.event?.$case === 'subscribedEvent') listener.subscribed();
  else if (event.event?.$case === 'finalHtlcEvent') {
    const { settled, offchain } = event.event.value;
    listener.finalised(key, { settled, offChain: offchain });
  }
}
