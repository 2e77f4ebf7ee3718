import { type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { AcceptedSubscription, Application } from '../../actors/ports/application.ts';
import type { Log } from '../../actors/ports/log.ts';
import type {
  ServiceServer,
  WaitForInvoiceFinalStatusRequest,
  WaitForInvoiceFinalStatusResponse,
} from '../../generated/lnmux.ts';
import { type AcceptedCall, pumpAccepted } from './acceptedStream.ts';
import { crashed } from './crash.ts';
import type { GrpcLimits } from './limits.ts';
import {
  addInvoice,
  cancelInvoice,
  getInfo,
  listInvoices,
  settleInvoice,
  waitForFinalStatus,
} from './methods.ts';
import type { CallObserver } from './observer.ts';
import { type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { unary } from './unary.ts';

export interface ServiceOptions {
  readonly application: Application;
  readonly log: Log;
  readonly limits: GrpcLimits;
  readonly observer: CallObserver | undefined;
}

type WaitCall = ServerUnaryCall<WaitForInvoiceFinalStatusRequest, WaitForInvoiceFinalStatusResponse>;

const SUBSCRIBE = 'SubscribeInvoiceAccepted';

/** The seven methods, and the calls among them that stay open. */
export class LnmuxService {
  readonly methods: ServiceServer;
  readonly #options: ServiceOptions;
  readonly #subscriptions = new Set<AcceptedSubscription>();
  readonly #waits = new Set<AbortController>();
  #stopping = false;

  constructor(options: ServiceOptions) {
    const { application, limits } = options;
    this.#options = options;
    this.methods = {
      getInfo: unary('GetInfo', options, () => getInfo(application)),
      addInvoice: unary('AddInvoice', options, (request) => addInvoice(application, request)),
      settleInvoice: unary('SettleInvoice', options, (request) => settleInvoice(application, request)),
      cancelInvoice: unary('CancelInvoice', options, (request) => cancelInvoice(application, request)),
      listInvoices: unary('ListInvoices', options, (request) => listInvoices(application, request, limits)),
      waitForInvoiceFinalStatus: unary('WaitForInvoiceFinalStatus', options, (request, call: WaitCall) =>
        this.#wait(request, call),
      ),
      subscribeInvoiceAccepted: (call) => void this.#subscribe(call),
    };
  }

  /** Ends open streams and waits with UNAVAILABLE, and refuses new ones. */
  stop(): void {
    this.#stopping = true;
    for (const subscription of this.#subscriptions) subscription.close();
    for (const controller of this.#waits) controller.abort();
  }

  async #wait(
    request: WaitForInvoiceFinalStatusRequest,
    call: WaitCall,
  ): Promise<Outcome<WaitForInvoiceFinalStatusResponse>> {
    const { application, limits } = this.#options;
    if (this.#stopping) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    if (this.#waits.size >= limits.maxWaits) {
      return refuse(
        status.RESOURCE_EXHAUSTED,
        `${limits.maxWaits} calls wait already (limits.maxWaits): wait for some of them to end`,
      );
    }
    const controller = new AbortController();
    this.#waits.add(controller);
    call.on('cancelled', () => controller.abort());
    if (call.cancelled) controller.abort();
    try {
      return await waitForFinalStatus(application, request, controller.signal);
    } finally {
      this.#waits.delete(controller);
    }
  }

  async #subscribe(call: AcceptedCall): Promise<void> {
    const { log, observer } = this.#options;
    const startedAt = performance.now();
    observer?.started(SUBSCRIBE, 'server_stream');
    const outcome = await this.#stream(call).catch((error: unknown) => crashed(log, SUBSCRIBE, error));
    let code: status = status.CANCELLED;
    if (outcome !== undefined && !outcome.ok) {
      code = outcome.code;
      call.emit('error', { code, details: outcome.details });
    }
    observer?.finished(SUBSCRIBE, 'server_stream', code, performance.now() - startedAt);
  }

  async #stream(call: AcceptedCall): Promise<Outcome<never> | undefined> {
    const { application, limits, observer } = this.#options;
    if (this.#stopping) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    if (this.#subscriptions.size >= limits.maxSubscribers) {
      return refuse(
        status.RESOURCE_EXHAUSTED,
        `there are ${limits.maxSubscribers} subscribers already (limits.maxSubscribers): close some of them`,
      );
    }
    const subscription = application.subscribeAccepted();
    this.#subscriptions.add(subscription);
    call.on('cancelled', () => subscription.close());
    try {
      if (call.cancelled) return undefined;
      return await pumpAccepted(call, subscription, () => observer?.sent(SUBSCRIBE, 'server_stream'));
    } finally {
      this.#subscriptions.delete(subscription);
      subscription.close();
    }
  }
}
