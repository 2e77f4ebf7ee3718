import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { startGrpcServer } from '../../adapters/grpc/server.ts';
import { Api, Core, Instruments, Settings } from './services.ts';
import { starting } from './startupError.ts';

const CLOSE_GRACE_MS = 5_000;

export const apiLayer = Layer.effect(
  Api,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const { application, administration } = yield* Core;
    const { readiness, serverCalls } = yield* Instruments;
    const api = yield* Effect.acquireRelease(
      starting(() =>
        startGrpcServer({
          application,
          nodes: administration,
          listenAddress: config.listenAddress,
          access: config.api,
          returnPreimage: config.api.returnPreimage,
          log,
          limits: config.limits,
          logCalls: config.logging.grpcLogging,
          observers: [serverCalls],
        }),
      ),
      (open) => Effect.promise(() => open.close(CLOSE_GRACE_MS)),
    );
    readiness.become('leader');
    const unfollow = readiness.follow((ready) => api.setServing(ready));
    yield* Effect.addFinalizer(() =>
      Effect.sync(() => {
        unfollow();
        readiness.become('stopping');
      }),
    );
    return api;
  }),
);
