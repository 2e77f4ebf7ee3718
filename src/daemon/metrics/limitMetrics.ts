import type { RpcCounts } from '../../actors/ports/rpcCounts.ts';
import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import type { LimitsConfig } from '../config/types.ts';
import type { Subjects } from './subjects.ts';

const RESOURCE_EXHAUSTED = 8;

interface Limit {
  /** How much of it is used; absent where that is not a state, such as the size of one request. */
  readonly used?: () => number;
  /** What was refused because of it. */
  readonly refused: () => number;
}

/** For each limit of the configuration: its size, how much of it is in use, and what it has refused. */
export function addLimitMetrics(metrics: MetricsRegistry, of: Subjects, calls: RpcCounts): void {
  const limits = Object.entries(limitsOf(of, calls)) as [keyof LimitsConfig, Limit][];
  metrics.gauge({
    name: 'lnmux_limit_max',
    help: 'Size of the limit of this name in the configuration.',
    collect: () => limits.map(([limit]) => ({ labels: { limit }, value: of.limits[limit] })),
  });
  metrics.gauge({
    name: 'lnmux_limit_used',
    help: 'How much of the limit is in use; of the fullest node where the limit is per node.',
    collect: () =>
      limits.flatMap(([limit, { used }]) => (used ? [{ labels: { limit }, value: used() }] : [])),
  });
  metrics.counter({
    name: 'lnmux_limit_refusals_total',
    help: 'HTLCs or calls refused because of the limit.',
    collect: () => limits.map(([limit, { refused }]) => ({ labels: { limit }, value: refused() })),
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function limitsOf(of: Subjects, calls: RpcCounts): Record<keyof LimitsConfig, Limit> {
  const { rejectedHtlcs, failedHtlcs } = of.measures;
  const countsOf = (method: string) => [...calls.all()].find((counts) => counts.method === method);
  const exhausted = (method: string) => () => countsOf(method)?.handled[RESOURCE_EXHAUSTED] ?? 0;
  const open = (method: string) => () => {
    const counts = countsOf(method);
    return counts ? counts.started - sum(counts.handled) : 0;
  };
  const heldByNode = () => of.links.map(({ link }) => of.supervisor?.heldOf(link.nodeId).count ?? 0);
  return {
    maxHeldHtlcs: {
      used: () => of.supervisor?.stats().heldHtlcs ?? 0,
      refused: () => rejectedHtlcs.of('too_many_htlcs'),
    },
    maxHeldHtlcsPerNode: {
      used: () => Math.max(0, ...heldByNode()),
      refused: () => rejectedHtlcs.of('too_many_htlcs_of_node'),
    },
    maxPartsPerSet: { refused: () => failedHtlcs.of('too_many_htlcs') },
    maxSubscribers: {
      used: () => of.supervisor?.accepted.subscribers ?? 0,
      refused: exhausted('SubscribeInvoiceAccepted'),
    },
    maxInvoiceStreams: { used: open('SubscribeSingleInvoice'), refused: exhausted('SubscribeSingleInvoice') },
    maxEventStreams: { used: open('SubscribeEvents'), refused: exhausted('SubscribeEvents') },
    maxWaits: {
      used: open('WaitForInvoiceFinalStatus'),
      refused: exhausted('WaitForInvoiceFinalStatus'),
    },
    maxListedInvoices: { refused: exhausted('ListInvoices') },
  };
}
