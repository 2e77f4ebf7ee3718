import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';

/** What the Go program's two gauges look at; nothing while this process is a standby. */
export interface ClusterView {
  disconnectedNodes(): number;
  subscribers(): number;
}

/** The gauges that the Go program has, by its names. A standby shows them too, as zero. */
export class ClusterMetrics {
  #view: ClusterView | undefined;
  #epoch = 0n;

  constructor(metrics: MetricsRegistry) {
    metrics.gauge({
      name: 'lnmux_disconnected_nodes',
      help: 'Configured lnd nodes whose HTLCs are not being intercepted; 0 on a standby.',
      collect: () => [{ value: this.#view?.disconnectedNodes() ?? 0 }],
    });
    metrics.gauge({
      name: 'lnmux_invoice_accepted_subscribers',
      help: 'Clients that listen on SubscribeInvoiceAccepted.',
      collect: () => [{ value: this.#view?.subscribers() ?? 0 }],
    });
    metrics.gauge({
      name: 'lnmux_leader',
      help: '1 while this process leads, 0 while it is a standby.',
      collect: () => [{ value: this.#epoch === 0n ? 0 : 1 }],
    });
    metrics.gauge({
      name: 'lnmux_leader_epoch',
      help: 'Number of the present lead; each lead has a higher one. 0 on a standby.',
      collect: () => [{ value: Number(this.#epoch) }],
    });
  }

  lead(epoch: bigint): void {
    this.#epoch = epoch;
  }

  show(view: ClusterView): void {
    this.#view = view;
  }
}
