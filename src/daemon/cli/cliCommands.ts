import { CONNECTION_FLAGS, CONNECTION_HELP } from './cliConnection.ts';
import type { FlagSpecs } from './flags.ts';

/** What the parser and the help need to know of a command of lnmuxcli. */
export interface CliCommand {
  readonly summary: string;
  /** Names of the arguments that must follow. */
  readonly args: readonly string[];
  readonly flags: FlagSpecs;
  /** Flags that must be given. */
  readonly required?: readonly string[];
  /** What the help says about flags and the answer, one line each. */
  readonly details: readonly string[];
  readonly example: string;
}

const HASH = '4f1c…9a02';

export const CLI_COMMANDS = {
  getinfo: {
    summary: 'who this lnmux is, and its lnd nodes',
    args: [],
    flags: {},
    details: [],
    example: 'lnmuxcli getinfo',
  },
  addinvoice: {
    summary: 'makes an invoice',
    args: [],
    flags: {
      amt_msat: { type: 'string' },
      expiry: { type: 'string' },
      memo: { type: 'string' },
      description_hash: { type: 'string' },
      show_preimage: { type: 'boolean' },
    },
    required: ['amt_msat'],
    details: [
      '--amt_msat N            amount in millisatoshi (required)',
      '--expiry SECONDS        how long it can be paid; also 10m or 1h30m (default 3600)',
      '--memo TEXT             description, at most 639 bytes',
      '--description_hash HEX  SHA256 of a description that is published elsewhere, instead of --memo',
      '--show_preimage         print the preimage too; whoever sees it early can keep the payment on its way',
    ],
    example: 'lnmuxcli addinvoice --amt_msat 20000 --expiry 600 --memo tea',
  },
  subscribe: {
    summary: 'prints each complete payment that waits for a decision, one JSON object per line, until Ctrl-C',
    args: [],
    flags: {},
    details: ['While nobody is subscribed, payments are refused (after a grace period).'],
    example: 'lnmuxcli subscribe',
  },
  events: {
    summary: 'prints what becomes of all invoices, one JSON object per line, until Ctrl-C',
    args: [],
    flags: { after: { type: 'string' }, only_new: { type: 'boolean' } },
    details: [
      '--after N   only events with a higher sequence number (default 0: all there are)',
      '--only_new  only what happens from now on',
    ],
    example: 'lnmuxcli events --after 4711',
  },
  settleinvoice: {
    summary: 'takes a complete payment; done when `wait` says SETTLED',
    args: ['HASH', 'SETID'],
    flags: {},
    details: ['HASH and SETID are hex, as printed by subscribe.'],
    example: `lnmuxcli settleinvoice ${HASH} 77ab…01ff`,
  },
  cancelinvoice: {
    summary: 'gives a complete payment back',
    args: ['HASH', 'SETID'],
    flags: {},
    details: ['HASH and SETID are hex, as printed by subscribe.'],
    example: `lnmuxcli cancelinvoice ${HASH} 77ab…01ff`,
  },
  wait: {
    summary: 'waits until a payment that was settled is final',
    args: ['HASH'],
    flags: { from_issue: { type: 'boolean' } },
    details: [
      'Exit status 0 only for SETTLED: with FAILED it is 1, so that `wait HASH && deliver` is safe.',
      '--from_issue  wait also for an invoice that nobody has paid yet',
    ],
    example: `lnmuxcli wait ${HASH}`,
  },
  lookupinvoice: {
    summary: 'how an invoice stands, with its parts, and what it waits for or why it failed',
    args: ['HASH'],
    flags: {},
    details: [],
    example: `lnmuxcli lookupinvoice ${HASH}`,
  },
  watchinvoice: {
    summary:
      'prints how an invoice stands and each change of its state, one JSON object per line, to its end',
    args: ['HASH'],
    flags: {},
    details: ['Exit status 0 only if it ends with SETTLED, or with Ctrl-C.'],
    example: `lnmuxcli watchinvoice ${HASH}`,
  },
  listinvoices: {
    summary: 'invoices for which settlement was requested',
    args: [],
    flags: { max: { type: 'string' }, start: { type: 'string' }, show_preimage: { type: 'boolean' } },
    details: [
      '--max N          how many (default 100)',
      '--start N        from this sequence number on (default 0)',
      '--show_preimage  print preimages too',
    ],
    example: 'lnmuxcli listinvoices --max 20 --start 1001',
  },
  nodes: {
    summary: 'how each lnd node is doing, what it holds, and whether it may be stopped',
    args: [],
    flags: {},
    details: [],
    example: 'lnmuxcli nodes',
  },
  drain: {
    summary: 'prepares an lnd node for being stopped: new invoices no longer name it',
    args: ['NODE'],
    flags: { refuse_parts: { type: 'boolean' }, wait: { type: 'boolean' } },
    details: [
      'NODE is its name in the configuration, or its key. What it holds is finished. Lasts until undrain.',
      '--refuse_parts  refuse new parts for invoices that are out there too: their payers take another node',
      '--wait          come back when the node may be stopped; says on stderr what is waited for',
    ],
    example: 'lnmuxcli drain alice --wait',
  },
  undrain: {
    summary: 'ends drain: new invoices name the node again, once it is ready',
    args: ['NODE'],
    flags: {},
    details: ['NODE is its name in the configuration, or its key.'],
    example: 'lnmuxcli undrain alice',
  },
  fees: {
    summary: 'what the lnd nodes earned as fees for the last hop of settled payments',
    args: [],
    flags: { since: { type: 'string' }, until: { type: 'string' } },
    details: [
      '--since TIME  parts settled from then on: unix seconds, a date such as 2026-01-31, or how long ago (24h)',
      '--until TIME  parts settled before then',
      'Dates are UTC unless they say otherwise (2026-01-31T08:00:00+01:00).',
    ],
    example: 'lnmuxcli fees --since 2026-01-01 --until 2026-02-01',
  },
  listunresolved: {
    summary: 'decided HTLCs whose end no node has reported, of nodes that are not configured any more',
    args: [],
    flags: { all: { type: 'boolean' }, max: { type: 'string' } },
    details: ['--all    also those of configured nodes', '--max N  how many, at most and by default 1000'],
    example: 'lnmuxcli listunresolved',
  },
  finalizepart: {
    summary: "records an operator's word on how an HTLC has ended that no node will report any more",
    args: ['NODE', 'CHANID', 'HTLCID', 'OUTCOME'],
    flags: { even_if_configured: { type: 'boolean' } },
    details: [
      'NODE, CHANID and HTLCID as printed by listunresolved; OUTCOME is settled or failed.',
      'It can not be taken back: look at the channel or the chain first.',
      '--even_if_configured  also for a node that is in the configuration',
    ],
    example: 'lnmuxcli finalizepart 02e1…341e 769658139444903936 7 failed',
  },
  decode: {
    summary: 'shows what an invoice says; asks no server',
    args: ['BOLT11'],
    flags: {},
    details: [],
    example: 'lnmuxcli decode lnbcrt100n1…',
  },
  completion: {
    summary: 'prints a script that completes commands and flags in a shell; asks no server',
    args: ['SHELL'],
    flags: {},
    details: [
      'SHELL is bash, zsh or fish. To have it in every new shell:',
      'bash: lnmuxcli completion bash > ~/.local/share/bash-completion/completions/lnmuxcli',
      'zsh:  lnmuxcli completion zsh > "$fpath[1]/_lnmuxcli"',
      'fish: lnmuxcli completion fish > ~/.config/fish/completions/lnmuxcli.fish',
    ],
    example: 'source <(lnmuxcli completion bash)',
  },
} as const satisfies Readonly<Record<string, CliCommand>>;

