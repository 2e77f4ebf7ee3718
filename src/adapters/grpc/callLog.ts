import { status } from '@grpc/grpc-js';
import type { Log } from '../../actors/ports/log.ts';
import type { CallObserver } from './observer.ts';

/** One line per finished call (logging.grpcLogging). Messages are not logged: responses hold preimages. */
export function callLog(log: Log): CallObserver {
  return {
    started() {},
    sent() {},
    finished(method, _kind, code, millis) {
      log.info({ method, code: status[code], millis: Math.round(millis * 10) / 10 }, 'Call finished');
    },
  };
}
