import { collectDefaultMetrics, type Metric, Registry } from 'prom-client';
import type { HttpRoute } from './httpListener.ts';

export type Labels = Readonly<Record<string, string>>;

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

/** How often values fell into each of the buckets; see the port of the same name. */
export interface HistogramSample {
  readonly labels?: Labels;
  /** Upper bounds, rising, without infinity. */
  readonly bounds: readonly number[];
  /** One more than bounds; not cumulated. */
  readonly counts: ArrayLike<number>;
  readonly sum: number;
}

/** One name of the exposition: what it is, and where its values are when somebody asks. */
interface Instrument<S> {
  /** Counters end in _total; units are seconds, msat, blocks. */
  readonly name: string;
  readonly help: string;
  readonly collect: () => Iterable<S>;
}

export type GaugeOrCounter = Instrument<Sample>;
export type HistogramInstrument = Instrument<HistogramSample>;

interface Exposed {
  readonly value: number;
  readonly labels: Record<string, string>;
  readonly metricName?: string;
}

/**
 * The metrics of this process. Whoever has something to show keeps plain numbers and registers a function that reads
 * them: counting costs an addition, and labels and text are made when Prometheus asks.
 */
export class MetricsRegistry {
  readonly #registry = new Registry();

  /** Adds what every Node program shows: process_* and nodejs_*. */
  addProcess(): void {
    collectDefaultMetrics({ register: this.#registry });
  }

  gauge(instrument: GaugeOrCounter): void {
    this.#add(instrument, 'gauge', () => plain(instrument.collect()));
  }

  counter(instrument: GaugeOrCounter): void {
    this.#add(instrument, 'counter', () => plain(instrument.collect()));
  }

  histogram(instrument: HistogramInstrument): void {
    this.#add(instrument, 'histogram', () =>
      [...instrument.collect()].flatMap((s) => cumulated(instrument.name, s)),
    );
  }

  /** Text exposition format 0.0.4. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  #add<S>({ name, help }: Instrument<S>, type: string, values: () => Exposed[]): void {
    const exposed = { name, get: async () => ({ name, help, type, values: values() }) };
    this.#registry.registerMetric(exposed as unknown as Metric);
  }
}

const plain = (samples: Iterable<Sample>): Exposed[] =>
  [...samples].map(({ labels, value }) => ({ labels: { ...labels }, value }));

function cumulated(name: string, { labels, bounds, counts, sum }: HistogramSample): Exposed[] {
  let total = 0;
  const buckets = [...bounds.map(String), '+Inf'].map((le, index) => {
    total += counts[index] ?? 0;
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: total };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels: { ...labels }, value: sum },
    { metricName: `${name}_count`, labels: { ...labels }, value: total },
  ];
}

/** GET /metrics */
export function metricsRoute(metrics: MetricsRegistry): HttpRoute {
  return {
    path: '/metrics',
    answer: async () => ({
      status: 200,
      type: Registry.PROMETHEUS_CONTENT_TYPE,
      body: await metrics.text(),
    }),
  };
}
