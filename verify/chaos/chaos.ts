import { SeededRandom } from '../../src/simulator/node/random.ts';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { countOpen, eventsOf, readFacts, withDatabase } from './judge/database.ts';
import { Ledger } from './judge/ledger.ts';
import { readLogs } from './judge/logs.ts';
import { judge, type Violation } from './judge/rules.ts';
import { tellStory } from './judge/story.ts';
import { Killer } from './killer.ts';
import { LeaderWatch } from './leaderWatch.ts';
import { MerchantApplication } from './load/application.ts';
import { Chain } from './load/chain.ts';
import { Payments } from './load/payments.ts';
import type { ChaosOptions } from './options.ts';
import { answersOf, type ChaosReport, endReasons, outcomesOf } from './report.ts';
import { Workspace } from './workspace.ts';

const LEADER_WITHIN_MS = 30_000;
const CALM_MS = 3_000;
const PROGRESS_MS = 15_000;
const MAX_STORIES = 5;
/** Reasons for which a daemon may end by itself: it does not lead any more, or could not start without the database. */
const GOOD_REASONS = [
  /another lnmuxd/,
  /lead/i,
  /lease/i,
  /database/i,
  /Connection terminated/,
  /terminating connection/,
  /ECONN/,
];

/** Everything of one run. */
interface Run {
  readonly options: ChaosOptions;
  readonly workspace: Workspace;
  readonly cluster: Cluster;
  readonly ledger: Ledger;
  readonly watch: LeaderWatch;
  readonly chain: Chain;
  readonly payments: Payments;
  readonly application: MerchantApplication;
  readonly killer: Killer;
}

/**
 * Starts the cluster and the load, does harm for as long as asked, heals, waits for the end of every payment and
 * judges. `workspace` is closed by the caller, who may do so at any time to end the run.
 */
export async function runChaos(options: ChaosOptions, workspace = new Workspace()): Promise<ChaosReport> {
  const run = await begin(options, workspace);
  const { payments, chain, killer, application, watch, cluster } = run;
  await until(() => watch.leader !== undefined, LEADER_WITHIN_MS, 'no daemon leads');
  chain.start(options.timing.blockMs);
  application.start();
  payments.start(options.paymentsPerSecond);
  const startedAt = performance.now();
  await calmTakeOvers(run);
  killer.start(options.killsPerMinute, options.disturbancesPerMinute);
  const progress = setInterval(() => options.say(progressLine(run, startedAt)), PROGRESS_MS);
  workspace.defer(async () => clearInterval(progress));
  await harm(run);
  await killer.stop();
  heal(cluster);
  options.say('healed, waiting for the end of every payment');
  const healedAt = performance.now();
  const isDrained = await drain(run);
  const drainMs = performance.now() - healedAt;
  clearInterval(progress);
  chain.stop();
  application.close();
  watch.stop();
  await chain.mine();
  return report(run, { chaosMs: healedAt - startedAt, drainMs, isDrained });
}

async function begin(options: ChaosOptions, workspace: Workspace): Promise<Run> {
  const cluster = await startCluster(workspace, options);
  const ledger = new Ledger();
  const watch = new LeaderWatch(cluster.daemons);
  workspace.defer(async () => watch.stop());
  const chain = new Chain(cluster.nodes, ledger);
  workspace.defer(async () => chain.stop());
  const payments = new Payments(cluster, ledger, { chain, watch, seed: options.seed });
  workspace.defer(async () => payments.close());
  const application = new MerchantApplication(cluster, ledger, options.seed + 1);
  workspace.defer(async () => application.close());
  const random = new SeededRandom(options.seed + 2);
  const killer = new Killer({ cluster, watch, ledger, application, random });
  workspace.defer(async () => killer.abandon());
  return { options, workspace, cluster, ledger, watch, chain, payments, application, killer };
}

/** For the time asked for, and on until enough was killed. */
async function harm({ options, killer }: Run): Promise<void> {
  const { chaosMs, leastKills, longestChaosMs } = options;
  const beganAt = performance.now();
  await pause(chaosMs);
  while (killer.kills < leastKills && performance.now() - beganAt < longestChaosMs) await pause(250);
}

/** Ends one leader after the other while everything else is well. */
async function calmTakeOvers({ options, watch, killer }: Run): Promise<void> {
  const { stops, kills } = options.calm;
  for (let number = 0; number < stops + kills; number++) {
    const isStop = number < stops;
    // The other daemon shall be a warm standby by then.
    await until(() => watch.leadingMs > CALM_MS, LEADER_WITHIN_MS, 'no daemon leads');
    const seat = watch.leader!;
    const known = watch.takeOvers.length;
    watch.ended(seat, isStop ? 'stopped' : 'killed');
    seat.keeper.current?.kill(isStop ? 'SIGTERM' : 'SIGKILL');
    killer.count(isStop ? 'leader clean stop' : 'leader kill -9');
    await until(() => watch.takeOvers.length > known, LEADER_WITHIN_MS, 'nobody took over');
  }
}

