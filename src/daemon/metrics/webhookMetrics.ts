import type { Tally } from '../../actors/measures/tally.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import type { Subjects } from './subjects.ts';

/** What became of webhooks, by their names, and of old events. */
export function addWebhookMetrics(metrics: MetricsRegistry, { webhooks }: Subjects): void {
  const by = (tally: Tally) => () =>
    webhooks.names.map((webhook) => ({ labels: { webhook }, value: tally.of(webhook) }));
  metrics.counter({
    name: 'lnmux_webhook_delivered_total',
    help: 'Events that the webhook took.',
    collect: by(webhooks.delivered),
  });
  metrics.counter({
    name: 'lnmux_webhook_failed_attempts_total',
    help: 'Attempts to deliver an event that failed; each is repeated for about a day.',
    collect: by(webhooks.failedAttempts),
  });
  metrics.counter({
    name: 'lnmux_webhook_given_up_total',
    help: 'Events that the webhook did not take for about a day, and will not get any more.',
    collect: by(webhooks.givenUp),
  });
  metrics.gauge({
    name: 'lnmux_webhook_waiting_events',
    help: 'Events that wait to be delivered, as of the last half minute.',
    collect: () =>
      webhooks.names.map((webhook) => ({ labels: { webhook }, value: webhooks.waiting.get(webhook) ?? 0 })),
  });
  metrics.counter({
    name: 'lnmux_deleted_event_lines_total',
    help: 'Lines of the events table that were deleted because of their age.',
    collect: () => [{ value: webhooks.deletedEvents }],
  });
}
