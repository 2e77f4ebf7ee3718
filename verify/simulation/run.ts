import type { AnyStateMachine } from 'xstate';
import type { DecisionStore } from '../../src/actors/ports/decisionStore.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../src/machines/rules.ts';
import { ShopApplication } from './application.ts';
import { Counters } from './counters.ts';
import { BLOCK_SILENCE_MS, DaemonHost, type DaemonWorld } from './daemon.ts';
import { DatabaseServer } from './databaseServer.ts';
import { DatabaseState } from './databaseState.ts';
import { drain } from './drain.ts';
import { Nemesis } from './faults.ts';
import { withoutChance } from './globals.ts';
import { Ledger, Violation } from './ledger.ts';
import { Liveness } from './liveness.ts';
import { LndNode } from './lndNode.ts';
import { watchedLog } from './log.ts';
import { Onions } from './onions.ts';
import { Payer } from './payer.ts';
import { type Plan, planOf } from './plan.ts';
import { Prng } from './random.ts';
import { type Process, Scheduler } from './scheduler.ts';
import { Trace } from './trace.ts';

export interface RunOptions {
  /** Labels of the payments and faults that are kept; all without it. */
  readonly only?: ReadonlySet<string>;
  /** Changes what the seed has drawn: for checks that need more of one fault. */
  readonly alter?: (plan: Plan) => Plan;
  /** Lines of history to keep. */
  readonly history?: number;
  readonly print?: (line: string) => void;
  /** Replaces the store of each daemon: for checks that must find a defect. */
  readonly sabotage?: (store: DecisionStore, process: Process, state: DatabaseState) => DecisionStore;
  /** The chart of every invoice, instead of the real one: for checks that must find a defect. */
  readonly invoiceChart?: AnyStateMachine;
  /** Deviations from the rules of a run: for checks that must find a defect. */
  readonly rules?: Partial<LifecycleRules>;
}

export interface RunResult {
  readonly seed: number;
  readonly hash: string;
  readonly steps: number;
  readonly simulatedMs: number;
  readonly violation: Violation | undefined;
  readonly counters: Counters;
  readonly history: readonly string[];
  readonly plan: Plan;
}

export const RULES: Omit<LifecycleRules, 'exactAmount'> = {
  cltvRejectDelta: 3,
  deadlineMargin: 6,
  maxCltvDelta: 2_016,
  maxPartsPerSet: 100,
  holdMs: 30_000,
  acceptMs: 45_000,
  commitRetryMs: 1_000,
};

/** Everything of one run. */
export interface World {
  readonly plan: Plan;
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly database: DatabaseServer;
  readonly nodes: readonly LndNode[];
  readonly hosts: readonly DaemonHost[];
  readonly payer: Payer;
  readonly app: ShopApplication;
  readonly nemesis: Nemesis;
  mine(blocks: number): void;
}

/** One seed from start to drain. Never throws for what the code under test does: that is a violation. */
export async function runSeed(seed: number, options: RunOptions = {}): Promise<RunResult> {
  const drawn = planOf(seed, options.only);
  const plan = options.alter?.(drawn) ?? drawn;
  const trace = new Trace(options.history ?? 0);
  const random = new Prng(`run ${seed}`);
  const scheduler = new Scheduler(random.split('scheduler'), trace);
  const unhandled: unknown[] = [];
  const onUnhandled = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', onUnhandled);
  let world: World | undefined;
  let crash: Violation | undefined;
  try {
    world = await withoutChance(scheduler, onUnhandled, async () => {
      const built = build(plan, scheduler, random, options);
      await live(built);
      return built;
    });
  } catch (error) {
    crash = new Violation('defect', stackOf(error));
  }
  world?.app.end();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('unhandledRejection', onUnhandled);
  if (unhandled.length > 0)
    crash ??= new Violation('defect', `unhandled rejection: ${stackOf(unhandled[0])}`);
  return {
    seed,
    hash: trace.hash,
    steps: scheduler.steps,
    simulatedMs: scheduler.now,
    violation: world?.ledger.violation ?? crash,
    counters: world?.counters ?? new Counters(),
    history: trace.lines,
    plan,
  };
}

