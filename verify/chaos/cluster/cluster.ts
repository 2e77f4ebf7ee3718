import { mkdirSync } from 'node:fs';
import { Migrator } from '../../../src/adapters/postgres/migrate.ts';
import { NodeControl } from '../../../src/simulator/control/nodeControl.ts';
import type { SimulatedLndInfo } from '../../../src/simulator/server/simulatedLnd.ts';
import type { ChaosOptions } from '../options.ts';
import type { Workspace } from '../workspace.ts';
import { type DaemonProcess, daemonKeeper } from './daemon.ts';
import { FaultProxy } from './faultProxy.ts';
import type { Keeper, ProcessEnd } from './keeper.ts';
import { type LndProcess, lndKeeper } from './lndNode.ts';
import { type PostgresProcess, postgresKeeper } from './postgres.ts';

export const DAEMON_NAMES = ['a', 'b'] as const;
export const NODE_NAMES = ['alice', 'bob'] as const;

/** One lnmuxd with the wires around it. */
export interface DaemonSeat {
  readonly name: string;
  readonly keeper: Keeper<DaemonProcess>;
  /** Its way to PostgreSQL. */
  readonly toDatabase: FaultProxy;
  /** Its way to each node. */
  readonly toNodes: readonly FaultProxy[];
  /** The application's way to its API: a stable address in front of whatever port it has now. */
  readonly api: FaultProxy;
}

export interface NodeSeat {
  readonly name: string;
  readonly info: SimulatedLndInfo;
  readonly keeper: Keeper<LndProcess>;
  readonly control: NodeControl;
}

/** How a daemon ended that nobody had killed. */
export interface OwnEnd {
  readonly daemon: string;
  readonly at: number;
  readonly end: ProcessEnd;
  readonly lastWords: string | undefined;
}

/** Real processes: PostgreSQL, two simulated lnd nodes, two daemons, and proxies between them. */
export interface Cluster {
  readonly postgres: Keeper<PostgresProcess>;
  readonly nodes: readonly NodeSeat[];
  readonly daemons: readonly DaemonSeat[];
  readonly ownEnds: readonly OwnEnd[];
}

/** Starts everything; what has been started is registered at the workspace before the next begins. */
export async function startCluster(workspace: Workspace, options: ChaosOptions): Promise<Cluster> {
  const dataDir = workspace.path('postgres');
  mkdirSync(dataDir);
  const postgres = postgresKeeper(dataDir, workspace.logPath('postgres'));
  workspace.defer(() => postgres.close('SIGTERM'));
  const { target } = await postgres.open();
  await new Migrator(target).up();
  const nodes = await Promise.all(
    NODE_NAMES.map((name, index) => startNode(workspace, name, options.seed + index)),
  );
  const ownEnds: OwnEnd[] = [];
  const daemons: DaemonSeat[] = [];
  for (const name of DAEMON_NAMES) {
    const seat = await seatDaemon(workspace, name, { postgres, nodes, options, ownEnds });
    daemons.push(seat);
  }
  await Promise.all(daemons.map(({ keeper }) => keeper.open()));
  return { postgres, nodes, daemons, ownEnds };
}

async function startNode(workspace: Workspace, name: string, seed: number): Promise<NodeSeat> {
  const keeper = lndKeeper(name, workspace.path(name), seed);
  workspace.defer(() => keeper.close());
  const { info } = await keeper.open();
  const control = new NodeControl(info.controlUrl);
  workspace.defer(async () => control.close());
  return { name, info, keeper, control };
}

interface Surroundings {
  readonly postgres: Keeper<PostgresProcess>;
  readonly nodes: readonly NodeSeat[];
  readonly options: ChaosOptions;
  readonly ownEnds: OwnEnd[];
}

async function seatDaemon(
  workspace: Workspace,
  name: string,
  { postgres, nodes, options, ownEnds }: Surroundings,
): Promise<DaemonSeat> {
  const proxy = async (upstream: Parameters<typeof FaultProxy.start>[0]) => {
    const started = await FaultProxy.start(upstream);
    workspace.defer(() => started.stop());
    return started;
  };
  const toDatabase = await proxy(() => {
    const target = postgres.current?.target;
    return target && { path: `${target.host}/.s.PGSQL.${target.port}` };
  });
  const toNodes = await Promise.all(
    nodes.map(({ info }) => {
      const [host, port] = info.lndUrl.split(':') as [string, string];
      return proxy(() => ({ host, port: Number(port) }));
    }),
  );
  const keeper: Keeper<DaemonProcess> = daemonKeeper(
    { configPath: workspace.path(`lnmux-${name}.yml`), logPath: workspace.logPath(`lnmuxd-${name}`) },
    {
      dsn: `postgres://postgres@127.0.0.1:${toDatabase.port}/lnmux?sslmode=disable&connect_timeout=5`,
      nodes: nodes.map(({ info }, index) => ({ ...info, via: toNodes[index]!.address })),
      timing: options.timing,
    },
    (process, end) => {
      if (process.wasKilled || workspace.isClosing) return;
      ownEnds.push({ daemon: name, at: Date.now(), end, lastWords: process.lastWords() });
    },
  );
  workspace.defer(() => keeper.close());
  const api = await proxy(() => {
    const port = keeper.current?.apiPort();
    return port === undefined ? undefined : { host: '127.0.0.1', port };
  });
  return { name, keeper, toDatabase, toNodes, api };
}
