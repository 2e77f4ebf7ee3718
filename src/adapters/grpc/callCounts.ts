import type { RpcCounts, RpcMethodCounts } from '../../actors/ports/rpcCounts.ts';
import { ServiceService } from '../../generated/lnmux.ts';
import type { CallObserver } from './observer.ts';

/** Counts the calls of lnmux.Service. Every method is there from the start, so that the first call shows as a rise. */
export function callCounts(counts: RpcCounts): CallObserver {
  const methods = new Map<string, RpcMethodCounts>();
  for (const definition of Object.values(ServiceService)) {
    const of = counts.of(definition);
    methods.set(of.method, of);
  }
  return {
    started(method) {
      const of = methods.get(method);
      if (!of) return;
      of.started += 1;
      // Each of our methods takes one message, and begins when it is there.
      of.received += 1;
    },
    sent(method) {
      const of = methods.get(method);
      if (of) of.sent += 1;
    },
    finished(method, _kind, code) {
      const of = methods.get(method);
      if (of) of.handled[code] = (of.handled[code] ?? 0) + 1;
    },
  };
}
