import type { Tally } from '../../actors/measures/tally.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import { sampleOf } from './nodeMetrics.ts';
import type { Subjects } from './subjects.ts';

const byReason = (tally: Tally) => () =>
  [...tally.entries()].map(([reason, value]) => ({ labels: { reason }, value }));

/** What becomes of payments, and how long it takes. */
export function addPaymentMetrics(metrics: MetricsRegistry, of: Subjects): void {
  const { measures } = of;
  addPresent(metrics, of);
  metrics.counter({
    name: 'lnmux_rejected_htlcs_total',
    help: 'HTLCs refused for what they are, by reason; nothing is stored of them.',
    collect: byReason(measures.rejectedHtlcs),
  });
  metrics.counter({
    name: 'lnmux_failed_htlcs_total',
    help: 'HTLCs for our invoices that were failed, durably, by reason.',
    collect: byReason(measures.failedHtlcs),
  });
  metrics.counter({
    name: 'lnmux_settled_invoices_total',
    help: 'Invoices of which every part is final and arrived.',
    collect: () => [{ value: measures.settledInvoices }],
  });
  metrics.counter({
    name: 'lnmux_settled_msat_total',
    help: 'What these brought.',
    collect: () => [{ value: Number(measures.settledMsat) }],
  });
  metrics.counter({
    name: 'lnmux_failed_invoices_total',
    help: 'Invoices whose settlement was requested and that are final without it, by reason.',
    collect: byReason(measures.failedInvoices),
  });
  metrics.counter({
    name: 'lnmux_partially_settled_invoices_total',
    help: 'Invoices of which some parts arrived and others were lost. Each is to be looked at.',
    collect: () => [{ value: measures.failedInvoices.of('partially_settled') }],
  });
  metrics.counter({
    name: 'lnmux_partially_settled_msat_total',
    help: 'What did arrive of these.',
    collect: () => [{ value: Number(measures.partiallySettledMsat) }],
  });
  metrics.histogram({
    name: 'lnmux_accept_to_settle_seconds',
    help: 'From a payment being complete to its preimage on its way.',
    collect: () => [sampleOf(measures.acceptToSettle)],
  });
  metrics.histogram({
    name: 'lnmux_settle_to_final_seconds',
    help: 'From the preimage on its way to the last word of lnd on the last part.',
    collect: () => [sampleOf(measures.settleToFinal)],
  });
}

/** What is in memory now. */
function addPresent(metrics: MetricsRegistry, of: Subjects): void {
  type Stats = ReturnType<NonNullable<Subjects['supervisor']>['stats']>;
  const gauge = (name: string, help: string, value: (stats: Stats) => number | undefined) =>
    metrics.gauge({
      name: `lnmux_${name}`,
      help,
      collect: () => {
        if (!of.supervisor) return [{ value: 0 }];
        const read = value(of.supervisor.stats());
        return read === undefined ? [] : [{ value: read }];
      },
    });
  gauge('held_htlcs', 'HTLCs of payments to lnmux that are not over, of all nodes.', (s) => s.heldHtlcs);
  gauge('invoices', 'Invoices with a payment under way.', (s) => s.invoices);
  gauge(
    'dormant_invoices',
    'Invoices of earlier leads that wait for the last word of lnd.',
    (s) => s.dormantInvoices,
  );
  gauge(
    'accepted_sets',
    'Complete payments that the application has not decided upon.',
    (s) => s.acceptedSets,
  );
  gauge(
    'sets_waiting_for_release',
    'Requested settlements that wait for a node.',
    (s) => s.waitingForBarrier,
  );
  gauge(
    'overdue_htlcs',
    'HTLCs that are settled, not final and close to expiry. Look at their nodes.',
    (s) => s.overdue.parts,
  );
  gauge('overdue_msat', 'What these carry.', (s) => Number(s.overdue.msat));
  metrics.gauge({
    name: 'lnmux_block_height',
    help: 'Highest block height that a node reported.',
    collect: () => [{ value: of.supervisor?.height ?? 0 }],
  });
  metrics.gauge({
    name: 'lnmux_blocks_to_deadline',
    help: 'Blocks until the next payment has to be decided or final. No value when there is none.',
    collect: () => {
      const deadline = of.supervisor?.stats().nearestDeadline;
      if (deadline === undefined || !Number.isFinite(deadline)) return [];
      return [{ value: deadline - of.supervisor!.height }];
    },
  });
}
