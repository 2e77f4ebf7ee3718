import type { SimulatedNode } from '../../src/simulator/node/simulatedNode.ts';
import { cpuOf } from '../system/processStats.ts';
import type { Cluster } from './cluster.ts';
import type { ReplayResult } from './protocol.ts';
import { nowUs, type Sender } from './sender.ts';

const TIMEOUT_MS = 120_000;
const POLL_MS = 1;
const SIGN_DELAY_MS = 5;

/**
 * Every payment is settled, no answer is committed, and every node restarts: its mailbox is lost and it offers all
 * HTLCs again. Their onions are ruined meanwhile, so that only a stored decision can answer them.
 */
export async function replay(
  cluster: Cluster,
  sender: Sender,
  daemonPid: number,
  inFlight: number,
): Promise<ReplayResult> {
  const { count, parts } = sender.payments;
  for (const { node } of cluster.nodes) node.change({ signDelayMs: undefined });
  await settleAll(sender, count, inFlight);
  sender.payments.ruinOnions();
  sender.expectReplay();
  const cpu = cpuOf(daemonPid).totalUs;
  const restartedAt = performance.now();
  for (const { node } of cluster.nodes) node.restart();
  await until(() => cluster.nodes.some(({ node }) => node.isIntercepted));
  const connectedAt = performance.now();
  await until(() => sender.settledAgain === count * parts || Object.keys(sender.faults).length > 0);
  const now = performance.now();
  const daemonUs = cpuOf(daemonPid).totalUs - cpu;
  for (const { node } of cluster.nodes) commitAnswers(node);
  return {
    answeredMs: now - connectedAt,
    sinceRestartMs: now - restartedAt,
    perSecond: (count * parts) / ((now - connectedAt) / 1000),
    daemonUsEach: daemonUs / (count * parts),
    faults: sender.faults,
  };
}

/** The node commits as it did before, beginning with what it has been told. */
function commitAnswers(node: SimulatedNode): void {
  node.change({ signDelayMs: SIGN_DELAY_MS });
  for (const chanId of new Set(node.pending().map(({ htlc }) => htlc.chanId))) node.sign(chanId);
}

async function settleAll(sender: Sender, count: number, inFlight: number): Promise<void> {
  const refill = () => {
    while (sender.sent < count && sender.sent - sender.done < inFlight) sender.send(nowUs());
  };
  sender.onDone = () => setImmediate(refill);
  refill();
  await until(() => sender.done === count);
}

async function until(isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error('held HTLCs are not answered');
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}