export type CliCommandName = keyof typeof CLI_COMMANDS;

export const CLI_GLOBALS: FlagSpecs = {
  ...CONNECTION_FLAGS,
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
};

const GLOBAL_HELP = `flags:
${CONNECTION_HELP}`;

export function generalHelp(): string {
  const names = Object.entries(CLI_COMMANDS);
  const width = Math.max(...names.map(([name]) => name.length)) + 2;
  const commands = names.map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`).join('\n');
  return `lnmuxcli: talks to lnmuxd

usage: lnmuxcli [flags] COMMAND …

commands:
${commands}
  ${'help COMMAND'.padEnd(width)}more about one of them

${GLOBAL_HELP}
example: lnmuxcli --rpcserver localhost:19090 getinfo
exit status: 0 well, 1 refused, 2 wrong arguments, 3 server not reached
`;
}

export function commandHelp(name: CliCommandName): string {
  const command: CliCommand = CLI_COMMANDS[name];
  const flags = Object.keys(command.flags).length > 0 ? ' [flags]' : '';
  const usage = ['lnmuxcli', name, ...command.args].join(' ') + flags;
  const details = command.details.map((line) => `  ${line}\n`).join('');
  return `usage: ${usage}\n\n${command.summary}\n${details}\nexample: ${command.example}\n\n${GLOBAL_HELP}`;
}
