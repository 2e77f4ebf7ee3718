import { type Metadata, Server, type ServerWritableStream } from '@grpc/grpc-js';
import {
  type BlockEpoch,
  type ChainNotifierServer,
  ChainNotifierService,
} from '../../generated/lnd/chainnotifier.ts';
import { type LightningServer, LightningService } from '../../generated/lnd/lightning.ts';
import { type HtlcEvent, type RouterServer, RouterService } from '../../generated/lnd/router.ts';
import { type VersionerServer, VersionerService } from '../../generated/lnd/verrpc.ts';
import { unavailable, unknown } from '../node/faults.ts';
import type { NodeEvent, RpcFault } from '../node/types.ts';
import type { NodeContext } from './context.ts';
import { htlcEventMessage, SUBSCRIBED } from './htlcEvents.ts';
import { InterceptorStreams } from './interceptorStreams.ts';
import { getInfo, getVersion } from './nodeInfo.ts';
import { answerUnary, checkMacaroon, endWith, type OpenCall } from './rpc.ts';

const RPC_STARTING = 'the RPC server is in the process of starting up, but not yet ready to accept calls';
const NOTIFIER_STARTING = 'chain notifier RPC is still in the process of starting';

/** lnd's gRPC services in front of the core. */
export class LndServer {
  readonly grpc: Server;
  readonly interceptorStreams: InterceptorStreams;
  private readonly context: NodeContext;
  private readonly macaroon: string;
  private readonly subscriptions = new Set<OpenCall>();

  constructor(context: NodeContext, macaroon: string) {
    this.context = context;
    this.macaroon = macaroon;
    this.interceptorStreams = new InterceptorStreams(context);
    this.grpc = new Server({
      'grpc.keepalive_time_ms': 60_000,
      'grpc.keepalive_timeout_ms': 20_000,
      'grpc.max_receive_message_length': 50 * 1024 * 1024,
    });
    this.grpc.addService(LightningService, this.lightning());
    this.grpc.addService(VersionerService, this.versioner());
    this.grpc.addService(RouterService, this.router());
    this.grpc.addService(ChainNotifierService, this.chainNotifier());
  }

  private check({ metadata }: { metadata: Metadata }): RpcFault | undefined {
    const { node, faults } = this.context;
    if (!node.isUp || faults.current.starting) return unknown(RPC_STARTING);
    return checkMacaroon(metadata, this.macaroon);
  }

  private lightning(): LightningServer {
    const { node } = this.context;
    return {
      getInfo: (call, callback) => answerUnary(callback, () => this.check(call) ?? getInfo(this.context)),
      lookupHtlcResolution: (call, callback) => {
        answerUnary(callback, () => {
          const { chanId, htlcIndex } = call.request;
          return this.check(call) ?? node.lookup({ chanId, htlcId: htlcIndex });
        });
      },
    };
  }

  private versioner(): VersionerServer {
    return {
      getVersion: (call, callback) =>
        answerUnary(callback, () => this.check(call) ?? getVersion(this.context)),
    };
  }

  private router(): RouterServer {
    return {
      htlcInterceptor: (call) => {
        const fault = this.check(call);
        if (fault) endWith(call, fault);
        else this.interceptorStreams.open(call);
      },
      subscribeHtlcEvents: (call) => {
        const fault = this.check(call);
        if (fault) endWith(call, fault);
        else this.subscribeEvents(call);
      },
    };
  }

  private subscribeEvents(call: ServerWritableStream<unknown, HtlcEvent>): void {
    const listeners = this.context.hub.eventListeners;
    const listener = (event: NodeEvent) => call.write(htlcEventMessage(event, nowNs()));
    listeners.add(listener);
    this.track(call, () => listeners.delete(listener));
    call.write(SUBSCRIBED);
  }

  private chainNotifier(): ChainNotifierServer {
    return {
      registerBlockEpochNtfn: (call) => {
        const fault = this.check(call) ?? this.notifierFault();
        if (fault) endWith(call, fault);
        else this.subscribeBlocks(call);
      },
    };
  }

  private notifierFault(): RpcFault | undefined {
    const { faults, node } = this.context;
    if (!faults.current.notifierStarting) return undefined;
    // A code of its own from 0.21.0 on.
    return node.settings.series === '0.21' ? unavailable(NOTIFIER_STARTING) : unknown(NOTIFIER_STARTING);
  }

  private subscribeBlocks(call: ServerWritableStream<BlockEpoch, BlockEpoch>): void {
    const { node, hub } = this.context;
    const listener = (height: number, hash: Uint8Array) => call.write({ height, hash: Buffer.from(hash) });
    hub.blockListeners.add(listener);
    this.track(call, () => hub.blockListeners.delete(listener));
    const { height, hash } = call.request;
    // With both given, what follows them comes; at the tip that is nothing.
    if (height === 0 || hash.length === 0) listener(node.height, node.tipHash);
  }

  private track(call: ServerWritableStream<never, unknown> | OpenCall, release: () => void): void {
    const open = call as ServerWritableStream<unknown, unknown>;
    const done = () => {
      this.subscriptions.delete(open);
      release();
    };
    this.subscriptions.add(open);
    open.on('cancelled', done);
    open.on('error', done);
  }

  /** Ends event and block streams. */
  endSubscriptions(fault: RpcFault): void {
    for (const call of [...this.subscriptions]) endWith(call, fault);
  }
}

function nowNs(): bigint {
  return BigInt(Date.now()) * 1_000_000n;
}
