import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../nearest.ts';

export interface FlagSpec {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** What a shell can offer as its value. */
  readonly completes?: 'files';
}

export type FlagSpecs = Readonly<Record<string, FlagSpec>>;

export type Parsed =
  | {
      readonly ok: true;
      readonly flags: Readonly<Record<string, string | true>>;
      readonly positionals: readonly string[];
    }
  /** One line: what is wrong and what to write. */
  | { readonly ok: false; readonly problem: string };

function findByName(specs: FlagSpecs, name: string): string | undefined {
  if (Object.hasOwn(specs, name)) return name;
  return Object.keys(specs).find((long) => specs[long]?.short === name);
}

/** Go programs take `-config` for `--config`; so do we, where the name is known. */
function withTwoDashes(specs: FlagSpecs, arg: string): string {
  const name = /^-([a-zA-Z][\w-]+)(?:=.*)?$/s.exec(arg)?.[1];
  return name !== undefined && Object.hasOwn(specs, name) ? `-${arg}` : arg;
}

function unknownFlag(specs: FlagSpecs, rawName: string): Parsed {
  const meant = nearest(rawName.replace(/^-+/, ''), Object.keys(specs));
  const advice = meant === undefined ? 'see --help' : `did you mean --${meant}?`;
  return { ok: false, problem: `unknown flag ${rawName}: ${advice}` };
}

/** Splits arguments into flags and the rest. Strict: every flag must be known, and have a value if it needs one. */
export function parseFlags(args: readonly string[], specs: FlagSpecs): Parsed {
  const options = specs as NonNullable<ParseArgsConfig['options']>;
  const normal = args.map((arg) => withTwoDashes(specs, arg));
  const { tokens } = parseArgs({
    args: normal,
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const flags: Record<string, string | true> = {};
  const positionals: string[] = [];
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value);
    if (token.kind !== 'option') continue;
    const name = findByName(specs, token.name);
    if (name === undefined) return unknownFlag(specs, token.rawName);
    if (Object.hasOwn(flags, name)) return { ok: false, problem: `--${name} is given twice: give it once` };
    if (specs[name]?.type === 'boolean') {
      if (token.value !== undefined && token.value !== 'true') {
        return { ok: false, problem: `--${name} takes no value: write it alone, or leave it out` };
      }
      flags[name] = true;
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      return { ok: false, problem: `--${name} needs a value: write --${name}=VALUE` };
    } else {
      flags[name] = token.value;
    }
  }
  return { ok: true, flags, positionals };
}

/** Where the command's name is: the first argument that is neither a flag nor the value of a global one. */
export function commandIndex(args: readonly string[], globals: FlagSpecs): number {
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i] as string;
    if (!arg.startsWith('-') || arg === '-') return i;
    if (arg.includes('=')) continue;
    const name = findByName(globals, arg.replace(/^--?/, ''));
    if (name !== undefined && globals[name]?.type === 'string') i += 1;
  }
  return -1;
}

export function unknownCommand(name: string, commands: readonly string[]): string {
  const meant = nearest(name, commands);
  const advice = meant === undefined ? `known: ${commands.join(', ')}` : `did you mean ${meant}?`;
  return `unknown command ${JSON.stringify(name)}: ${advice}`;
}