async function live(world: World): Promise<void> {
  const { plan, scheduler, ledger } = world;
  const over = () => ledger.violation !== undefined;
  await scheduler.run(plan.activeMs, over);
  if (!over()) await drain(world);
}

function build(plan: Plan, scheduler: Scheduler, random: Prng, options: RunOptions): World {
  const counters = new Counters();
  const rules = { ...RULES, exactAmount: plan.exactAmount, ...options.rules };
  const ledger = new Ledger({
    counters,
    exactAmount: plan.exactAmount,
    autoSettle: plan.autoSettle,
    margin: RULES.deadlineMargin,
    blockSilenceMs: BLOCK_SILENCE_MS,
  });
  const state = new DatabaseState(ledger);
  const database = new DatabaseServer(state, scheduler, random.split('database'), counters);
  ledger.attach(state, scheduler);
  const nodes = Array.from(
    { length: plan.nodes },
    (_, i) => new LndNode(i, plan.channelsPerNode, scheduler, random.split(`lnd${i}`), counters, ledger),
  );
  const identityKey = random.split('key').bytes(32);
  const deriver = new PreimageDeriver(identityKey);
  const onions = new Onions();
  const payer = new Payer({
    scheduler,
    random: random.split('payer'),
    counters,
    ledger,
    nodes,
    onions,
    deriver,
  });
  const violate = (invariant: string, message: string) => ledger.violate(invariant, message);
  const liveness = new Liveness({ scheduler, counters, database, violate });
  ledger.liveness = liveness;
  const appOf = () => app;
  const logOf: DaemonWorld['logOf'] = (process) =>
    watchedLog(process.name, {
      counters,
      isSecret: (hex) => payer.secrets.has(hex),
      completed: (setId) => appOf().completed(process, setId),
      withdrawn: (setId) => appOf().withdrawn(setId),
      settles: (hash) => ledger.handsOver(process, hash),
      violate,
      print: options.print && ((line) => options.print!(`${scheduler.now.toFixed(1).padStart(10)} ${line}`)),
    });
  const daemonWorld: DaemonWorld = {
    scheduler,
    random: random.split('daemons'),
    counters,
    ledger,
    database,
    nodes,
    onions,
    deriver,
    identityKey,
    rules,
    autoSettle: plan.autoSettle,
    watchCharts: plan.seed % 2 === 0,
    logOf,
    sabotage: options.sabotage,
    invoiceChart: options.invoiceChart,
  };
  const hosts = Array.from({ length: plan.daemons }, (_, i) => new DaemonHost(`d${i}`, daemonWorld));
  for (const host of hosts) host.start();
  const appRandom = random.split('app');
  const { autoSettle } = plan;
  const app = new ShopApplication({
    scheduler,
    random: appRandom,
    counters,
    ledger,
    database: state,
    payer,
    hosts,
    autoSettle,
    liveness,
  });
  ledger.onClosed = (hash) => app.closed(hash);
  const mine = (blocks: number) => {
    for (let i = 0; i < blocks; i += 1) for (const node of nodes) node.blockMined();
  };
  const nemesis = new Nemesis({ scheduler, counters, hosts, nodes, database, app, mine });
  const world: World = {
    plan,
    scheduler,
    counters,
    ledger,
    database,
    nodes,
    hosts,
    payer,
    app,
    nemesis,
    mine,
  };
  schedulePlan(world, random.split('chain'));
  return world;
}

function schedulePlan({ plan, scheduler, payer, nemesis, mine }: World, chain: Prng): void {
  for (const payment of plan.payments) {
    scheduler.after(payment.at, `${payment.label} begins`, () => payer.pay(payment));
  }
  for (const fault of plan.faults) {
    scheduler.after(fault.at, `${fault.label} ${fault.kind}`, () => nemesis.strike(fault));
  }
  let at = 0;
  for (;;) {
    at += -Math.log(1 - chain.next()) * plan.blockMs;
    if (at > plan.activeMs) return;
    scheduler.after(at, 'a block is mined', () => mine(1));
  }
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
