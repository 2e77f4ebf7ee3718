import type { SeededRandom } from '../../src/simulator/node/random.ts';
import type { Cluster, DaemonSeat, NodeSeat } from './cluster/cluster.ts';
import type { FaultProxy, ProxyFault } from './cluster/faultProxy.ts';
import type { Ledger } from './judge/ledger.ts';
import type { LeaderWatch } from './leaderWatch.ts';
import type { MerchantApplication } from './load/application.ts';

/** What attacks act upon. */
export interface Battlefield {
  readonly cluster: Cluster;
  readonly watch: LeaderWatch;
  readonly ledger: Ledger;
  readonly application: MerchantApplication;
  readonly random: SeededRandom;
}

/** Tries to do harm; false when there was nothing to harm just now. Resolves when the fault is over. */
export type Attack = (field: Battlefield) => Promise<boolean>;

export interface WeightedAttack {
  readonly name: string;
  readonly weight: number;
  readonly attack: Attack;
  /** It stops every payment for a while. */
  readonly isHard?: boolean;
  /** It makes no outage longer as long as there is a leader. */
  readonly isMild?: boolean;
}

/** A leader must have led for so long before the next attack on it: it shall have something to lose. */
const LEADING_MS = 3_000;
const LONG_SLEEP_MS = 17_000;
const PAYER_CHANNELS = 4;

const pause = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));

function leader({ watch }: Battlefield): DaemonSeat | undefined {
  return watch.leadingMs >= LEADING_MS ? watch.leader : undefined;
}

function standby({ cluster, watch, random }: Battlefield): DaemonSeat | undefined {
  const others = cluster.daemons.filter((seat) => seat !== watch.leader && seat.keeper.current);
  return others[random.below(others.length)];
}

function end(pick: (field: Battlefield) => DaemonSeat | undefined, signal: 'SIGKILL' | 'SIGTERM'): Attack {
  return async (field) => {
    const seat = pick(field);
    if (!seat?.keeper.current) return false;
    if (pick === leader) field.watch.ended(seat, signal === 'SIGKILL' ? 'killed' : 'stopped');
    else field.watch.disturb();
    seat.keeper.current.kill(signal);
    return true;
  };
}

/** SIGSTOP, and SIGCONT after a while: to itself no time has passed, to everybody else it has. */
function freeze(pick: (field: Battlefield) => DaemonSeat | undefined): Attack {
  return async (field) => {
    const seat = pick(field);
    const process = seat?.keeper.current;
    if (!seat || !process) return false;
    const { random } = field;
    const isLong = pick === leader && random.below(5) === 0;
    const ms = isLong ? LONG_SLEEP_MS + random.below(4_000) : 200 + random.below(2_500);
    if (pick === leader) field.watch.ended(seat, 'frozen');
    else field.watch.disturb();
    process.kill('SIGSTOP');
    if (isLong && random.below(2) === 0) {
      // What lnd's keepalive does to a client that does not answer: it frees the slot.
      await pause(ms - 1_500);
      if (seat.keeper.current === process) for (const proxy of seat.toNodes) proxy.cutAll();
      await pause(1_500);
    } else await pause(ms);
    process.kill('SIGCONT');
    return true;
  };
}

function onNode(act: (node: NodeSeat, field: Battlefield) => Promise<unknown>): Attack {
  return async (field) => {
    const node = field.cluster.nodes[field.random.below(field.cluster.nodes.length)]!;
    if (!node.keeper.current) return false;
    return act(node, field).then(
      () => true,
      () => false,
    );
  };
}

const killPostgres: Attack = async ({ cluster, watch }) => {
  const server = cluster.postgres.current;
  if (!server) return false;
  watch.disturb();
  server.killServer();
  return true;
};

/** Its keeper dies: the server is left to its watcher, which shuts it down in good order. */
const killPostgresKeeper: Attack = async ({ cluster, watch }) => {
  const server = cluster.postgres.current;
  if (!server) return false;
  watch.disturb();
  server.kill('SIGKILL');
  return true;
};

