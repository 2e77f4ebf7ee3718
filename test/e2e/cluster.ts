import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ChildNode, startChildNode } from '../../src/simulator/childNode.ts';
import { NodeControl } from '../../src/simulator/control/nodeControl.ts';
import { Payer } from '../../src/simulator/payer/payer.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { App } from './application.ts';
import { Daemon, killDaemons, writeConfig } from './daemon.ts';

/** A simulated lnd in a process of its own, which comes back as the same node. */
export class ClusterNode {
  readonly name: string;
  child!: ChildNode;
  control!: NodeControl;
  readonly #dir: string;
  readonly #seed: number;

  constructor(name: string, dir: string, seed: number) {
    this.name = name;
    this.#dir = join(dir, name);
    this.#seed = seed;
  }

  async start(): Promise<void> {
    const args = ['--name', this.name, '--dir', this.#dir, '--seed', String(this.#seed), '--height', '1000'];
    this.child = await startChildNode(args);
    this.control ??= new NodeControl(this.child.info.controlUrl);
    // After a kill the client of the control API takes a moment to come back as well.
    await eventually(() =>
      this.control.getState().then(
        () => true,
        () => false,
      ),
    );
  }

  get config() {
    return { ...this.child.info, name: this.name };
  }

  kill(): Promise<void> {
    return this.child.stop('SIGKILL');
  }

  async close(): Promise<void> {
    this.control.close();
    await this.child.stop('SIGKILL');
  }
}

/** Two simulated nodes, a database, lnmuxd and its application: all of them real processes. */
export class Cluster {
  readonly dir = mkdtempSync(join(tmpdir(), 'lnmux-e2e-'));
  readonly alice = new ClusterNode('alice', this.dir, 1);
  readonly bob = new ClusterNode('bob', this.dir, 2);
  /** Every daemon there was, the present one last. */
  readonly daemons: Daemon[] = [];
  database!: TestDatabase;
  app!: App;
  payer!: Payer;
  #config = '';
  #more: readonly string[] = [];

  static async start(more: readonly string[] = []): Promise<Cluster> {
    const cluster = new Cluster();
    cluster.#more = more;
    const [database] = await Promise.all([createTestDatabase(), cluster.alice.start(), cluster.bob.start()]);
    cluster.database = database;
    cluster.payer = new Payer({ nodes: [cluster.alice.control, cluster.bob.control], seed: 7 });
    cluster.#config = writeConfig(cluster.dir, {
      nodes: [cluster.alice.config, cluster.bob.config],
      dsn: database.dsn,
      more: cluster.#more,
    });
    await cluster.startDaemon();
    return cluster;
  }

  get daemon(): Daemon {
    return this.daemons.at(-1)!;
  }

  get config(): string {
    return this.#config;
  }

  /** Starts lnmuxd and waits until both nodes are ready and the application is subscribed. */
  async startDaemon(nodes: readonly ClusterNode[] = [this.alice, this.bob]): Promise<void> {
    this.daemons.push(new Daemon(['-c', this.#config, 'run']));
    this.app?.close();
    this.app = new App(await this.daemon.address());
    await this.app.subscribe();
    for (const node of nodes) await this.ready(node);
  }

  /** Kills lnmuxd and starts it again, as if its lease had run out meanwhile. */
  async restartDaemon(): Promise<void> {
    await this.daemon.kill();
    await this.database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);
    await this.startDaemon();
  }

  async ready(node: ClusterNode, count = 1): Promise<void> {
    await this.daemon.line('Node ready', (line) => line.node === node.child.info.pubkey, count);
  }

  /** The story of a payment, from the events table. */
  async events(hashHex: string): Promise<string[]> {
    const rows = await this.database.query(
      `SELECT event, to_state FROM lnmux.events WHERE hash = decode($1, 'hex') ORDER BY seq`,
      [hashHex],
    );
    return rows.map(({ event, to_state }) => `${event} ${to_state}`);
  }

  async stop(): Promise<void> {
    this.app?.close();
    await this.daemon?.kill();
    killDaemons();
    await Promise.all([this.alice.close(), this.bob.close()]);
    await this.database?.drop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** Waits for what other processes bring about. */
export async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