function progressLine({ ledger, killer, payments, watch }: Run, startedAt: number): string {
  const elapsed = ((performance.now() - startedAt) / 1000).toFixed(0);
  const settled = [...ledger.payments.values()].filter(({ hasPreimage }) => hasPreimage).length;
  const leader = watch.leader?.name ?? `none for ${(watch.silentMs / 1000).toFixed(1)} s`;
  return `${elapsed} s: ${ledger.payments.size} payments, ${settled} settled, ${payments.underWay} under way, ${killer.kills} kills, leader ${leader}`;
}

function heal({ daemons, nodes }: Cluster): void {
  for (const { keeper, toDatabase, toNodes, api } of daemons) {
    keeper.current?.kill('SIGCONT');
    for (const proxy of [toDatabase, ...toNodes, api]) proxy.fault = { kind: 'none' };
  }
  for (const { control } of nodes) void control.setFault({ restartAfterAnswers: 0 }).catch(() => {});
}

/** Waits until payers, nodes and the database have nothing open any more. */
async function drain({ payments, cluster, options }: Run): Promise<boolean> {
  const deadline = performance.now() + options.timing.drainMs;
  let stopped = false;
  void payments.stop().then(() => {
    stopped = true;
  });
  while (performance.now() < deadline) {
    await pause(250);
    if (!stopped) continue;
    const target = cluster.postgres.current?.target;
    const open = target && (await withDatabase(target, countOpen).catch(() => undefined));
    if (open === 0) return true;
  }
  return false;
}

interface Times {
  readonly chaosMs: number;
  readonly drainMs: number;
  readonly isDrained: boolean;
}

async function report(run: Run, { chaosMs, drainMs, isDrained }: Times): Promise<ChaosReport> {
  const { cluster, ledger, killer, watch, workspace, options } = run;
  const target = cluster.postgres.current!.target;
  const facts = await withDatabase(target, readFacts);
  const { violations, residuals } = judge(ledger, facts);
  const all: Violation[] = [...violations, ...(await stillHeld(cluster))];
  const ownEnds = endReasons(cluster.ownEnds);
  for (const reason of ownEnds.keys()) {
    if (!GOOD_REASONS.some((good) => good.test(reason))) all.push({ rule: 'ended by itself', text: reason });
  }
  if (!isDrained && all.length === 0) all.push({ rule: 'not final', text: 'something was open at the end' });
  const hashes = new Set(all.flatMap(({ hash }) => hash ?? []).slice(0, MAX_STORIES));
  for (const { hash } of residuals.slice(0, MAX_STORIES)) hashes.add(hash!);
  const preimages = new Set([...ledger.payments.values()].map(({ preimage }) => preimage));
  const { leaks, lines } = await readLogs(workspace.path('logs'), preimages, hashes);
  all.push(...leaks);
  const stories = await withDatabase(target, async (client) => {
    const told: string[] = [];
    for (const hash of hashes) {
      told.push(tellStory(hash, ledger, await eventsOf(client, hash), lines.get(hash) ?? []));
    }
    return told;
  });
  workspace.keep = options.keepLogs || all.length > 0;
  return {
    seconds: Math.round(chaosMs / 1000),
    payments: ledger.payments.size,
    htlcs: ledger.htlcs.size,
    outcomes: outcomesOf(ledger),
    answers: answersOf(ledger),
    kills: killer.kills,
    disturbances: killer.disturbances,
    counts: killer.counts,
    takeOvers: watch.takeOvers,
    longestGapMs: watch.longestGapMs,
    drainMs,
    epochs: facts.epoch,
    ownEnds,
    residuals,
    violations: all,
    stories,
    logDir: workspace.keep ? workspace.dir : undefined,
  };
}

/** HTLCs that nodes still have: none should be left. */
async function stillHeld({ nodes }: Cluster): Promise<Violation[]> {
  const lists = await Promise.all(
    nodes.map(async ({ name, control }) => (await control.listHtlcs()).map((htlc) => ({ name, htlc }))),
  );
  return lists.flat().map(({ name, htlc }) => ({
    rule: 'unanswered',
    hash: htlc.paymentHash.toString('hex'),
    text: `${name} still has ${htlc.chanId}:${htlc.htlcId}, ${htlc.stage}`,
  }));
}

async function until(isSo: () => boolean, withinMs: number, otherwise: string): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(otherwise);
    await pause(50);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
