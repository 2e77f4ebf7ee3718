import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import { sampleOf } from './nodeMetrics.ts';
import type { Subjects } from './subjects.ts';

const OUTBOXES = ['decisions', 'finals'] as const;

/** What is on its way to the database, and how the database takes it. */
export function addStoreMetrics(metrics: MetricsRegistry, of: Subjects): void {
  const { measures } = of;
  const stats = () => of.supervisor?.stats();
  metrics.gauge({
    name: 'lnmux_outbox_depth',
    help: 'Writes that are submitted and not acknowledged.',
    collect: () => [
      { labels: { outbox: 'decisions' }, value: stats()?.decisionsQueued ?? 0 },
      { labels: { outbox: 'finals' }, value: stats()?.finalsQueued ?? 0 },
      { labels: { outbox: 'journal' }, value: stats()?.journalQueued ?? 0 },
    ],
  });
  metrics.gauge({
    name: 'lnmux_outbox_lag_seconds',
    help: 'For how long the oldest of them has been waiting.',
    collect: () => [
      { labels: { outbox: 'decisions' }, value: (stats()?.decisionsLagMs ?? 0) / 1_000 },
      { labels: { outbox: 'finals' }, value: (stats()?.finalsLagMs ?? 0) / 1_000 },
    ],
  });
  metrics.histogram({
    name: 'lnmux_commit_seconds',
    help: 'From the first try to write a batch to its acknowledgement.',
    collect: () => OUTBOXES.map((outbox) => sampleOf(measures[outbox].commitSeconds, { outbox })),
  });
  metrics.histogram({
    name: 'lnmux_commit_batch_size',
    help: 'Writes in an acknowledged batch.',
    collect: () => OUTBOXES.map((outbox) => sampleOf(measures[outbox].batchSize, { outbox })),
  });
  metrics.counter({
    name: 'lnmux_commit_failures_total',
    help: 'Tries to write a batch that failed or had no clear outcome.',
    collect: () =>
      OUTBOXES.flatMap((outbox) => [
        { labels: { outbox, outcome: 'failed' }, value: measures[outbox].failed },
        { labels: { outbox, outcome: 'ambiguous' }, value: measures[outbox].ambiguous },
      ]),
  });
  metrics.gauge({
    name: 'lnmux_lookups_waiting',
    help: 'Payment hashes whose stored state is being asked for.',
    collect: () => [{ value: stats()?.lookingUp ?? 0 }],
  });
  metrics.counter({
    name: 'lnmux_failed_lookups_total',
    help: 'Queries for stored state that had to be asked again.',
    collect: () => [{ value: measures.failedLookups }],
  });
  metrics.counter({
    name: 'lnmux_journal_dropped_lines_total',
    help: 'Journal lines that were not written because too many waited.',
    collect: () => [{ value: stats()?.journalDropped ?? 0 }],
  });
}
