import type { AnyStateMachine } from 'xstate';
import { type ActorSystem, createActorSystem } from '../../src/actors/actorSystem.ts';
import { createApplication } from '../../src/actors/application/applicationService.ts';
import { createLeadership, type Leadership } from '../../src/actors/leadership/leadership.ts';
import { createNodeLink } from '../../src/actors/nodeLink/nodeLink.ts';
import type { LiveNodeLink } from '../../src/actors/nodeLink/nodeLinkConfig.ts';
import type { Application } from '../../src/actors/ports/application.ts';
import type { Clock } from '../../src/actors/ports/clock.ts';
import type { DecisionStore } from '../../src/actors/ports/decisionStore.ts';
import type { LndClient } from '../../src/actors/ports/lndClient.ts';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import type { Log } from '../../src/actors/ports/log.ts';
import { PACES } from '../../src/actors/supervisor/options.ts';
import { Supervisor } from '../../src/actors/supervisor/supervisor.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import type { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../src/machines/rules.ts';
import { watchCharts } from './charts.ts';
import type { Counters } from './counters.ts';
import type { DatabaseServer } from './databaseServer.ts';
import type { DatabaseState } from './databaseState.ts';
import type { Ledger } from './ledger.ts';
import { type ConnectionWorld, SimulatedConnection } from './lndConnection.ts';
import type { LndNode } from './lndNode.ts';
import type { Onions } from './onions.ts';
import type { Prng } from './random.ts';
import { Process, type Scheduler } from './scheduler.ts';

export const POLICY = { feeBaseMsat: 1_000, feeRatePpm: 100, cltvDelta: 25 };
export const LEASE_MS = 15_000;
export const BLOCK_SILENCE_MS = 20 * 60_000;
/** Longest orderly end (src/daemon/run/run.ts); what is open then is cut. */
const SHUTDOWN_LIMIT_MS = 20_000;

/** What a daemon runs on. */
export interface DaemonWorld {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly database: DatabaseServer;
  readonly nodes: readonly LndNode[];
  readonly onions: Onions;
  readonly deriver: PreimageDeriver;
  readonly identityKey: Uint8Array;
  readonly rules: LifecycleRules;
  readonly autoSettle: boolean;
  /** Whether statecharts are watched, which costs time. */
  readonly watchCharts: boolean;
  readonly logOf: (process: Process) => Log;
  /** Replaces a port, for checks that must find a defect. */
  readonly sabotage:
    | ((store: DecisionStore, process: Process, state: DatabaseState) => DecisionStore)
    | undefined;
  /** Takes the place of the invoices' chart, for the same. */
  readonly invoiceChart: AnyStateMachine | undefined;
}

/** All that the supervisor spawns are invoices. */
function systemWith(chart: AnyStateMachine | undefined, clock: Clock): ActorSystem {
  const system = createActorSystem(clock);
  if (!chart) return system;
  return { ...system, spawn: (_, options) => system.spawn(chart, options as never) };
}

interface Core {
  readonly supervisor: Supervisor;
  readonly application: Application;
  readonly links: readonly LiveNodeLink[];
}

/** One place where a daemon runs: a process at a time, started again whenever it has ended. */
export class DaemonHost {
  readonly name: string;
  readonly #world: DaemonWorld;
  #generation = 0;
  process: Process | undefined;
  #core: Core | undefined;
  #connections = new Set<SimulatedConnection>();
  #leadership: Leadership | undefined;
  #ending = false;
  /** Not even answers on their way may still be sent. */
  #endAtOnce = false;

  constructor(name: string, world: DaemonWorld) {
    this.name = name;
    this.#world = world;
  }

  /** The application side, while this daemon leads and takes calls. */
  get application(): Application | undefined {
    return this.#ending ? undefined : this.#core?.application;
  }

  get supervisor(): Supervisor | undefined {
    return this.#core?.supervisor;
  }

  get connections(): Iterable<SimulatedConnection> {
    return this.#connections;
  }