/** What counts as a kill. */
export const KILLS: readonly WeightedAttack[] = [
  { name: 'leader kill -9', weight: 2.5, attack: end(leader, 'SIGKILL'), isHard: true },
  { name: 'leader clean stop', weight: 4, attack: end(leader, 'SIGTERM'), isHard: true },
  { name: 'leader SIGSTOP', weight: 5, attack: freeze(leader), isHard: true },
  { name: 'standby kill -9', weight: 13, attack: end(standby, 'SIGKILL'), isMild: true },
  { name: 'standby clean stop', weight: 3, attack: end(standby, 'SIGTERM'), isMild: true },
  { name: 'standby SIGSTOP', weight: 6, attack: freeze(standby), isMild: true },
  { name: 'postgres kill -9', weight: 4, attack: killPostgres, isHard: true },
  { name: 'postgres shutdown', weight: 1.5, attack: killPostgresKeeper, isHard: true },
  {
    name: 'lnd kill -9',
    weight: 5,
    attack: onNode(async ({ keeper }) => keeper.current?.kill('SIGKILL')),
  },
  {
    name: 'lnd restart',
    weight: 5,
    attack: onNode(({ control }, { random }) => control.restart(random.below(800))),
  },
  {
    name: 'lnd restart before commit',
    weight: 3,
    attack: onNode(({ control }, { random }) =>
      control.setFault({ restartAfterAnswers: 1 + random.below(4) }),
    ),
  },
];

function network(
  pick: (seat: DaemonSeat, random: SeededRandom) => FaultProxy,
  faults: (random: SeededRandom) => {
    readonly fault: ProxyFault;
    readonly ms: number;
    readonly cut: boolean;
  },
): Attack {
  return async (field) => {
    const { random, watch, cluster } = field;
    // Mostly where it hurts.
    const seat =
      random.below(4) > 0 && watch.leader
        ? watch.leader
        : cluster.daemons[random.below(cluster.daemons.length)]!;
    const proxy = pick(seat, random);
    if (proxy.fault.kind !== 'none') return false;
    const { fault, ms, cut } = faults(random);
    watch.disturb();
    proxy.fault = fault;
    await pause(ms);
    if (cut) proxy.cutAll();
    if (proxy.fault === fault) proxy.fault = { kind: 'none' };
    return true;
  };
}

const database = (seat: DaemonSeat) => seat.toDatabase;
const lnd = (seat: DaemonSeat, random: SeededRandom) => seat.toNodes[random.below(seat.toNodes.length)]!;
const api = (seat: DaemonSeat) => seat.api;

const cutNow = () => ({ fault: { kind: 'none' } as const, ms: 0, cut: true });
const cutOnce = (random: SeededRandom) => {
  const kind = (['cutRequest', 'cutAnswer', 'cutMiddle'] as const)[random.below(3)]!;
  return { fault: { kind }, ms: 1_000, cut: false };
};
const delay = (random: SeededRandom) => ({
  fault: { kind: 'delay' as const, ms: 5 + random.below(200) },
  ms: 500 + random.below(4_000),
  cut: false,
});
const hold = (random: SeededRandom) => ({
  fault: { kind: 'hold' as const },
  ms: random.below(5) === 0 ? 8_000 + random.below(5_000) : 100 + random.below(2_500),
  cut: random.below(2) === 0,
});
const refuse = (random: SeededRandom) => ({
  fault: { kind: 'refuse' as const },
  ms: 500 + random.below(2_500),
  cut: true,
});

/** Harm that kills nothing. */
export const DISTURBANCES: readonly WeightedAttack[] = [
  { name: 'database cut', weight: 4, attack: network(database, cutNow) },
  { name: 'database cut around a statement', weight: 8, attack: network(database, cutOnce) },
  { name: 'database slow', weight: 4, attack: network(database, delay) },
  { name: 'database silent', weight: 4, attack: network(database, hold), isHard: true },
  { name: 'database refuses', weight: 2, attack: network(database, refuse), isHard: true },
  { name: 'lnd cut', weight: 4, attack: network(lnd, cutNow) },
  { name: 'lnd cut in a message', weight: 4, attack: network(lnd, cutOnce) },
  { name: 'lnd slow', weight: 4, attack: network(lnd, delay) },
  { name: 'lnd silent', weight: 4, attack: network(lnd, hold) },
  { name: 'API cut', weight: 3, attack: network(api, cutOnce) },
  { name: 'API slow', weight: 2, attack: network(api, delay) },
  {
    name: 'lnd disconnects its client',
    weight: 4,
    attack: onNode(({ control }, { random }) => control.disconnect(random.below(2) === 0)),
  },
  {
    name: 'peer reconnects',
    weight: 4,
    attack: onNode(({ control }, { random }) =>
      control.relink((700_000n << 40n) | (BigInt(1 + random.below(PAYER_CHANNELS)) << 16n)),
    ),
  },
  {
    name: 'reorganisation',
    weight: 1,
    attack: onNode(({ control }, { random }) => control.reorg(1 + random.below(2))),
  },
  {
    name: 'application crash',
    weight: 3,
    attack: async ({ application }) => {
      application.crash();
      return true;
    },
  },
];
