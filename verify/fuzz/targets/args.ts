import { CLI_COMMANDS } from '../../../src/daemon/cli/cliCommands.ts';
import { parseLnmuxcliArgs } from '../../../src/daemon/cli/lnmuxcliArgs.ts';
import { LNMUXD_COMMANDS, parseLnmuxdArgs } from '../../../src/daemon/cli/lnmuxdArgs.ts';
import { type LiveTarget, must, type Target } from '../engine/target.ts';
import { textMutator } from '../engine/text.ts';

/** One argument a line. */
function run(input: Uint8Array): string {
  const text = Buffer.from(input).toString('utf8');
  const args = text === '' ? [] : text.split('\n');
  const daemon = parseLnmuxdArgs(args);
  if (!daemon.ok) must(daemon.problem !== '' && !daemon.problem.includes('\n'), 'a problem is one line');
  const client = parseLnmuxcliArgs(args);
  if (client.kind === 'problem') must(client.problem !== '' && !client.problem.includes('\n'), 'one line');
  if (client.kind === 'request') {
    const { request } = client;
    if (request.name === 'addinvoice') {
      must(request.amtMsat > 0n && request.amtMsat < 1n << 63n, 'the amount is an int64 above 0');
      must(request.expirySecs > 0n && request.expirySecs < 1n << 63n, 'the expiry is an int64 above 0');
    }
    if ('hash' in request) must(request.hash.length === 32, 'a hash has 32 bytes');
  }
  const ofClient = client.kind === 'request' ? client.request.name : client.kind;
  return `${daemon.ok ? daemon.command.command : 'problem'} / ${ofClient}`;
}

const H = 'ab'.repeat(32);
const SEEDS = [
  '-c\nlnmux.yml\nrun',
  '--config=lnmux.yml\nmigrate\nup\n5',
  '-c\nf\nmigrate\nset_version\n3',
  '-c\nf\nconfig\ncheck',
  'simulate\n--nodes\n3',
  'help\nmigrate',
  'addinvoice\n--amt_msat=1000\n--expiry=10m\n--memo=hi',
  `settleinvoice\n${H}\n${H}`,
  `--rpcserver\nlocalhost:1\nwait\n${H}`,
  'listinvoices\n--max=5\n--start\n7',
  'decode\nlnbc1x',
  '',
];

const WORDS = [
  ...Object.keys(CLI_COMMANDS),
  ...LNMUXD_COMMANDS,
  ...[
    '--',
    '-',
    '-c',
    '-h',
    '-v',
    '--help',
    '--version',
    '--config',
    '-config=f',
    '--memo',
    '--expiry',
    '--amt_msat',
  ],
  ...[
    '=',
    '\n',
    '--no-config',
    '__proto__',
    '--__proto__=1',
    '--toString',
    '1e9',
    '-1',
    '9223372036854775808',
    H,
  ],
  ...[
    '--rpcserver=[::1]:1',
    ':0',
    '\u0000',
    '--description_hash',
    H.toUpperCase(),
    '99999999999999999h',
    '0.5s',
  ],
];

export const args: Target = {
  name: 'args',
  promise: 'both command lines: a command with checked values, or a problem in one line',
  maxBytes: 600,
  maxMs: 20,
  open: (): LiveTarget => ({
    seeds: SEEDS.map((text) => Buffer.from(text)),
    run,
    mutate: textMutator(WORDS),
    show: (input) => JSON.stringify(Buffer.from(input).toString('utf8').split('\n')),
  }),
};
