import { createHmac } from 'node:crypto';

/** Everything runs on this network: bitcoind and btcd know it, and so do all releases of lnd with either. */
export const NETWORK = 'regtest';

const LOOPBACK = '127.0.0.1';

export const addressOf = (port: number) => `${LOOPBACK}:${port}`;

export interface RpcLogin {
  readonly user: string;
  readonly password: string;
}

/** Where lnd finds its bitcoind. */
export interface BitcoindPorts {
  readonly rpc: number;
  readonly rawBlocks: number;
  readonly rawTransactions: number;
}

export interface BitcoindSetup {
  readonly dir: string;
  readonly ports: BitcoindPorts;
  readonly login: RpcLogin;
  /** 16 random bytes, hex. */
  readonly salt: string;
}

/**
 * bitcoind without peers. No wallet is made: lnd's own is mined to. No transaction index: lnd does without. Three
 * lnds ask more than the default work queue of older releases takes.
 */
export function bitcoindArgs({ dir, ports, login, salt }: BitcoindSetup): string[] {
  return [
    `-${NETWORK}`,
    `-datadir=${dir}`,
    '-server=1',
    '-daemon=0',
    '-printtoconsole=1',
    '-listen=0',
    '-dnsseed=0',
    '-fallbackfee=0.0002',
    `-rpcbind=${LOOPBACK}`,
    `-rpcallowip=${LOOPBACK}`,
    `-rpcport=${ports.rpc}`,
    `-rpcauth=${rpcAuth(login, salt)}`,
    '-rpcworkqueue=256',
    `-zmqpubrawblock=tcp://${addressOf(ports.rawBlocks)}`,
    `-zmqpubrawtx=tcp://${addressOf(ports.rawTransactions)}`,
  ];
}

/** What bitcoind's share/rpcauth.py prints: `user:salt$hmac`. */
export function rpcAuth({ user, password }: RpcLogin, salt: string): string {
  return `${user}:${salt}$${createHmac('sha256', salt).update(password).digest('hex')}`;
}

/** The flags with which lnd uses that bitcoind. */
export function lndBitcoindArgs({ ports, login }: Pick<BitcoindSetup, 'ports' | 'login'>): string[] {
  return [
    '--bitcoin.node=bitcoind',
    `--bitcoind.rpchost=${addressOf(ports.rpc)}`,
    `--bitcoind.rpcuser=${login.user}`,
    `--bitcoind.rpcpass=${login.password}`,
    `--bitcoind.zmqpubrawblock=tcp://${addressOf(ports.rawBlocks)}`,
    `--bitcoind.zmqpubrawtx=tcp://${addressOf(ports.rawTransactions)}`,
  ];
}

export interface BtcdSetup {
  /** An empty file, so that nobody's own settings are read. */
  readonly configFile: string;
  readonly dir: string;
  readonly rpcPort: number;
  readonly login: RpcLogin;
  /** btcd makes both when they are missing. lnd speaks TLS with btcd or not at all. */
  readonly certificate: string;
  readonly certificateKey: string;
  /** btcd can't be told at the call whom to pay for a block. */
  readonly miningAddress: string;
}

/** btcd without peers, which mines when asked to. lnd needs its transaction index. */
export function btcdArgs(setup: BtcdSetup): string[] {
  return [
    `--configfile=${setup.configFile}`,
    `--${NETWORK}`,
    `--datadir=${setup.dir}/data`,
    `--logdir=${setup.dir}/logs`,
    '--nolisten',
    '--nodnsseed',
    '--txindex',
    `--rpclisten=${addressOf(setup.rpcPort)}`,
    `--rpcuser=${setup.login.user}`,
    `--rpcpass=${setup.login.password}`,
    `--rpccert=${setup.certificate}`,
    `--rpckey=${setup.certificateKey}`,
    `--miningaddr=${setup.miningAddress}`,
  ];
}

