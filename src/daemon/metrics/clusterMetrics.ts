import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import { isIntercepting, type Subjects } from './subjects.ts';

/** Who leads, and the gauges of the Go program by its names. A standby shows them too, as zero. */
export function addClusterMetrics(metrics: MetricsRegistry, of: Subjects): void {
  metrics.gauge({
    name: 'lnmux_disconnected_nodes',
    help: 'Configured lnd nodes whose HTLCs are not being intercepted; 0 on a standby.',
    collect: () => [{ value: of.links.filter(({ link }) => !isIntercepting(link.status().state)).length }],
  });
  metrics.gauge({
    name: 'lnmux_invoice_accepted_subscribers',
    help: 'Clients that listen on SubscribeInvoiceAccepted.',
    collect: () => [{ value: of.supervisor?.accepted.subscribers ?? 0 }],
  });
  metrics.gauge({
    name: 'lnmux_auto_settle',
    help: '1 if payments are settled without asking an application.',
    collect: () => [{ value: of.autoSettle ? 1 : 0 }],
  });
  metrics.gauge({
    name: 'lnmux_leader',
    help: '1 while this process leads, 0 while it is a standby.',
    collect: () => [{ value: of.epoch === 0n ? 0 : 1 }],
  });
  metrics.gauge({
    name: 'lnmux_leader_epoch',
    help: 'Number of the present lead; each lead has a higher one. 0 on a standby.',
    collect: () => [{ value: Number(of.epoch) }],
  });
}
