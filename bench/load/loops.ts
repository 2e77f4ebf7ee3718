import { type CpuSnapshot, snapshotCpu } from '../system/processStats.ts';
import type { ClosedLoop, LoadResult, OpenLoop } from './protocol.ts';
import { nowUs, type Sender } from './sender.ts';

const TICK_MS = 1;
const DRAIN_TIMEOUT_MS = 60_000;

export type Pids = Parameters<typeof snapshotCpu>[0];

/** Where a measured time begins or ends. */
interface Mark {
  readonly us: number;
  readonly sent: number;
  readonly done: number;
  readonly cpu: CpuSnapshot;
}

/** Sends at a steady rate, late ones at once, and waits until all are settled. */
export async function openLoop(sender: Sender, pids: Pids, input: OpenLoop): Promise<LoadResult> {
  const { ratePerSecond, seconds, discardSeconds } = input;
  const total = Math.floor(ratePerSecond * seconds);
  const discarded = Math.floor(ratePerSecond * discardSeconds);
  const periodUs = 1_000_000 / ratePerSecond;
  const startUs = nowUs();
  let begin: Mark | undefined;
  while (sender.sent < total) {
    if (!begin && sender.sent >= discarded) begin = mark(sender, pids);
    const due = Math.min(total, Math.floor((nowUs() - startUs) / periodUs) + 1);
    while (sender.sent < due) sender.send(startUs + sender.sent * periodUs);
    await new Promise((wake) => setTimeout(wake, TICK_MS));
  }
  const end = mark(sender, pids);
  await drain(sender);
  return resultOf(sender, begin!, end, mark(sender, pids));
}

/** Keeps so many payments under way for a time, and waits until all are settled. */
export async function closedLoop(sender: Sender, pids: Pids, input: ClosedLoop): Promise<LoadResult> {
  const { inFlight, seconds, discardSeconds, maxPayments = Number.POSITIVE_INFINITY } = input;
  const total = Math.min(sender.payments.count, maxPayments);
  let open = true;
  let owed = 0;
  const refill = () => {
    for (; owed > 0 && open && sender.sent < total; owed--) sender.send(nowUs());
  };
  // Not from inside of an answer, which the node is still busy with.
  sender.onDone = () => {
    if (owed++ === 0) setImmediate(refill);
  };
  owed = inFlight;
  refill();
  const startUs = nowUs();
  const until = async (us: number) => {
    while (nowUs() < us && sender.done < total) await new Promise((wake) => setTimeout(wake, 5));
  };
  await until(startUs + discardSeconds * 1_000_000);
  const begin = mark(sender, pids);
  await until(startUs + seconds * 1_000_000);
  const end = mark(sender, pids);
  open = false;
  await drain(sender);
  return resultOf(sender, begin, end, mark(sender, pids));
}

function mark(sender: Sender, pids: Pids): Mark {
  return { us: nowUs(), sent: sender.sent, done: sender.done, cpu: snapshotCpu(pids) };
}

async function drain(sender: Sender): Promise<void> {
  const deadline = performance.now() + DRAIN_TIMEOUT_MS;
  while (sender.done < sender.sent && performance.now() < deadline) {
    await new Promise((wake) => setTimeout(wake, 10));
  }
}

function resultOf(sender: Sender, begin: Mark, end: Mark, drained: Mark): LoadResult {
  const measured = end.done - begin.done;
  const measuredSeconds = (end.us - begin.us) / 1_000_000;
  const lost = sender.sent - sender.done;
  return {
    sent: sender.sent,
    measured,
    measuredSeconds,
    donePerSecond: measured / measuredSeconds,
    ...sender.latencies(begin.sent, end.sent),
    // Where payments queue up, work is done for them before they are: only the whole of it tells what one costs.
    ...cpuOf(begin, drained),
    faults: { ...sender.faults, ...(lost > 0 ? { 'not settled': lost } : {}) },
  };
}

function cpuOf(begin: Mark, end: Mark): Pick<LoadResult, 'cpuEach' | 'coresUsed'> {
  const names = Object.keys(end.cpu) as (keyof CpuSnapshot)[];
  const used = Object.fromEntries(names.map((name) => [name, end.cpu[name] - begin.cpu[name]])) as Used;
  const ours = used.daemonUs + used.loadUs + used.postgresUs;
  const elapsedUs = end.us - begin.us;
  const payments = Math.max(1, end.done - begin.done);
  return {
    cpuEach: Object.fromEntries(names.map((name) => [name, used[name] / payments])) as Used,
    coresUsed: { ours: ours / elapsedUs, others: Math.max(0, used.machineUs - ours) / elapsedUs },
  };
}

type Used = Record<keyof CpuSnapshot, number>;
