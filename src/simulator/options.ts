import { parseArgs } from 'node:util';
import { networkFromName } from '../lightning/networks.ts';
import type { Epoch, Series } from './node/types.ts';

/** What `simulate` was asked to do. */
export interface SimulateOptions {
  /** Absent: start two nodes, alice and bob. */
  readonly name: string | undefined;
  readonly dir: string;
  readonly network: string;
  readonly epoch: Epoch;
  readonly series: Series;
  readonly seed: number;
  readonly port: number;
  readonly controlPort: number;
  readonly height: number;
  readonly privateKey: string | undefined;
  readonly exitWithParent: boolean;
}

export const SIMULATE_USAGE = `Usage: lnmuxd simulate [options]
       lnmuxd simulate pay INVOICE --control HOST:PORT [--control HOST:PORT ...] [--splits N]

Without --name: starts two simulated lnd nodes, alice and bob, and prints their configuration for lnmux.yml.

  --name NAME           run one node of that name in this process and print a line of JSON once it is ready
  --dir DIR             where nodes keep keys, certificate, macaroon and journal (default .lnmux/simulator)
  --network NETWORK     default regtest
  --epoch L|M|N         which generation of lnd to be, newest by default
  --series 0.20|0.21    the releases of which series: versions, and how many blocks an HTLC needs (default 0.21)
  --seed N              of everything random but keys (default 1)
  --port N              lnd's gRPC port (default: as before in this directory, else any)
  --control-port N      likewise for the control API
  --height N            block height of a new node (default 100)
  --private-key HEX     identity of a new node (default random)
  --exit-with-parent    stop when standard input closes
`;

/** Reads the command line. Throws TypeError or RangeError with a text for the user. */
export function parseSimulateOptions(argv: readonly string[]): SimulateOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      name: { type: 'string' },
      dir: { type: 'string', default: '.lnmux/simulator' },
      network: { type: 'string', default: 'regtest' },
      epoch: { type: 'string', default: 'N' },
      series: { type: 'string', default: '0.21' },
      seed: { type: 'string', default: '1' },
      port: { type: 'string', default: '0' },
      'control-port': { type: 'string', default: '0' },
      height: { type: 'string', default: '100' },
      'private-key': { type: 'string' },
      'exit-with-parent': { type: 'boolean', default: false },
    },
  });
  const { name, dir, network, epoch, series } = values;
  if (epoch !== 'L' && epoch !== 'M' && epoch !== 'N') throw new RangeError('--epoch must be L, M or N');
  if (series !== '0.20' && series !== '0.21') throw new RangeError('--series must be 0.20 or 0.21');
  if (!networkFromName(network)) throw new RangeError(`unknown network ${network}`);
  const privateKey = values['private-key'];
  if (privateKey !== undefined && !/^[0-9a-fA-F]{64}$/.test(privateKey)) {
    throw new RangeError('--private-key must have 64 hex digits');
  }
  return {
    name,
    dir,
    network,
    epoch,
    series,
    seed: wholeNumber('seed', values.seed, 2 ** 32 - 1),
    port: wholeNumber('port', values.port, 65_535),
    controlPort: wholeNumber('control-port', values['control-port'], 65_535),
    height: wholeNumber('height', values.height, 2 ** 31 - 1),
    privateKey,
    exitWithParent: values['exit-with-parent'],
  };
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max) throw new RangeError(`--${name} must be a number up to ${max}`);
  return value;
}
