import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import type { Log } from '../../actors/ports/log.ts';
import { crashed } from './crash.ts';
import type { CallObserver } from './observer.ts';
import type { Outcome } from './outcome.ts';

export type Answer<Response> = Outcome<Response> | Promise<Outcome<Response>>;

/**
 * A unary method from a function of its request. The path is short, because thousands of AddInvoice and
 * SettleInvoice calls a second go through here: one closure, and no promise where the answer is there at once.
 * An exception becomes INTERNAL and ends nothing but the call.
 */
export function unary<Request, Response>(
  method: string,
  { log, observer }: { readonly log: Log; readonly observer: CallObserver | undefined },
  handle: (request: Request, call: ServerUnaryCall<Request, Response>) => Answer<Response>,
): (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => void {
  return (call, callback) => {
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
    let answer: Answer<Response>;
    try {
      answer = handle(call.request, call);
    } catch (error) {
      answer = crashed(log, method, error);
    }
    if (answer instanceof Promise) answer.then(reply, (error) => reply(crashed(log, method, error)));
    else reply(answer);
  };
}
