import type { RpcCounts } from '../../actors/ports/rpcCounts.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import type { LimitsConfig } from '../config/types.ts';
import type { Subjects } from './subjects.ts';

const RESOURCE_EXHAUSTED = 8;

interface Limit {
  readonly limit: keyof LimitsConfig;
  /** How much of it is used; undefined where that is not a state, such as the size of one request. */
  readonly used?: () => number;
  /** What was refused because of it. */
  readonly refused: () => number;
}

/** For each limit of the configuration: its size, how much of it is in use, and what it has refused. */
export function addLimitMetrics(metrics: MetricsRegistry, of: Subjects, calls: RpcCounts): void {
  const limits = limitsOf(of, calls);
  metrics.gauge({
    name: 'lnmux_limit_max',
    help: 'Size of the limit of this name in the configuration.',
    collect: () => limits.map(({ limit }) => ({ labels: { limit }, value: of.limits[limit] })),
  });
  metrics.gauge({
    name: 'lnmux_limit_used',
    help: 'How much of the limit is in use; of the fullest node where the limit is per node.',
    collect: () => limits.flatMap(({ limit, used }) => (used ? [{ labels: { limit }, value: used() }] : [])),
  });
  metrics.counter({
    name: 'lnmux_limit_refusals_total',
    help: 'HTLCs or calls refused because of the limit.',
    collect: () => limits.map(({ limit, refused }) => ({ labels: { limit }, value: refused() })),
  });
}

function limitsOf(of: Subjects, calls: RpcCounts): readonly Limit[] {
  const { rejectedHtlcs, failedHtlcs } = of.measures;
  const exhausted = (method: string) => () => {
    for (const counts of calls.all())
      if (counts.method === method) return counts.handled[RESOURCE_EXHAUSTED] ?? 0;
    return 0;
  };
  const heldByNode = () => of.links.map(({ link }) => of.supervisor?.heldOf(link.nodeId).count ?? 0);
  return [
    {
      limit: 'maxHeldHtlcs',
      used: () => of.supervisor?.stats().heldHtlcs ?? 0,
      refused: () => rejectedHtlcs.of('too_many_htlcs'),
    },
    {
      limit: 'maxHeldHtlcsPerNode',
      used: () => Math.max(0, ...heldByNode()),
      refused: () => rejectedHtlcs.of('too_many_htlcs_of_node'),
    },
    { limit: 'maxPartsPerSet', refused: () => failedHtlcs.of('too_many_htlcs') },
    {
      limit: 'maxSubscribers',
      used: () => of.supervisor?.accepted.subscribers ?? 0,
      refused: exhausted('SubscribeInvoiceAccepted'),
    },
    {
      limit: 'maxWaits',
      used: () => of.supervisor?.finalStatus.size ?? 0,
      refused: exhausted('WaitForInvoiceFinalStatus'),
    },
    { limit: 'maxListedInvoices', refused: exhausted('ListInvoices') },
  ];
}
