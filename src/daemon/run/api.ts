import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { startGrpcServer } from '../../adapters/grpc/server.ts';
import { Api, Core, Settings } from './services.ts';
import { starting } from './startupError.ts';

const CLOSE_GRACE_MS = 5_000;

export const apiLayer = Layer.effect(
  Api,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const { application } = yield* Core;
    return yield* Effect.acquireRelease(
      starting(() =>
        startGrpcServer({
          application,
          listenAddress: config.listenAddress,
          log,
          limits: config.limits,
          logCalls: config.logging.grpcLogging,
        }),
      ),
      (api) => Effect.promise(() => api.close(CLOSE_GRACE_MS)),
    );
  }),
);
