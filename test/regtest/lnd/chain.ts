import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type BitcoindPorts,
  bitcoindArgs,
  btcdArgs,
  lndBitcoindArgs,
  lndBtcdArgs,
  type RpcLogin,
} from './arguments.ts';
import type { ChainBinary } from './binaries.ts';
import { callRpc } from './jsonRpc.ts';
import { freePort } from './ports.ts';
import { ManagedProcess } from './processes.ts';
import type { Workspace } from './workspace.ts';

/** The witness program of twenty zeros on regtest: nobody's. */
export const NOBODYS_ADDRESS = 'bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202';

/** What the driver needs of bitcoind or btcd. */
export interface Chain {
  /** The flags with which lnd uses it. */
  readonly lndArgs: readonly string[];
  /** After so many blocks there are coins to spend, with witnesses. */
  readonly firstBlocks: number;
  height(): Promise<number>;
  mine(blocks: number): Promise<void>;
  /** Whom blocks pay from now on. Call it first and while no lnd runs: btcd starts anew, with an empty chain. */
  payTo(address: string): Promise<void>;
  /** Ids of transactions that wait for a block. */
  mempool(): Promise<readonly string[]>;
  stop(): Promise<void>;
}

const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 20_000;

export function startChain(binary: ChainBinary, workspace: Workspace): Promise<Chain> {
  return binary.kind === 'bitcoind'
    ? Bitcoind.start(binary.path, workspace)
    : Btcd.start(binary.path, workspace);
}

const newLogin = (): RpcLogin => ({ user: 'regtest', password: randomBytes(16).toString('hex') });

/** Coinbase outputs can be spent after 100 blocks: some can then. */
const MATURE_BLOCKS = 110;

class Bitcoind implements Chain {
  readonly firstBlocks = MATURE_BLOCKS;
  readonly lndArgs: readonly string[];
  readonly #process: ManagedProcess;
  readonly #rpc: (method: string, ...params: unknown[]) => Promise<unknown>;
  #address = NOBODYS_ADDRESS;

  private constructor(process: ManagedProcess, ports: BitcoindPorts, login: RpcLogin) {
    this.#process = process;
    this.lndArgs = lndBitcoindArgs({ ports, login });
    this.#rpc = (method, ...params) => callRpc({ port: ports.rpc, login }, method, params);
  }

  static async start(command: string, workspace: Workspace): Promise<Bitcoind> {
    const dir = workspace.folder('bitcoind');
    const [rpc, rawBlocks, rawTransactions] = await Promise.all([freePort(), freePort(), freePort()]);
    const ports = { rpc, rawBlocks, rawTransactions };
    const login = newLogin();
    const salt = randomBytes(16).toString('hex');
    const args = bitcoindArgs({ dir, ports, login, salt });
    const logPath = workspace.logPath('bitcoind');
    const process = new ManagedProcess({ name: 'bitcoind', command, args, logPath, home: dir });
    const chain = new Bitcoind(process, ports, login);
    await process.until('bitcoind answered', START_LIMIT_MS, () => chain.height());
    return chain;
  }

  async height(): Promise<number> {
    return wholeNumber('getblockcount', await this.#rpc('getblockcount'));
  }

  async mine(blocks: number): Promise<void> {
    await this.#rpc('generatetoaddress', blocks, this.#address);
  }

  async payTo(address: string): Promise<void> {
    this.#address = address;
  }

  async mempool(): Promise<readonly string[]> {
    return texts('getrawmempool', await this.#rpc('getrawmempool'));
  }

  stop(): Promise<void> {
    return this.#process.stop(STOP_LIMIT_MS);
  }
}

class Btcd implements Chain {
  /** Witnesses come by BIP 9 here: three windows of 144 blocks, in which they are defined, started and locked in. */
  readonly firstBlocks = 3 * 144 + MATURE_BLOCKS;
  readonly lndArgs: readonly string[];
  readonly #start: (miningAddress: string) => ManagedProcess;
  readonly #certificate: string;
  readonly #port: number;
  readonly #login: RpcLogin;
  #process: ManagedProcess;

  private constructor(command: string, workspace: Workspace, port: number, login: RpcLogin) {
    const dir = workspace.folder('btcd');
    mkdirSync(dir, { recursive: true });
    const configFile = join(dir, 'btcd.conf');
    writeFileSync(configFile, '[Application Options]\n');
    const certificate = join(dir, 'rpc.cert');
    const certificateKey = join(dir, 'rpc.key');
    const setup = { configFile, dir, rpcPort: port, login, certificate, certificateKey };
    this.#port = port;
    this.#login = login;
    this.#certificate = certificate;
    this.lndArgs = lndBtcdArgs(setup);
    this.#start = (miningAddress) =>
      new ManagedProcess({
        name: 'btcd',
        command,
        args: btcdArgs({ ...setup, miningAddress }),
        logPath: workspace.logPath('btcd'),
        home: dir,
      });
    this.#process = this.#start(NOBODYS_ADDRESS);
  }

  static async start(command: string, workspace: Workspace): Promise<Btcd> {
    const chain = new Btcd(command, workspace, await freePort(), newLogin());
    await chain.#untilReady();
    return chain;
  }

  async #untilReady(): Promise<void> {
    await this.#process.until('btcd answered', START_LIMIT_MS, () => this.height());
  }

  #rpc(method: string, ...params: unknown[]): Promise<unknown> {
    const certificate = readFileSync(this.#certificate, 'utf8');
    return callRpc({ port: this.#port, login: this.#login, certificate }, method, params);
  }

  async height(): Promise<number> {
    return wholeNumber('getblockcount', await this.#rpc('getblockcount'));
  }

  async mine(blocks: number): Promise<void> {
    await this.#rpc('generate', blocks);
  }

  async payTo(address: string): Promise<void> {
    await this.stop();
    this.#process = this.#start(address);
    await this.#untilReady();
  }

  async mempool(): Promise<readonly string[]> {
    return texts('getrawmempool', await this.#rpc('getrawmempool'));
  }

  stop(): Promise<void> {
    return this.#process.stop(STOP_LIMIT_MS);
  }
}

function wholeNumber(method: string, value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new Error(`${method} should give a number, but gave ${JSON.stringify(value)}`);
}

function texts(method: string, value: unknown): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw new Error(`${method} should give a list of texts, but gave ${JSON.stringify(value)}`);
}
