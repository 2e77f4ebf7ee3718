import { fromHex } from '../../domain/hex.ts';
import { parseDuration } from '../config/duration.ts';
import { CLI_COMMANDS, CLI_GLOBALS, type CliCommand, type CliCommandName } from './cliCommands.ts';
import { type CliConnection, ConnectionProblem, connectionOf } from './cliConnection.ts';
import { SHELLS, type Shell } from './completion.ts';
import { commandIndex, type FlagSpecs, parseFlags, unknownCommand } from './flags.ts';

/** A command with its checked arguments. */
export type CliRequest =
  | { readonly name: 'getinfo' | 'subscribe' }
  | { readonly name: 'nodes' }
  | {
      readonly name: 'addinvoice';
      readonly amtMsat: bigint;
      readonly expirySecs: bigint;
      readonly memo: string;
      readonly descriptionHash: Uint8Array;
      readonly showPreimage: boolean;
    }
  | {
      readonly name: 'settleinvoice' | 'cancelinvoice';
      readonly hash: Uint8Array;
      readonly setId: Uint8Array;
    }
  | { readonly name: 'wait'; readonly hash: Uint8Array; readonly fromIssue: boolean }
  | { readonly name: 'lookupinvoice' | 'watchinvoice'; readonly hash: Uint8Array }
  | {
      readonly name: 'listinvoices';
      readonly max: bigint;
      readonly start: bigint;
      readonly showPreimage: boolean;
    }
  | { readonly name: 'events'; readonly after: bigint; readonly onlyNew: boolean }
  | { readonly name: 'completion'; readonly shell: Shell }
  | { readonly name: 'drain'; readonly node: CliNode; readonly refuseParts: boolean; readonly wait: boolean }
  | { readonly name: 'undrain'; readonly node: CliNode }
  | { readonly name: 'fees'; readonly since: bigint; readonly until: bigint }
  | { readonly name: 'listunresolved'; readonly all: boolean; readonly max: number }
  | {
      readonly name: 'finalizepart';
      readonly node: Uint8Array;
      readonly chanId: bigint;
      readonly htlcId: bigint;
      readonly settled: boolean;
      readonly evenIfConfigured: boolean;
    }
  | { readonly name: 'decode'; readonly invoice: string };

/** An lnd node by its key or its name: the other one is empty. */
export interface CliNode {
  readonly pubKey: Uint8Array;
  readonly name: string;
}

export type CliArgs =
  | {
      readonly kind: 'request';
      readonly request: CliRequest;
      readonly connection: CliConnection;
    }
  | { readonly kind: 'help'; readonly topic: CliCommandName | undefined }
  | { readonly kind: 'version' }
  | { readonly kind: 'problem'; readonly problem: string };

/** Thrown and caught within this file: an argument that can't be read. */
class ArgumentError extends Error {}

const DEFAULT_EXPIRY = '3600';

function isCommand(name: string): name is CliCommandName {
  return Object.hasOwn(CLI_COMMANDS, name);
}

function number(flag: string, text: string, min: bigint, max: bigint): bigint {
  const value = /^\d{1,20}$/.test(text) ? BigInt(text) : -1n;
  if (value < min || value > max) throw new ArgumentError(`--${flag} must be a whole number, ${min} or more`);
  return value;
}

function seconds(text: string): bigint {
  const millis = /^\d{1,18}$/.test(text) ? Number(text) * 1000 : parseDuration(text);
  if (millis === undefined || millis < 1000) {
    throw new ArgumentError('--expiry must be seconds, or a duration such as 10m: write --expiry=600');
  }
  return BigInt(Math.floor(millis / 1000));
}

function bytes32(name: string, text: string): Uint8Array {
  const bytes = fromHex(text, 32);
  if (bytes === undefined) {
    throw new ArgumentError(`${name} must be 64 hex digits, and this has ${text.length} characters`);
  }
  return bytes;
}

/** 66 hex digits are a key; a node with such a name can be meant by its key. */
function nodeOf(text: string): CliNode {
  const pubKey = fromHex(text, 33);
  return pubKey === undefined ? { pubKey: new Uint8Array(), name: text } : { pubKey, name: '' };
}

type Flags = Readonly<Record<string, string | true>>;

/** Unix seconds of a flag: as they are, of a date, or of so long before now. 0 without the flag. */
function time(flag: string, flags: Flags, now: number): bigint {
  const text = flags[flag];
  if (typeof text !== 'string') return 0n;
  if (/^\d{1,15}$/.test(text)) return BigInt(text);
  const ago = parseDuration(text);
  const ms = ago === undefined ? Date.parse(/^\d{4}-/.test(text) ? text : '') : now - ago;
  if (Number.isNaN(ms) || ms <= 0) {
    throw new ArgumentError(
      `--${flag} must be unix seconds, a date such as 2026-01-31, or how long ago, such as 24h`,
    );
  }
  return BigInt(Math.floor(ms / 1000));
}

const ID = /^\d{1,20}$/;

function finalizePart(words: readonly string[], evenIfConfigured: boolean): CliRequest {
  const [nodeText = '', chanText = '', htlcText = '', outcome] = words;
  const node = fromHex(nodeText, 33);
  if (node === undefined)
    throw new ArgumentError('NODE must be the 66 hex digits of the public key of a node');
  if (!ID.test(chanText) || !ID.test(htlcText)) {
    throw new ArgumentError('CHANID and HTLCID must be whole numbers, as printed by listunresolved');
  }
  if (outcome !== 'settled' && outcome !== 'failed')
    throw new ArgumentError('OUTCOME must be settled or failed');
  const ids = { chanId: BigInt(chanText), htlcId: BigInt(htlcText) };
  return { name: 'finalizepart', node, ...ids, settled: outcome === 'settled', evenIfConfigured };
}

