import { hostname } from 'node:os';
import * as Effect from 'effect/Effect';
import type { PaymentObserver } from '../../actors/ports/paymentObserver.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import type { OtlpExporter } from '../../adapters/otlp/otlpExporter.ts';
import type { LnmuxConfig } from '../config/load.ts';
import type { Logger } from '../logging/logger.ts';
import { lnmuxVersion } from '../version.ts';
import { systemClock } from './systemClock.ts';

/** Follows payments where tracing is configured; otherwise nothing is loaded, and nothing follows. */
export const tracing = (config: LnmuxConfig, log: Logger, metrics: MetricsRegistry) =>
  Effect.gen(function* () {
    const { otlpEndpoint } = config.tracing;
    const started =
      otlpEndpoint === undefined
        ? undefined
        : yield* Effect.acquireRelease(
            Effect.promise(() => startTracing(config, otlpEndpoint, log)),
            ({ close }) => Effect.promise(close),
          );
    addTraceMetrics(metrics, started?.exporter);
    return started?.observer;
  });

async function startTracing({ lnd, tracing: { samplePercent } }: LnmuxConfig, endpoint: string, log: Logger) {
  const { OtlpExporter } = await import('../../adapters/otlp/otlpExporter.ts');
  const { PaymentTracer } = await import('../../adapters/otlp/paymentTracer.ts');
  const version = lnmuxVersion();
  const exporter = new OtlpExporter({
    endpoint,
    version,
    resource: {
      'service.name': 'lnmux',
      'service.version': version,
      'service.instance.id': `${hostname()}-${process.pid}`,
    },
    clock: systemClock,
    log,
  });
  const names = new Map(lnd.nodes.map((node) => [node.pubKey, node.name]));
  const tracer = new PaymentTracer({
    samplePercent,
    emit: (span) => exporter.add(span),
    nameOf: (nodeId) => names.get(nodeId) ?? nodeId,
  });
  log.info({ collector: new URL(endpoint).host, samplePercent }, 'Payments are traced');
  return {
    exporter,
    observer: tracer as PaymentObserver,
    async close() {
      tracer.finish(systemClock.now());
      await exporter.close();
    },
  };
}

function addTraceMetrics(metrics: MetricsRegistry, exporter: OtlpExporter | undefined): void {
  metrics.counter({
    name: 'lnmux_trace_spans_total',
    help: 'Spans of traced payments, by what became of them.',
    collect: () => [
      { labels: { outcome: 'sent' }, value: exporter?.sent ?? 0 },
      { labels: { outcome: 'dropped' }, value: exporter?.dropped ?? 0 },
    ],
  });
  metrics.gauge({
    name: 'lnmux_trace_spans_waiting',
    help: 'Spans that the collector has not taken yet.',
    collect: () => [{ value: exporter?.depth ?? 0 }],
  });
}