  start(): void {
    if (this.process) return;
    this.#generation += 1;
    const process = new Process(`${this.name}.${this.#generation}`);
    this.process = process;
    this.#ending = false;
    this.#endAtOnce = false;
    this.#world.scheduler.after(1, `${process.name} starts`, () => this.#standForLeader(process), {
      owner: process,
    });
  }

  /** The process is gone from one step to the next. */
  crash(options: { readonly host: boolean; readonly restartMs: number }): void {
    const { process } = this;
    if (!process) return;
    process.alive = false;
    for (const connection of this.#connections) connection.processDied(options.host);
    this.#forget();
    this.#world.scheduler.after(options.restartMs, `${this.name} is started again`, () => this.start());
  }

  stopProcess(): void {
    if (this.process) this.#world.scheduler.stop(this.process);
  }

  resumeProcess(process: Process): void {
    this.#world.ledger.stalled(process);
    this.#world.scheduler.resume(process);
  }

  /** An orderly end, as after a signal or when another has taken over. */
  end(restartMs: number): void {
    const { process } = this;
    const core = this.#core;
    if (!process || this.#ending) return;
    this.#ending = true;
    this.#world.ledger.stalled(process);
    const { scheduler } = this.#world;
    const over = () => {
      if (this.process === process) this.crash({ host: false, restartMs });
    };
    scheduler.after(SHUTDOWN_LIMIT_MS, `${process.name} leaves`, over, { owner: process });
    scheduler.after(0, `${process.name} ends`, () => void this.#end(core, over), { owner: process });
  }

  async #end(core: Core | undefined, over: () => void): Promise<void> {
    try {
      const flush = this.#endAtOnce ? { flushMs: 0 } : {};
      await Promise.all(core?.links.map((link) => link.stop(flush)) ?? []);
      await core?.supervisor.stop();
      await this.#leadership?.resign();
      this.#world.counters.hit('daemon.endedInOrder');
    } catch (error) {
      this.#world.ledger.violate('defect', `an orderly end failed: ${error}`);
    }
    over();
  }

  #forget(): void {
    this.process = undefined;
    this.#core = undefined;
    this.#leadership = undefined;
    this.#connections = new Set();
  }

  #standForLeader(process: Process): void {
    const { scheduler, counters, database, random } = this.#world;
    const clock = scheduler.clockOf(process);
    this.#leadership = createLeadership({
      store: database.leadershipOf(process),
      owner: process.name,
      leaseMs: LEASE_MS,
      renewMs: LEASE_MS / 3,
      clock,
      log: this.#world.logOf(process),
      random: () => random.next(),
      onLeader: (epoch) => void this.#lead(process, epoch, clock),
      onLost: (reason) => {
        counters.hit(`daemon.lost.${reason}`);
        this.#endAtOnce = true;
        this.end(500);
      },
    });
    this.#leadership.start();
  }

  async #lead(process: Process, epoch: bigint, clock: Clock): Promise<void> {
    const { ledger, counters } = this.#world;
    ledger.leads(process, epoch);
    counters.hit(epoch === 1n ? 'daemon.ledFirst' : 'daemon.tookOver');
    const core = this.#build(process, epoch, clock);
    try {
      await core.supervisor.recover();
    } catch {
      counters.hit('daemon.recoveryFailed');
      return this.end(500);
    }
    if (this.#ending) return;
    ledger.recovered(process, core.supervisor.height);
    this.#core = core;
    for (const link of core.links) link.start();
  }

  #build(process: Process, epoch: bigint, clock: Clock): Core {
    const world = this.#world;
    const { nodes, deriver, identityKey, autoSettle, counters } = world;
    const log = world.logOf(process);
    const honest = world.database.storeOf(process, world.ledger);
    const store = world.sabotage ? world.sabotage(honest, process, world.database.state) : honest;
    const system = systemWith(world.invoiceChart, clock);
    if (world.watchCharts) watchCharts(system, counters);
    const supervisor = new Supervisor({
      system,
      store,
      epoch,
      peeler: world.onions.peelerOf(process, world.scheduler, world.random),
      deriver,
      clock,
      log,
      rules: world.rules,
      policy: POLICY,
      limits: { maxHeldHtlcs: 10_000, maxHeldHtlcsPerNode: 10_000, maxJournalLines: 1_000 },
      autoSettle,
      // An order of the operator is in the database: whoever leads knows it.
      refusesParts: (nodeId) => nodes.some((node) => node.nodeId === nodeId && node.refusesParts),
      subscriberGraceMs: 20_000,
      paces: PACES,
      callTimeoutMs: 8_000,
      onFenced: () => {
        counters.hit('daemon.fenced');
        this.#leadership?.fenced();
      },
    });
    const application = createApplication({
      supervisor,
      store,
      clock,
      deriver,
      identityKey,
      nodeId: nodes[0]!.nodeId,
      network: 'regtest',
      nodes: nodes.map((node) => node.nodeId),
      // Nothing is issued here: payers make their invoices up.
      hints: { current: [] },
      autoSettle,
      random16: () => new Uint8Array(16),
    });
    const random = () => world.random.next();
    const links = nodes.map((node) =>
      createNodeLink({
        config: {
          nodeId: node.nodeId as NodeId,
          network: 'regtest',
          limits: {
            blockSilenceMs: BLOCK_SILENCE_MS,
            syncCheckMs: 5_000,
            unsyncedCheckMs: 2_000,
            relookupMs: 45_000,
          },
        },
        client: this.#clientOf(process, node),
        listener: supervisor,
        clock,
        log,
        random,
        system: { parent: system.root },
      }),
    );
    return { supervisor, application, links };
  }

  #clientOf(process: Process, node: LndNode): LndClient {
    const { scheduler, random, counters, ledger } = this.#world;
    const world: ConnectionWorld = { scheduler, random, counters, observer: ledger };
    return {
      connect: () =>
        new Promise((resolve, reject) => {
          scheduler.after(
            random.between(0.5, 20),
            `${process.name} connects to ${node.name}`,
            () => {
              if (!node.isUp) return reject(new LndError('unavailable', 'connection refused'));
              const connection = new SimulatedConnection(node, process, world);
              this.#connections.add(connection);
              resolve(connection);
            },
            { owner: process },
          );
        }),
    };
  }
}
