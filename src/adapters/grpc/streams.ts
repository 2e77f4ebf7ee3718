import { status } from '@grpc/grpc-js';
import type { Application } from '../../actors/ports/application.ts';
import type {
  InvoiceReport,
  SubscribeInvoiceAcceptedResponse,
  SubscribeSingleInvoiceRequest,
} from '../../generated/lnmux.ts';
import { answer, invalid, type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';
import { reportResponse } from './reportResponse.ts';
import { checkHash } from './requests.ts';
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
