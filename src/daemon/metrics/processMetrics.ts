import type { MetricsRegistry } from '../../adapters/http/metricsRegistry.ts';
import { lnmuxVersion } from '../version.ts';

/** process_*, nodejs_*, and which lnmux this is. */
export function addProcessMetrics(metrics: MetricsRegistry): void {
  metrics.addProcess();
  const build = { labels: { version: lnmuxVersion() }, value: 1 };
  metrics.gauge({
    name: 'lnmux_build_info',
    help: 'The version of lnmux; always 1.',
    collect: () => [build],
  });
}
