import { status } from '@grpc/grpc-js';
import type { Application } from '../../actors/ports/application.ts';
import type {
  InvoiceEvent,
  InvoiceReport,
  SubscribeEventsRequest,
  SubscribeInvoiceAcceptedResponse,
  SubscribeSingleInvoiceRequest,
} from '../../generated/lnmux.ts';
import { answer, invalid, type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { eventResponse, reportResponse } from './reportResponse.ts';
import { checkEvents, checkHash } from './requests.ts';
import { acceptedResponse } from './responses.ts';
import type { MessageSource } from './serverStream.ts';

/** Complete sets, one after the other. It has no end of its own. */
export function acceptedSource(
  application: Application,
): Outcome<MessageSource<SubscribeInvoiceAcceptedResponse>> {
  const subscription = application.subscribeAccepted();
  return answer({
    async next() {
      const set = await subscription.next();
      return set === undefined ? refuse(status.UNAVAILABLE, SHUTTING_DOWN) : answer(acceptedResponse(set));
    },
    close: () => subscription.close(),
  });
}

/** The states of one invoice, to the final one. */
export function invoiceSource(
  application: Application,
  request: SubscribeSingleInvoiceRequest,
): Outcome<MessageSource<InvoiceReport>> {
  const checked = checkHash(request.hash);
  if (!checked.ok) return invalid(checked.problem);
  const watch = application.watchInvoice(checked.value);
  return answer({
    async next() {
      const next = await watch.next();
      if (next.result === 'over') return undefined;
      return next.result === 'report'
        ? answer(reportResponse(next.report))
        : refuse(status.UNAVAILABLE, next.reason);
    },
    close: () => watch.close(),
  });
}

/** What becomes of all invoices. It has no end of its own. */
export function eventSource(
  application: Application,
  request: SubscribeEventsRequest,
): Outcome<MessageSource<InvoiceEvent>> {
  const checked = checkEvents(request);
  if (!checked.ok) return invalid(checked.problem);
  const subscription = application.subscribeEvents(checked.value);
  return answer({
    async next() {
      const next = await subscription.next();
      switch (next.result) {
        case 'event':
          return answer(eventResponse(next.event));
        case 'deleted':
          return refuse(
            status.OUT_OF_RANGE,
            `after_sequence is ${request.afterSequence}, and events up to ${next.through} have been deleted ` +
              `(retention.events): begin with after_sequence ${next.through}, or only_new, and look up what you missed`,
          );
        case 'unavailable':
          return refuse(status.UNAVAILABLE, next.reason);
        case 'beyond':
          return refuse(
            status.OUT_OF_RANGE,
            `after_sequence is ${request.afterSequence}, and the last event is ${next.last}: the number is of another ` +
              'database; begin anew with 0 or only_new',
          );
      }
    },
    close: () => subscription.close(),
  });
}
