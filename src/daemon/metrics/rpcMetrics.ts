import type { RpcCounts, RpcMethodCounts } from '../../actors/ports/rpcCounts.ts';
import type { MetricsRegistry, Sample } from '../../adapters/http/metricsRegistry.ts';

/** Status codes as the exporters for Go write them. */
const CODES = [
  'OK',
  'Canceled',
  'Unknown',
  'InvalidArgument',
  'DeadlineExceeded',
  'NotFound',
  'AlreadyExists',
  'PermissionDenied',
  'ResourceExhausted',
  'FailedPrecondition',
  'Aborted',
  'OutOfRange',
  'Unimplemented',
  'Internal',
  'Unavailable',
  'DataLoss',
  'Unauthenticated',
] as const;

const labelsOf = ({ kind, service, method }: RpcMethodCounts) => ({
  grpc_type: kind,
  grpc_service: service,
  grpc_method: method,
});

function* handled(counts: RpcCounts): Iterable<Sample> {
  for (const method of counts.all()) {
    const labels = labelsOf(method);
    for (const [code, name] of CODES.entries()) {
      yield { labels: { ...labels, grpc_code: name }, value: method.handled[code] ?? 0 };
    }
  }
}

/**
 * The four families of go-grpc-prometheus, by its names and labels: existing dashboards go on.
 *
 * @param side `server` for calls that this process answers, `client` for those it makes to lnd.
 */
export function addRpcMetrics(metrics: MetricsRegistry, side: 'server' | 'client', counts: RpcCounts): void {
  const family = (name: string, help: string, value: (method: RpcMethodCounts) => number) =>
    metrics.counter({
      name: `grpc_${side}_${name}_total`,
      help,
      collect: () => [...counts.all()].map((method) => ({ labels: labelsOf(method), value: value(method) })),
    });
  family('started', `Calls begun on the ${side}.`, (method) => method.started);
  family('msg_received', `Messages received on the ${side}.`, (method) => method.received);
  family('msg_sent', `Messages sent on the ${side}.`, (method) => method.sent);
  metrics.counter({
    name: `grpc_${side}_handled_total`,
    help: `Calls ended on the ${side}, by status code.`,
    collect: () => handled(counts),
  });
}
