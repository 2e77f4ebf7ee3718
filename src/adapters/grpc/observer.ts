import type { status } from '@grpc/grpc-js';

/** Hears of every call: metrics and the call log hang on it. It must be quick and must not throw. */
export interface CallObserver {
  started(method: string, kind: 'unary' | 'server_stream'): void;
  sent(method: string, kind: 'unary' | 'server_stream'): void;
  finished(method: string, kind: 'unary' | 'server_stream', code: status, millis: number): void;
}

/** Passes each event on to several observers. */
export function observeAll(observers: readonly CallObserver[]): CallObserver | undefined {
  if (observers.length < 2) return observers[0];
  return {
    started(method, kind) {
      for (const observer of observers) observer.started(method, kind);
    },
    sent(method, kind) {
      for (const observer of observers) observer.sent(method, kind);
    },
    finished(method, kind, code, millis) {
      for (const observer of observers) observer.finished(method, kind, code, millis);
    },
  };
}
