import { logVerbosity, Server, setLogVerbosity } from '@grpc/grpc-js';
import type { Application } from '../../actors/ports/application.ts';
import type { Log } from '../../actors/ports/log.ts';
import type { Nodes } from '../../actors/ports/nodes.ts';
import { ServiceService } from '../../generated/lnmux.ts';
import { isLoopback, parseHostPort } from '../net/address.ts';
import { type AccessPaths, openGuard } from './access/guard.ts';
import { callLog } from './callLog.ts';
import { Gate } from './gate.ts';
import { addHealth, addReflection } from './introspection.ts';
import { DEFAULT_GRPC_LIMITS, type GrpcLimits } from './limits.ts';
import { listen } from './listen.ts';
import { type CallObserver, observeAll } from './observer.ts';
import { LnmuxService } from './service.ts';

export { AccessFileError, type AccessPaths } from './access/guard.ts';
export { GrpcListenError } from './listen.ts';

export interface GrpcServerOptions {
  readonly application: Application;
  readonly nodes: Nodes;
  /** host:port; port 0 lets the system choose; no host means every interface. */
  readonly listenAddress: string;
  /** Plaintext, and everybody may do everything, when absent. */
  readonly access?: AccessPaths;
  /** How often the files of `access` are looked at for changes. */
  readonly accessCheckMs?: number;
  /** Whether AddInvoice and ListInvoices tell preimages to those who may see them. They do unless false. */
  readonly returnPreimage?: boolean;
  readonly log: Log;
  readonly limits?: Partial<GrpcLimits>;
  /** One log line per call. */
  readonly logCalls?: boolean;
  readonly observers?: readonly CallObserver[];
}

export interface GrpcServer {
  /** Where it listens, with the real port. */
  readonly address: string;
  /** What grpc.health.v1 says; SERVING from the start. */
  setServing(serving: boolean): void;
  /**
   * Stops listening, ends streams and waits with UNAVAILABLE, lets other calls finish for up to `graceMs`
   * milliseconds and then cuts them off. Safe to call twice.
   */
  close(graceMs: number): Promise<void>;
}

const NO_ACCESS: AccessPaths = {
  tlsCertPath: undefined,
  tlsKeyPath: undefined,
  clientCaPath: undefined,
  accessPath: undefined,
};

/**
 * A dead subscriber would count as one for hours (TCP alone does not notice), and payments would be held for an
 * application that is gone. These pings find out within 50 s.
 */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 20_000;

function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cut = setTimeout(() => server.forceShutdown(), graceMs);
    server.tryShutdown(() => {
      clearTimeout(cut);
      resolve();
    });
  });
}

/**
 * Starts the application's API: lnmux.Service, grpc.health.v1 and reflection.
 *
 * @throws GrpcListenError when the address can't be listened on.
 * @throws AccessFileError when a certificate, a key or the list of callers can't be used.
 */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { application, nodes, listenAddress, log } = options;
  // grpc-js prints to stderr by itself; what matters of it arrives here as errors.
  setLogVerbosity(logVerbosity.NONE);
  const limits: GrpcLimits = { ...DEFAULT_GRPC_LIMITS, ...options.limits };
  const observers = [...(options.observers ?? []), ...(options.logCalls ? [callLog(log)] : [])];
  const guard = openGuard({ paths: options.access ?? NO_ACCESS, log, checkMs: options.accessCheckMs });
  const observer = observeAll(observers);
  const server = new Server({
    interceptors: [new Gate(guard, log, observer).interceptor],
    'grpc.max_receive_message_length': limits.maxRequestBytes,
    'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
    'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  });
  const service = new LnmuxService({
    application,
    nodes,
    log,
    limits,
    observer,
    returnPreimage: options.returnPreimage ?? true,
  });
  server.addService(ServiceService, service.methods);
  const health = addHealth(server);
  addReflection(server);

  const { credentials } = guard;
  const host = parseHostPort(listenAddress)?.host;
  if (!credentials._isSecure() && host !== undefined && !isLoopback(host)) {
    log.warn(
      { listenAddress },
      options.access?.accessPath === undefined
        ? 'The API listens beyond this machine without TLS: whoever reaches the port can settle, cancel and read preimages'
        : 'The API listens beyond this machine without TLS: whoever is on the way can read tokens and use them',
    );
  }
  let address: string;
  try {
    address = await listen(server, listenAddress, credentials);
  } catch (error) {
    server.forceShutdown();
    guard.close();
    throw error;
  }
  health.set('SERVING');
  log.info({ listenAddress: address }, 'Grpc server starting');

  let closing: Promise<void> | undefined;
  return {
    address,
    setServing: (serving) => health.set(serving ? 'SERVING' : 'NOT_SERVING'),
    close(graceMs) {
      closing ??= (() => {
        health.set('NOT_SERVING');
        service.stop();
        guard.close();
        return closeServer(server, graceMs);
      })();
      return closing;
    },
  };
}
