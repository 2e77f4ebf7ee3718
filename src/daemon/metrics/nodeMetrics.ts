import type { Distribution } from '../../actors/measures/distribution.ts';
import type { NodeLinkCounters, NodeLinkStatus } from '../../actors/nodeLink/status.ts';
import type { HistogramSample, MetricsRegistry, Sample } from '../../adapters/http/metricsRegistry.ts';
import { isIntercepting, type Subjects } from './subjects.ts';

const yes = (condition: boolean) => (condition ? 1 : 0);

/** One metric with one value for each node; undefined: none for this one. */
type Reading = readonly [name: string, help: string, value: (status: NodeLinkStatus) => number | undefined];

const GAUGES: readonly Reading[] = [
  ['connected', '1 while HTLCs of the node are intercepted.', ({ state }) => yes(isIntercepting(state))],
  ['ready', '1 while the node is connected, synced and reports blocks.', ({ ready }) => yes(ready)],
  ['draining', '1 while the node gets no new payments.', ({ draining }) => yes(draining)],
  [
    'misconfigured',
    '1 while the node is not used because of how it is set up.',
    ({ state }) => yes(state === 'refused'),
  ],
  ['block_height', 'Height that the node reported last.', ({ height }) => height],
  ['unanswered_htlcs', 'HTLCs for lnmux that lnd waits for us to answer.', ({ held }) => held],
  ['queued_answers', 'Answers that wait because lnd does not read.', ({ queued }) => queued],
];

const COUNTERS: readonly (readonly [name: string, help: string, key: keyof NodeLinkCounters])[] = [
  ['connections', 'Times that the interceptor was opened.', 'connections'],
  ['offered_htlcs', 'HTLCs for lnmux that lnd offered, each offer counted.', 'offered'],
  ['settled_htlcs', 'Settle answers.', 'settled'],
  ['failed_htlcs', 'Fail answers.', 'failed'],
  ['resumed_htlcs', 'HTLCs for others, sent on.', 'resumed'],
  ['on_chain_offers', 'HTLCs for lnmux that lnd offered because their channel went on chain.', 'onChain'],
  ['forgotten_htlcs', 'Offers and answers that came to nothing because lnd gave the HTLC back.', 'forgotten'],
  [
    'withheld_answers',
    'Answers not sent because lnd would have ended the stream for them.',
    'refusedAnswers',
  ],
  ['listener_errors', 'Events of the node whose handling threw.', 'listenerErrors'],
];

/** Everything that there is one of for each lnd node; label `node` is the name of the configuration. */
export function addNodeMetrics(metrics: MetricsRegistry, of: Subjects): void {
  const each = (value: (status: NodeLinkStatus, name: string) => number | undefined) => () =>
    of.links.flatMap(({ name, link }): Sample[] => {
      const read = value(link.status(), name);
      return read === undefined ? [] : [{ labels: { node: name }, value: read }];
    });
  for (const [name, help, value] of GAUGES) {
    metrics.gauge({ name: `lnmux_node_${name}`, help, collect: each(value) });
  }
  for (const [name, help, key] of COUNTERS) {
    metrics.counter({
      name: `lnmux_node_${name}_total`,
      help,
      collect: each(({ counters }) => counters[key]),
    });
  }
  const held = (nodeId: NodeLinkStatus['nodeId']) => of.supervisor?.heldOf(nodeId);
  metrics.gauge({
    name: 'lnmux_node_held_htlcs',
    help: 'HTLCs of payments to lnmux that are not over, decided or not.',
    collect: each(({ nodeId }) => held(nodeId)?.count),
  });
  metrics.gauge({
    name: 'lnmux_node_held_msat',
    help: 'What these HTLCs carry.',
    collect: each(({ nodeId }) => Number(held(nodeId)?.msat ?? 0n)),
  });
  metrics.counter({
    name: 'lnmux_node_inbound_fee_msat_total',
    help: 'What payers of settled parts paid for the last hop, beyond the parts: the node keeps it.',
    collect: each(({ nodeId }) => Number(of.measures.earnedFees.of(nodeId))),
  });
  metrics.gauge({
    name: 'lnmux_node_info',
    help: 'Key and lnd version of the node; always 1.',
    collect: () =>
      of.links.map(({ name, link }) => {
        const { nodeId, version = '' } = link.status();
        return { labels: { node: name, pubkey: nodeId, lnd_version: version }, value: 1 };
      }),
  });
  metrics.histogram({
    name: 'lnmux_intercept_to_reply_seconds',
    help: 'From the offer of an HTLC for lnmux to its answer.',
    collect: () =>
      of.links.flatMap(({ name, link }) => {
        const { settle, fail } = link.status().replyTimes;
        return [
          sampleOf(settle, { node: name, answer: 'settle' }),
          sampleOf(fail, { node: name, answer: 'fail' }),
        ];
      }),
  });
}

export function sampleOf(
  { bounds, counts, sum }: Distribution,
  labels: Readonly<Record<string, string>> = {},
): HistogramSample {
  return { labels, bounds, counts, sum };
}
