import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, type Issued } from '../../e2e/application.ts';
import { Daemon, writeConfig } from '../../e2e/daemon.ts';
import type { Cluster, NodeName, Payment } from './cluster.ts';
import { NODE_NAMES } from './cluster.ts';
import { eventually } from './eventually.ts';

/** short: those who wait, wait for a second or so. long: nobody gives up while a scenario runs. */
export type Timeouts = 'short' | 'long';

/** What lnmux asks for the last hop. Not the default, so that a payer who pays something else is found out. */
export const HINT = { cltvDelta: 42, feeBaseMsat: 1_000n, feeRatePpm: 100n } as const;

const DEADLINE_MARGIN = 6;

/** A cluster with a real lnmuxd in front, on an embedded PostgreSQL, and the application that it serves. */
export class Stage {
  readonly cluster: Cluster;
  readonly #dir: string;
  /** Every lnmuxd there was, the present one last. */
  readonly #daemons: Daemon[] = [];
  #timeouts: Timeouts = 'long';
  #app: App | undefined;

  /** `dir` is for lnmuxd's configuration and database. */
  constructor(cluster: Cluster, dir: string) {
    this.cluster = cluster;
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    // As root, the database runs as another user, who has to get there.
    chmodSync(dir, 0o755);
  }

  get app(): App {
    if (!this.#app) throw new Error('lnmuxd was not started');
    return this.#app;
  }

  get limitMs(): number {
    return this.cluster.patience.limitMs;
  }

  get lnmuxd(): Daemon {
    return this.#daemons.at(-1)!;
  }

  /** Starts lnmuxd; resolves once it serves, has an application, and takes payments of every node that runs. */
  async startLnmuxd(nodes: readonly NodeName[] = NODE_NAMES, timeouts = this.#timeouts): Promise<void> {
    this.#timeouts = timeouts;
    const daemon = new Daemon(['-c', this.#writeConfig(), 'run']);
    this.#daemons.push(daemon);
    this.#app?.close();
    this.#app = new App(await daemon.address(), this.limitMs);
    await this.#app.subscribe();
    await Promise.all(nodes.map((name) => this.ready(name)));
  }

  /** kill -9, and with it the database. */
  async killLnmuxd(): Promise<void> {
    await this.lnmuxd.kill();
  }

  /** Brings everything up for a scenario that wants these timeouts. */
  async prepare(timeouts: Timeouts): Promise<void> {
    await this.cluster.startAll();
    if (this.#daemons.length > 0 && timeouts === this.#timeouts && !this.lnmuxd.hasEnded) {
      await Promise.all(NODE_NAMES.map((name) => this.ready(name)));
      return;
    }
    await this.#daemons.at(-1)?.stop();
    await this.startLnmuxd(NODE_NAMES, timeouts);
  }

  /** Brings the nodes up for a scenario that looks at them without lnmuxd. */
  async prepareWithoutLnmuxd(): Promise<void> {
    await this.cluster.startAll();
    await this.#daemons.at(-1)?.stop();
  }

  /** Waits until lnmuxd takes payments that come through this node. */
  ready(name: NodeName): Promise<void> {
    return this.eventually(`lnmuxd to be ready with ${name}`, () => this.#isReady(name));
  }

  /** Waits until lnmuxd has noticed that this node is away. */
  gone(name: NodeName): Promise<void> {
    return this.eventually(`lnmuxd to notice that ${name} is away`, () => !this.#isReady(name));
  }

  #isReady(name: NodeName): boolean {
    const { pubkey } = this.cluster.nodes[name].connection;
    const count = (msg: string) => this.lnmuxd.lines(msg).filter(({ node }) => node === pubkey).length;
    return count('Node ready') > count('Node not ready');
  }

  eventually(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    return eventually(what, this.limitMs, condition);
  }

  /** Waits until the nodes hold so many HTLCs. */
  async holding(expected: Partial<Record<NodeName, number>>): Promise<void> {
    for (const [name, count] of Object.entries(expected) as [NodeName, number][]) {
      const node = this.cluster.nodes[name];
      await this.eventually(
        `${name} to hold ${count} HTLCs`,
        async () => (await node.pendingHtlcs()) === count,
      );
    }
  }

  /** Waits until no node holds anything any more. */
  atRest(): Promise<void> {
    return this.holding({ alice: 0, bob: 0 });
  }

  async receivedMsat(): Promise<bigint> {
    const each = await Promise.all(NODE_NAMES.map((name) => this.cluster.nodes[name].receivedMsat()));
    return each.reduce((sum, amount) => sum + amount, 0n);
  }

  /**
   * After a failure: starts what is down, gives back what is held, and waits until nothing is left of it. Rejects
   * when that is not possible.
   */
  async recover(): Promise<void> {
    await this.cluster.startAll();
    await this.#daemons.at(-1)?.stop();
    await this.startLnmuxd(NODE_NAMES, 'short');
    await this.atRest();
  }

  /** Writes down what every lnmuxd printed. */
  writeLogs(dir: string): void {
    this.#daemons.forEach((daemon, index) => {
      writeFileSync(join(dir, `lnmuxd-${index + 1}.log`), daemon.output);
    });
  }

  async stop(): Promise<void> {
    this.#app?.close();
    await this.#daemons.at(-1)?.stop();
  }

  #writeConfig(): string {
    const timeout = this.#timeouts === 'short' ? this.cluster.patience.shortTimeout : '30m';
    return writeConfig(this.#dir, {
      nodes: NODE_NAMES.map((name) => this.cluster.nodes[name].connection),
      more: [
        `holdTimeout: ${timeout}`,
        `acceptTimeout: ${timeout}`,
        `deadlineMargin: ${DEADLINE_MARGIN}`,
        'routingPolicy:',
        `  cltvDelta: ${HINT.cltvDelta}`,
        `  feeBaseMsat: ${HINT.feeBaseMsat}`,
        `  feeRatePpm: ${HINT.feeRatePpm}`,
      ],
    });
  }
}

/** A payment that is completely here and waits for the application's decision. */
export interface Waiting {
  readonly invoice: Issued;
  readonly setId: Buffer;
  /** From this height on it can't be settled any more. */
  readonly deadlineHeight: number;
  /** What it will come to. */
  readonly payment: Promise<Payment>;
}
