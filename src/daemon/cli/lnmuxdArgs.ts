import { nodeIdFromText } from '../../domain/hash.ts';
import type { LnmuxdCommand, MigrateAction } from '../lnmuxdCommand.ts';
import { commandIndex, type FlagSpecs, parseFlags, unknownCommand } from './flags.ts';

export type LnmuxdArgs =
  | { readonly ok: true; readonly command: LnmuxdCommand }
  | { readonly ok: false; readonly problem: string };

const GLOBALS: FlagSpecs = {
  config: { type: 'string', short: 'c' },
  'non-strict-config': { type: 'boolean' },
  node: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean', short: 'v' },
};

export const LNMUXD_COMMANDS = ['run', 'migrate', 'simulate', 'auth', 'config', 'help'] as const;
const MIGRATE_ACTIONS = ['init', 'up', 'down', 'reset', 'version', 'set_version'] as const;

const ONLY_UP_TAKES_NODE = '--node belongs to migrate up: leave it out';

function problem(text: string): LnmuxdArgs {
  return { ok: false, problem: text };
}

function wholeNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

function parseMigrate(words: readonly string[], nodeText: string | undefined): MigrateAction | string {
  const [action, number, ...more] = words;
  const expected = action === 'up' || action === 'set_version' ? 1 : 0;
  if (!(MIGRATE_ACTIONS as readonly string[]).includes(action as string)) {
    const known = unknownCommand(action as string, MIGRATE_ACTIONS).replace(/^unknown command [^:]*/, '');
    return `unsupported command: ${JSON.stringify(action)}${known}`;
  }
  if (more.length > 0 || (number !== undefined && expected === 0)) {
    return `too many arguments after migrate ${action}: it takes ${expected === 0 ? 'none' : 'one number'}`;
  }
  const value = number === undefined ? undefined : wholeNumber(number);
  if (number !== undefined && value === undefined) {
    return `${JSON.stringify(number)} is not a version: write a whole number, such as migrate ${action} 5`;
  }
  if (action === 'up') {
    const node = nodeText === undefined ? undefined : nodeIdFromText(nodeText);
    if (nodeText !== undefined && node === undefined) {
      return '--node is not a public key: write 66 hex digits that start with 02 or 03';
    }
    return { action, target: value, node };
  }
  if (nodeText !== undefined) return ONLY_UP_TAKES_NODE;
  if (action === 'set_version') {
    return value === undefined ? 'which version? Write migrate set_version N' : { action, version: value };
  }
  return { action: action as 'init' | 'down' | 'reset' | 'version' };
}

function parseHelp(words: readonly string[]): LnmuxdArgs {
  const [topic] = words;
  if (topic !== undefined && !(LNMUXD_COMMANDS as readonly string[]).includes(topic)) {
    return problem(unknownCommand(topic, LNMUXD_COMMANDS));
  }
  return { ok: true, command: { command: 'help', topic } };
}

interface Flags {
  readonly config: string;
  readonly strict: boolean;
  readonly node: string | undefined;
}

function parseVerb(verb: string, words: readonly string[], { config, strict, node }: Flags): LnmuxdArgs {
  if (node !== undefined && verb !== 'migrate') return problem(ONLY_UP_TAKES_NODE);
  if (verb === 'config') {
    const [action, ...more] = words;
    if (action !== 'check')
      return problem(unknownCommand(action ?? '', ['check']).replace('""', 'after config'));
    if (more.length > 0) return problem('too many arguments after config check: it takes none');
    return { ok: true, command: { command: 'config check', config, strict } };
  }
  if (verb === 'run') {
    if (words.length > 0) return problem('too many arguments after run: it takes none');
    return { ok: true, command: { command: 'run', config, strict } };
  }
  const migrate = parseMigrate(words, node);
  if (typeof migrate === 'string') return problem(migrate);
  return { ok: true, command: { command: 'migrate', config, strict, migrate } };
}

/**
 * Parses the arguments of lnmuxd, those after the program's name:
 * `[-c FILE] [--non-strict-config] run | migrate … | simulate … | auth … | config check | help`. Global flags may stand
 * before or after the command.
 */
export function parseLnmuxdArgs(args: readonly string[]): LnmuxdArgs {
  const at = commandIndex(args, GLOBALS);
  const verb = at < 0 ? undefined : args[at];
  const isSimulate = verb === 'simulate';
  const hasOwnFlags = isSimulate || verb === 'auth';
  const rest = at < 0 ? [] : args.slice(at + 1);
  const parsed = parseFlags(
    hasOwnFlags || at < 0 ? args.slice(0, at < 0 ? undefined : at) : args.toSpliced(at, 1),
    GLOBALS,
  );
  if (!parsed.ok) return parsed;
  const { flags, positionals } = parsed;
  if (flags.version === true) return { ok: true, command: { command: 'version' } };
  if (verb === undefined) return { ok: true, command: { command: 'help', topic: undefined } };
  if (verb === 'help' || verb === 'h') return parseHelp(positionals);
  if (!(LNMUXD_COMMANDS as readonly string[]).includes(verb))
    return problem(unknownCommand(verb, LNMUXD_COMMANDS));
  const bareMigrate = verb === 'migrate' && positionals.length === 0;
  if (flags.help === true || bareMigrate) return { ok: true, command: { command: 'help', topic: verb } };
  const strict = flags['non-strict-config'] !== true;
  const config = flags.config as string | undefined;
  if (isSimulate) return { ok: true, command: { command: 'simulate', config, strict, args: rest } };
  if (verb === 'auth') return { ok: true, command: { command: 'auth', args: rest } };
  // What the command itself says comes first: a misspelled action is not cured by a file.
  const node = flags.node as string | undefined;
  const command = parseVerb(verb, positionals, { config: config ?? '', strict, node });
  if (!command.ok || (config !== undefined && config !== '')) return command;
  return problem(`which configuration? Write lnmuxd -c lnmux.yml ${verb}`);
}
