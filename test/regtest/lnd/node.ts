import type { Connection, NodeName } from '../scenarios/cluster.ts';
import {
  type NodeInfo,
  type OpenChannel,
  readAddress,
  readChannelBalance,
  readChannels,
  readForceClosing,
  readNodeInfo,
} from './answers.ts';
import { addressOf, LNMUX_PERMISSIONS, lndArgs } from './arguments.ts';
import { Lncli, LncliError } from './lncli.ts';
import { freePort } from './ports.ts';
import { ManagedProcess } from './processes.ts';
import type { Workspace } from './workspace.ts';

export interface LndPlan {
  readonly name: NodeName | 'carol';
  readonly role: 'cluster' | 'payer';
  readonly lnd: string;
  readonly lncli: string;
  /** The flags with which it finds the chain. */
  readonly chainArgs: readonly string[];
  readonly workspace: Workspace;
}

const START_LIMIT_MS = 120_000;

/** A real lnd, which keeps its folder and ports over restarts. */
export class LndNode {
  readonly name: LndPlan['name'];
  readonly lncli: Lncli;
  readonly #plan: LndPlan;
  readonly #dir: string;
  readonly #ports: { readonly rpc: number; readonly peer: number };
  #process: ManagedProcess | undefined;
  #pubkey: string | undefined;

  private constructor(plan: LndPlan, ports: { rpc: number; peer: number }) {
    this.name = plan.name;
    this.#plan = plan;
    this.#ports = ports;
    this.#dir = plan.workspace.folder(plan.name);
    const { lncli: binary, name, workspace } = plan;
    this.lncli = new Lncli({
      binary,
      name,
      dir: this.#dir,
      rpcPort: ports.rpc,
      home: workspace.folder('home'),
    });
  }

  static async prepare(plan: LndPlan): Promise<LndNode> {
    const [rpc, peer] = await Promise.all([freePort(), freePort()]);
    return new LndNode(plan, { rpc, peer });
  }

  get isRunning(): boolean {
    return this.#process !== undefined && !this.#process.hasEnded;
  }

  get pubkey(): string {
    if (!this.#pubkey) throw new Error(`${this.name} was never started`);
    return this.#pubkey;
  }

  get peerAddress(): string {
    return addressOf(this.#ports.peer);
  }

  get connection(): Connection {
    return {
      name: this.name as NodeName,
      pubkey: this.pubkey,
      lndUrl: addressOf(this.#ports.rpc),
      tlsCertPath: `${this.#dir}/tls.cert`,
      macaroonPath: this.#macaroonPath,
    };
  }

  get #macaroonPath(): string {
    return `${this.#dir}/lnmux.macaroon`;
  }

  /** Starts it and waits until it answers. Does nothing while it runs. */
  async launch(): Promise<void> {
    if (this.isRunning) return;
    const { name, role, lnd: command, chainArgs, workspace } = this.#plan;
    const args = lndArgs({
      name,
      role,
      dir: this.#dir,
      rpcPort: this.#ports.rpc,
      peerPort: this.#ports.peer,
      chain: chainArgs,
    });
    const logPath = workspace.logPath(name);
    this.#process = new ManagedProcess({ name, command, args, logPath, home: this.#dir });
    const info = await this.until(`${name}'s lnd answered`, () => this.info(), START_LIMIT_MS);
    this.#pubkey = info.pubkey;
    if (role === 'cluster' && !(info.requiresInterceptor && info.storesFinalResolutions)) {
      throw new Error(`${name} does not run with --requireinterceptor and --store-final-htlc-resolutions`);
    }
  }

  /** Asks until `probe` gives something; rejects at once when this lnd ends. */
  until<T>(what: string, probe: () => Promise<T | undefined>, limitMs = START_LIMIT_MS): Promise<T> {
    if (!this.#process) throw new Error(`${this.name} does not run`);
    return this.#process.until(what, limitMs, probe);
  }

  /** Waits until it has seen that block and everything before. */
  async synced(height: number): Promise<void> {
    await this.until(`${this.name} had seen block ${height}`, async () => {
      const info = await this.info();
      return info.isSynced && info.height >= height ? info : undefined;
    });
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  async stop(limitMs: number): Promise<void> {
    await this.#process?.stop(limitMs);
  }

  async info(): Promise<NodeInfo> {
    return readNodeInfo(await this.lncli.call(['getinfo'], 10_000));
  }

  async channels(peer?: string): Promise<OpenChannel[]> {
    const channels = readChannels(await this.lncli.call(['listchannels']));
    return peer === undefined ? channels : channels.filter((channel) => channel.peer === peer);
  }

  async forceClosing(): Promise<string[]> {
    return readForceClosing(await this.lncli.call(['pendingchannels']));
  }

  async channelBalanceMsat(): Promise<bigint> {
    return readChannelBalance(await this.lncli.call(['channelbalance']));
  }

  async newAddress(): Promise<string> {
    return readAddress(await this.lncli.call(['newaddress', 'p2wkh']));
  }

  /** Makes the macaroon that lnmux gets. */
  async bakeMacaroon(): Promise<void> {
    await this.lncli.call(['bakemacaroon', `--save_to=${this.#macaroonPath}`, ...LNMUX_PERMISSIONS]);
  }

  /** Connects to a peer; already being connected is as good. */
  async connect(peer: LndNode): Promise<void> {
    try {
      await this.lncli.call(['connect', `${peer.pubkey}@${peer.peerAddress}`], 15_000);
    } catch (error) {
      if (!(error instanceof LncliError && error.reason.includes('already connected'))) throw error;
    }
  }
}