export function lndBtcdArgs({
  rpcPort,
  login,
  certificate,
}: Pick<BtcdSetup, 'rpcPort' | 'login' | 'certificate'>): string[] {
  return [
    '--bitcoin.node=btcd',
    `--btcd.rpchost=${addressOf(rpcPort)}`,
    `--btcd.rpcuser=${login.user}`,
    `--btcd.rpcpass=${login.password}`,
    `--btcd.rpccert=${certificate}`,
  ];
}

export interface LndSetup {
  readonly name: string;
  readonly dir: string;
  readonly rpcPort: number;
  readonly peerPort: number;
  /** How it finds the chain. */
  readonly chain: readonly string[];
  /** cluster: lnmux is in front of it. payer: it pays, and remembers every attempt. */
  readonly role: 'cluster' | 'payer';
}

/**
 * An lnd that starts without anybody to type a password, knows nobody, and tries again soon when a peer is away.
 * Its look at the free disk space is off: a full disk would end it in the middle of a scenario without a word.
 */
export function lndArgs({ name, dir, rpcPort, peerPort, chain, role }: LndSetup): string[] {
  const own =
    role === 'cluster'
      ? ['--requireinterceptor', '--store-final-htlc-resolutions']
      : ['--keep-failed-payment-attempts'];
  return [
    `--lnddir=${dir}`,
    `--alias=${name}`,
    `--bitcoin.${NETWORK}`,
    ...chain,
    `--rpclisten=${addressOf(rpcPort)}`,
    `--listen=${addressOf(peerPort)}`,
    '--norest',
    '--nobootstrap',
    '--noseedbackup',
    '--debuglevel=debug',
    '--maxpendingchannels=5',
    '--minbackoff=1s',
    '--maxbackoff=2s',
    '--bitcoin.defaultchanconfs=1',
    '--bitcoin.defaultremotedelay=4',
    '--healthcheck.diskspace.attempts=0',
    ...own,
  ];
}

/** What every call of lncli begins with: where certificate and macaroon are follows from the folder. */
export function lncliArgs({ dir, rpcPort }: Pick<LndSetup, 'dir' | 'rpcPort'>): string[] {
  return [`--lnddir=${dir}`, `--rpcserver=${addressOf(rpcPort)}`, `--network=${NETWORK}`];
}

/** The macaroon of the README: six calls and nothing else. */
export const LNMUX_PERMISSIONS = [
  'uri:/lnrpc.Lightning/GetInfo',
  'uri:/verrpc.Versioner/GetVersion',
  'uri:/routerrpc.Router/HtlcInterceptor',
  'uri:/routerrpc.Router/SubscribeHtlcEvents',
  'uri:/lnrpc.Lightning/LookupHtlcResolution',
  'uri:/chainrpc.ChainNotifier/RegisterBlockEpochNtfn',
] as const;

/** A wallet's payment. What it may cost is far above what is asked: that is looked at afterwards. */
export function payInvoiceArgs(
  invoice: string,
  outgoingScid: string | undefined,
  timeoutSecs: number,
): string[] {
  const way =
    outgoingScid === undefined ? ['--max_parts=16'] : [`--outgoing_chan_id=${outgoingScid}`, '--max_parts=1'];
  return [
    'payinvoice',
    '--json',
    '--force',
    `--timeout=${timeoutSecs}s`,
    '--fee_limit=20000',
    ...way,
    invoice,
  ];
}

export interface ChannelPlan {
  readonly pubkey: string;
  readonly peerAddress: string;
  readonly capacitySat: bigint;
}

/** A channel that is not announced: its two ends know it, and need no confirmations for the world. */
export function openChannelArgs({ pubkey, peerAddress, capacitySat }: ChannelPlan): string[] {
  return [
    'openchannel',
    `--node_key=${pubkey}`,
    `--connect=${peerAddress}`,
    `--local_amt=${capacitySat}`,
    '--private',
    '--sat_per_vbyte=10',
  ];
}
