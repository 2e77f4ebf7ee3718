import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { AcceptedSubscription, Application } from '../../actors/ports/application.ts';
import type { Log } from '../../actors/ports/log.ts';
import type { ServiceServer, WaitForInvoiceFinalStatusResponse } from '../../generated/lnmux.ts';
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

export interface ServiceOptions {
  readonly application: Application;
  readonly log: Log;
  readonly limits: GrpcLimits;
  readonly observer: CallObserver | undefined;
}

/** The seven methods, and the calls that stay open. */
export interface LnmuxService {
  readonly methods: ServiceServer;
  /** Ends open streams and waits with UNAVAILABLE, and refuses new ones. */
  stop(): void;
}

type Answer<Response> = Outcome<Response> | Promise<Outcome<Response>>;

/**
 * Binds the API's methods to the application. The unary path costs one closure and, for methods that wait, the
 * promises of the application plus two: thousands of AddInvoice and SettleInvoice calls a second go through here.
 */
export function lnmuxService(options: ServiceOptions): LnmuxService {
  const { application, log, limits, observer } = options;
  const subscriptions = new Set<AcceptedSubscription>();
  const waits = new Set<AbortController>();
  let stopping = false;

  function unary<Request, Response>(
    method: string,
    handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Answer<Response>,
  ) {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): void => {
      const startedAt = observer === undefined ? 0 : performance.now();
      observer?.started(method, 'unary');
      const reply = (outcome: Outcome<Response>): void => {
        if (outcome.ok) {
          callback(null, outcome.response);
          observer?.sent(method, 'unary');
        } else {
          callback({ code: outcome.code, details: outcome.details });
        }
        const code = outcome.ok ? status.OK : outcome.code;
        observer?.finished(method, 'unary', code, performance.now() - startedAt);
      };
      try {
        const answer = handle(call.request, call);
        if (answer instanceof Promise) answer.then(reply, (error) => reply(crashed(log, method, error)));
        else reply(answer);
      } catch (error) {
        reply(crashed(log, method, error));
      }
    };
  }

  async function wait(
    request: { readonly hash: Buffer },
    call: { on(event: 'cancelled', listener: () => void): unknown; readonly cancelled: boolean },
  ): Promise<Outcome<WaitForInvoiceFinalStatusResponse>> {
    if (stopping) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    if (waits.size >= limits.maxWaits) {
      return refuse(
        status.RESOURCE_EXHAUSTED,
        `${limits.maxWaits} calls wait already (limits.maxWaits): wait for some of them to end`,
      );
    }
    const controller = new AbortController();
    waits.add(controller);
    call.on('cancelled', () => controller.abort());
    if (call.cancelled) controller.abort();
    try {
      return await waitForFinalStatus(application, request, controller.signal);
    } finally {
      waits.delete(controller);
    }
  }

  async function streamAccepted(call: AcceptedCall): Promise<Outcome<never> | undefined> {
    if (stopping) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    if (subscriptions.size >= limits.maxSubscribers) {
      return refuse(
        status.RESOURCE_EXHAUSTED,
        `there are ${limits.maxSubscribers} subscribers already (limits.maxSubscribers): close some of them`,
      );
    }
    const subscription = application.subscribeAccepted();
    subscriptions.add(subscription);
    call.on('cancelled', () => subscription.close());
    try {
      if (call.cancelled) return undefined;
      return await pumpAccepted(call, subscription, () =>
        observer?.sent('SubscribeInvoiceAccepted', 'server_stream'),
      );
    } finally {
      subscriptions.delete(subscription);
      subscription.close();
    }
  }

  async function subscribeInvoiceAccepted(call: AcceptedCall): Promise<void> {
    const method = 'SubscribeInvoiceAccepted';
    const startedAt = performance.now();
    observer?.started(method, 'server_stream');
    const outcome = await streamAccepted(call).catch((error: unknown) => crashed(log, method, error));
    let code: status = status.CANCELLED;
    if (outcome !== undefined && !outcome.ok) {
      code = outcome.code;
      call.emit('error', { code, details: outcome.details });
    }
    observer?.finished(method, 'server_stream', code, performance.now() - startedAt);
  }

  return {
    methods: {
      getInfo: unary('GetInfo', () => getInfo(application)),
      addInvoice: unary('AddInvoice', (request) => addInvoice(application, request)),
      settleInvoice: unary('SettleInvoice', (request) => settleInvoice(application, request)),
      cancelInvoice: unary('CancelInvoice', (request) => cancelInvoice(application, request)),
      listInvoices: unary('ListInvoices', (request) => listInvoices(application, request, limits)),
      waitForInvoiceFinalStatus: unary('WaitForInvoiceFinalStatus', wait),
      subscribeInvoiceAccepted,
    },
    stop() {
      stopping = true;
      for (const subscription of subscriptions) subscription.close();
      for (const controller of waits) controller.abort();
    },
  };
}
