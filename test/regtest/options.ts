import { parseArgs } from 'node:util';

export interface Options {
  /** Only scenarios whose name contains one of these. */
  readonly only: readonly string[];
  /** Also an lnd that lnmux takes only with a warning. */
  readonly oldLnd: boolean;
  readonly simulated: boolean;
  /** Not scenarios, but payments under attack for so many minutes; 0 for scenarios. */
  readonly soakMinutes: number;
  readonly seed: number;
  readonly keep: boolean;
  readonly list: boolean;
  readonly help: boolean;
}

export const USAGE = `Usage: npm run test:regtest [-- OPTIONS]

Starts bitcoind or btcd, three lnd nodes and lnmuxd, on free ports and in a temporary folder, and runs the end-to-end
scenarios with them. The environment names the programs:

  LND_BIN        lnd 0.20.3, 0.21.2 or later
  LNCLI_BIN      lncli of the same release
  BITCOIND_BIN   bitcoind 25 or later,
  or BTCD_BIN    btcd 0.23 or later

  --only TEXT    only scenarios whose name contains the text; may be repeated
  --list         print the names of the scenarios
  --old-lnd      also with an lnd that lnmux warns about, from 0.16.0 on
  --soak MINUTES in place of scenarios: payments for so long, while nodes and lnmuxd are killed
  --seed N       what --soak does when (1)
  --keep         keep the folder, also when all is well
  --simulated    with simulated nodes, as npm test does: nothing is needed
  --help
`;

/** Throws TypeError with a text for the user. */
export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      simulated: { type: 'boolean', default: false },
      'old-lnd': { type: 'boolean', default: false },
      soak: { type: 'string', default: '0' },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { 'old-lnd': oldLnd, soak, seed, ...rest } = values;
  return { ...rest, oldLnd, soakMinutes: notNegative('soak', soak), seed: notNegative('seed', seed) };
}

function notNegative(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= 1e6) return value;
  throw new TypeError(`--${name}=${text} should be a number from 0 on`);
}
