import { type Metadata, type ServerUnaryCall, status } from '@grpc/grpc-js';
import type { Application } from '../../actors/ports/application.ts';
import type { Log } from '../../actors/ports/log.ts';
import type { Nodes } from '../../actors/ports/nodes.ts';
import type {
  InvoiceEvent,
  InvoiceReport,
  ServiceServer,
  SubscribeEventsRequest,
  SubscribeInvoiceAcceptedRequest,
  SubscribeInvoiceAcceptedResponse,
  SubscribeSingleInvoiceRequest,
  WaitForInvoiceFinalStatusRequest,
  WaitForInvoiceFinalStatusResponse,
} from '../../generated/lnmux.ts';
import { seesPreimages } from './access/roles.ts';
import { principalOf } from './gate.ts';
import type { GrpcLimits } from './limits.ts';
import {
  addInvoice,
  cancelInvoice,
  getInfo,
  listInvoices,
  lookupInvoice,
  settleInvoice,
  waitForFinalStatus,
} from './methods.ts';
import { drainNode, listFees, listNodes, undrainNode } from './nodeMethods.ts';
import type { CallObserver } from './observer.ts';
import { finalizePart, listUnresolvedParts } from './operatorMethods.ts';
import { type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { ServerStream } from './serverStream.ts';
import { acceptedSource, eventSource, invoiceSource } from './streams.ts';
import { unary } from './unary.ts';

export interface ServiceOptions {
  readonly application: Application;
  readonly nodes: Nodes;
  readonly log: Log;
  readonly limits: GrpcLimits;
  readonly observer: CallObserver | undefined;
  /** Whether anybody is told preimages. */
  readonly returnPreimage: boolean;
}

type WaitCall = ServerUnaryCall<WaitForInvoiceFinalStatusRequest, WaitForInvoiceFinalStatusResponse>;

/** The methods, and the calls among them that stay open. */
export class LnmuxService {
  readonly methods: ServiceServer;
  readonly #options: ServiceOptions;
  readonly #accepted: ServerStream<SubscribeInvoiceAcceptedRequest, SubscribeInvoiceAcceptedResponse>;
  readonly #invoices: ServerStream<SubscribeSingleInvoiceRequest, InvoiceReport>;
  readonly #events: ServerStream<SubscribeEventsRequest, InvoiceEvent>;
  readonly #waits = new Set<AbortController>();
  #stopping = false;

  constructor(options: ServiceOptions) {
    const { application, nodes, limits } = options;
    this.#options = options;
    this.#accepted = new ServerStream({
      ...options,
      name: 'SubscribeInvoiceAccepted',
      max: limits.maxSubscribers,
      tooMany: `there are ${limits.maxSubscribers} subscribers already (limits.maxSubscribers): close some of them`,
      open: () => acceptedSource(application),
    });
    this.#invoices = new ServerStream({
      ...options,
      name: 'SubscribeSingleInvoice',
      max: limits.maxInvoiceStreams,
      tooMany: `${limits.maxInvoiceStreams} invoices are watched already (limits.maxInvoiceStreams): close some streams`,
      open: (request) => invoiceSource(application, request),
    });
    this.#events = new ServerStream({
      ...options,
      name: 'SubscribeEvents',
      max: limits.maxEventStreams,
      tooMany: `events are read ${limits.maxEventStreams} times already (limits.maxEventStreams): close some streams`,
      open: (request) => eventSource(application, request),
    });
    this.methods = {
      getInfo: unary('GetInfo', options, () => getInfo(application)),
      addInvoice: unary('AddInvoice', options, (request, call) =>
        addInvoice(application, request, this.#showsPreimages(call)),
      ),
      settleInvoice: unary('SettleInvoice', options, (request) => settleInvoice(application, request)),
      cancelInvoice: unary('CancelInvoice', options, (request) => cancelInvoice(application, request)),
      listInvoices: unary('ListInvoices', options, (request, call) =>
        listInvoices(application, request, limits, this.#showsPreimages(call)),
      ),
      listUnresolvedParts: unary('ListUnresolvedParts', options, (request) =>
        listUnresolvedParts(application, request),
      ),
      finalizePart: unary('FinalizePart', options, (request) => finalizePart(application, request)),
      lookupInvoice: unary('LookupInvoice', options, (request) => lookupInvoice(application, request)),
      waitForInvoiceFinalStatus: unary('WaitForInvoiceFinalStatus', options, (request, call: WaitCall) =>
        this.#wait(request, call),
      ),
      listNodes: unary('ListNodes', options, () => listNodes(nodes)),
      drainNode: unary('DrainNode', options, (request) => drainNode(nodes, request)),
      listFees: unary('ListFees', options, (request) => listFees(nodes, request)),
      undrainNode: unary('UndrainNode', options, (request) => undrainNode(nodes, request)),
      subscribeInvoiceAccepted: this.#accepted.handle,
      subscribeSingleInvoice: this.#invoices.handle,
      subscribeEvents: this.#events.handle,
    };
  }

  /** Ends open streams and waits with UNAVAILABLE, and refuses new ones. */
  stop(): void {
    this.#stopping = true;
    this.#accepted.stop();
    this.#invoices.stop();
    this.#events.stop();
    for (const controller of this.#waits) controller.abort();
  }

  #showsPreimages(call: { readonly metadata: Metadata }): boolean {
    return this.#options.returnPreimage && seesPreimages(principalOf(call).roles);
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
}