function requestOf(name: CliCommandName, flags: Flags, words: readonly string[]): CliRequest {
  const flag = (key: string, fallback: string) => (flags[key] as string | undefined) ?? fallback;
  const showPreimage = flags.show_preimage === true;
  switch (name) {
    case 'getinfo':
    case 'subscribe':
      return { name };
    case 'nodes':
      return { name };
    case 'addinvoice': {
      const hash = flags.description_hash as string | undefined;
      return {
        name,
        amtMsat: number('amt_msat', flag('amt_msat', ''), 1n, 2n ** 63n - 1n),
        expirySecs: seconds(flag('expiry', DEFAULT_EXPIRY)),
        memo: flag('memo', ''),
        descriptionHash: hash === undefined ? new Uint8Array() : bytes32('--description_hash', hash),
        showPreimage,
      };
    }
    case 'settleinvoice':
    case 'cancelinvoice':
      return { name, hash: bytes32('HASH', words[0] as string), setId: bytes32('SETID', words[1] as string) };
    case 'wait':
      return { name, hash: bytes32('HASH', words[0] as string), fromIssue: flags.from_issue === true };
    case 'lookupinvoice':
    case 'watchinvoice':
      return { name, hash: bytes32('HASH', words[0] as string) };
    case 'listinvoices':
      return {
        name,
        max: number('max', flag('max', '100'), 1n, 2n ** 64n - 1n),
        start: number('start', flag('start', '0'), 0n, 2n ** 63n - 1n),
        showPreimage,
      };
    case 'events': {
      const onlyNew = flags.only_new === true;
      if (onlyNew && flags.after !== undefined) {
        throw new ArgumentError('--after and --only_new exclude each other: give one of them');
      }
      return { name, after: number('after', flag('after', '0'), 0n, 2n ** 63n - 1n), onlyNew };
    }
    case 'listunresolved':
      return { name, all: flags.all === true, max: Number(number('max', flag('max', '1000'), 1n, 1_000n)) };
    case 'finalizepart':
      return finalizePart(words, flags.even_if_configured === true);
    case 'completion': {
      const shell = words[0] as Shell;
      if (!SHELLS.includes(shell))
        throw new ArgumentError(`SHELL must be ${SHELLS.join(', ')}, for example: completion bash`);
      return { name, shell };
    }
    case 'drain': {
      const refuseParts = flags.refuse_parts === true;
      return { name, node: nodeOf(words[0] as string), refuseParts, wait: flags.wait === true };
    }
    case 'undrain':
      return { name, node: nodeOf(words[0] as string) };
    case 'fees': {
      const now = Date.now();
      return { name, since: time('since', flags, now), until: time('until', flags, now) };
    }
    case 'decode':
      return { name, invoice: words[0] as string };
  }
}

function checkShape(name: CliCommandName, flags: Flags, words: readonly string[]): void {
  const command: CliCommand = CLI_COMMANDS[name];
  const example = `for example: ${command.example}`;
  for (const required of command.required ?? []) {
    if (flags[required] === undefined) throw new ArgumentError(`${name} needs --${required}, ${example}`);
  }
  if (words.length < command.args.length) {
    throw new ArgumentError(`${name} needs ${command.args.join(' and ')}, ${example}`);
  }
  if (words.length > command.args.length) {
    const takes = command.args.length === 0 ? 'none' : command.args.join(' and ');
    throw new ArgumentError(`too many arguments after ${name}: it takes ${takes}, ${example}`);
  }
}

function parse(args: readonly string[], env: NodeJS.ProcessEnv): CliArgs {
  const at = commandIndex(args, CLI_GLOBALS);
  const name = at < 0 ? undefined : (args[at] as string);
  const isHelp = name === 'help' || name === 'h';
  if (name !== undefined && !isHelp && !isCommand(name)) {
    throw new ArgumentError(unknownCommand(name, [...Object.keys(CLI_COMMANDS), 'help']));
  }
  const specs: FlagSpecs =
    name !== undefined && isCommand(name) ? { ...CLI_GLOBALS, ...CLI_COMMANDS[name].flags } : CLI_GLOBALS;
  const parsed = parseFlags(at < 0 ? args : args.toSpliced(at, 1), specs);
  if (!parsed.ok) throw new ArgumentError(parsed.problem);
  const { flags, positionals } = parsed;
  if (flags.version === true) return { kind: 'version' };
  if (name === undefined) return { kind: 'help', topic: undefined };
  if (!isCommand(name)) {
    const [topic] = positionals;
    if (topic === undefined) return { kind: 'help', topic: undefined };
    if (!isCommand(topic)) throw new ArgumentError(unknownCommand(topic, Object.keys(CLI_COMMANDS)));
    return { kind: 'help', topic };
  }
  if (flags.help === true) return { kind: 'help', topic: name };
  checkShape(name, flags, positionals);
  const request = requestOf(name, flags, positionals);
  return { kind: 'request', request, connection: connectionOf(flags, env) };
}

/** Parses the arguments of lnmuxcli, those after the program's name. Flags may stand anywhere. */
export function parseLnmuxcliArgs(args: readonly string[], env: NodeJS.ProcessEnv = {}): CliArgs {
  try {
    return parse(args, env);
  } catch (error) {
    if (error instanceof ArgumentError || error instanceof ConnectionProblem)
      return { kind: 'problem', problem: error.message };
    throw error;
  }
}
