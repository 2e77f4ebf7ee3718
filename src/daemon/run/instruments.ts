import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { CoreMeasures } from '../../actors/measures/coreMeasures.ts';
import { WebhookMeasures } from '../../actors/measures/webhookMeasures.ts';
import { RpcCounts } from '../../actors/ports/rpcCounts.ts';
import { callCounts } from '../../adapters/grpc/callCounts.ts';
import { healthRoutes } from '../../adapters/http/health.ts';
import { type HttpListenerOptions, startHttpListener } from '../../adapters/http/httpListener.ts';
import { MetricsRegistry, metricsRoute } from '../../adapters/http/metricsRegistry.ts';
import { ReadinessMonitor } from '../health/readiness.ts';
import { addClusterMetrics } from '../metrics/clusterMetrics.ts';
import { addLimitMetrics } from '../metrics/limitMetrics.ts';
import { addNodeMetrics } from '../metrics/nodeMetrics.ts';
import { addPaymentMetrics } from '../metrics/paymentMetrics.ts';
import { addProcessMetrics } from '../metrics/processMetrics.ts';
import { addRpcMetrics } from '../metrics/rpcMetrics.ts';
import { addStoreMetrics } from '../metrics/storeMetrics.ts';
import type { Subjects } from '../metrics/subjects.ts';
import { addWebhookMetrics } from '../metrics/webhookMetrics.ts';
import { Instruments, Settings } from './services.ts';
import { systemClock } from './systemClock.ts';
import { tracing } from './tracing.ts';

/** Metrics and health. They are up before the database and the lead are there, so that a standby answers too. */
export const instrumentsLayer = Layer.effect(
  Instruments,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const metrics = new MetricsRegistry();
    const serverCounts = new RpcCounts();
    const serverCalls = callCounts(serverCounts);
    const clientCalls = new RpcCounts();
    addProcessMetrics(metrics);
    const subjects: Subjects = {
      measures: new CoreMeasures(),
      webhooks: new WebhookMeasures(config.webhooks.map(({ name }) => name)),
      limits: config.limits,
      autoSettle: config.autoSettle,
      supervisor: undefined,
      links: [],
      epoch: 0n,
    };
    addClusterMetrics(metrics, subjects);
    addNodeMetrics(metrics, subjects);
    addPaymentMetrics(metrics, subjects);
    addStoreMetrics(metrics, subjects);
    addLimitMetrics(metrics, subjects, serverCounts);
    addWebhookMetrics(metrics, subjects);
    addRpcMetrics(metrics, 'server', serverCounts);
    addRpcMetrics(metrics, 'client', clientCalls);
    const readiness = new ReadinessMonitor(systemClock);

    const { instrumentationAddress, healthAddress } = config;
    const health = healthRoutes(() => readiness.report());
    const shared = healthAddress === instrumentationAddress;
    yield* listening({
      name: 'Instrumentation',
      key: 'instrumentationAddress',
      address: instrumentationAddress,
      routes: [metricsRoute(metrics), ...(shared ? health : [])],
      log,
    });
    if (!shared) {
      yield* listening({ name: 'Health', key: 'healthAddress', address: healthAddress, routes: health, log });
    }
    if (config.profilingAddress !== undefined) {
      const { profilingRoutes } = yield* Effect.promise(() => import('../../adapters/http/profiling.ts'));
      const routes = profilingRoutes((ms) => new Promise((resolve) => systemClock.setTimeout(resolve, ms)));
      yield* listening({
        name: 'Profiling',
        key: 'profilingAddress',
        address: config.profilingAddress,
        routes,
        log,
      });
    }
    const observer = yield* tracing(config, log, metrics);
    return { metrics, observer, subjects, readiness, serverCalls, clientCalls };
  }),
);

const listening = (options: HttpListenerOptions) =>
  Effect.acquireRelease(
    Effect.promise(() => startHttpListener(options)),
    (listener) => Effect.promise(() => listener.close()),
  );
