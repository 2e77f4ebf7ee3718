import { expect, it } from 'vitest';
import { MetricsRegistry, metricsRoute } from '../../src/adapters/http/metricsRegistry.ts';

it('writes gauges, counters and histograms as Prometheus reads them, with values of the moment', async () => {
  const metrics = new MetricsRegistry();
  let height = 7;
  metrics.gauge({ name: 'height', help: 'Blocks.', collect: () => [{ value: height }] });
  metrics.counter({
    name: 'refused_total',
    help: 'Back\\slash',
    collect: () => [{ labels: { reason: 'say "no"\n' }, value: 2 }],
  });
  metrics.histogram({
    name: 'lag_seconds',
    help: 'Lag.',
    collect: () => [{ labels: { node: 'a' }, bounds: [0.1, 1], counts: [3, 0, 2], sum: 9.5 }],
  });
  height = 8;
  expect(await metrics.text()).toBe(`# HELP height Blocks.
# TYPE height gauge
height 8

# HELP refused_total Back\\\\slash
# TYPE refused_total counter
refused_total{reason="say \\"no\\"\\n"} 2

# HELP lag_seconds Lag.
# TYPE lag_seconds histogram
lag_seconds_bucket{node="a",le="0.1"} 3
lag_seconds_bucket{node="a",le="1"} 3
lag_seconds_bucket{node="a",le="+Inf"} 5
lag_seconds_sum{node="a"} 9.5
lag_seconds_count{node="a"} 5
`);
  const reply = await metricsRoute(metrics).answer(new URLSearchParams());
  expect(reply).toMatchObject({ status: 200, type: 'text/plain; version=0.0.4; charset=utf-8' });
});

it('refuses a name that is taken', () => {
  const metrics = new MetricsRegistry();
  const instrument = { name: 'twice', help: '', collect: () => [] };
  metrics.gauge(instrument);
  expect(() => metrics.gauge(instrument)).toThrow(/twice/);
});
