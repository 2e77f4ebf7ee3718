import { isAccessName } from '../../adapters/grpc/access/accessFile.ts';
import { parseRoles, ROLES, type Roles } from '../../adapters/grpc/access/roles.ts';
import { isServerName } from '../../x509/hostName.ts';
import { commandIndex, type FlagSpecs, parseFlags, unknownCommand } from './flags.ts';

/** What `lnmuxd auth` can be asked for. Everything happens in `dir`. */
export type AuthRequest =
  | { readonly action: 'ca'; readonly dir: string; readonly name: string; readonly days: number }
  | {
      readonly action: 'server';
      readonly dir: string;
      readonly hosts: readonly string[];
      readonly days: number;
      readonly force: boolean;
    }
  | {
      readonly action: 'client';
      readonly dir: string;
      readonly name: string;
      readonly roles: Roles;
      readonly days: number;
    }
  | { readonly action: 'token'; readonly dir: string; readonly name: string; readonly roles: Roles }
  | { readonly action: 'revoke'; readonly dir: string; readonly name: string }
  | { readonly action: 'list'; readonly dir: string }
  | { readonly action: 'help' };

export type AuthArgs =
  | { readonly ok: true; readonly request: AuthRequest }
  | { readonly ok: false; readonly problem: string };

class ArgumentError extends Error {}

const DIR: FlagSpecs = { dir: { type: 'string' } };
const DAYS: FlagSpecs = { ...DIR, days: { type: 'string' } };
const HELP: FlagSpecs = { help: { type: 'boolean', short: 'h' } };

const FLAGS = {
  ca: { ...DAYS, name: { type: 'string' } },
  server: { ...DAYS, host: { type: 'string' }, force: { type: 'boolean' } },
  client: { ...DAYS, name: { type: 'string' }, role: { type: 'string' } },
  token: { ...DIR, name: { type: 'string' }, role: { type: 'string' } },
  revoke: { ...DIR, name: { type: 'string' } },
  list: DIR,
} as const satisfies Readonly<Record<string, FlagSpecs>>;

type Action = keyof typeof FLAGS;

/** The flags of all actions: to find the action behind them. */
const ALL_FLAGS: FlagSpecs = Object.assign({}, HELP, ...Object.values(FLAGS));

/**
 * An authority for ten years: to replace it means to replace all that it signed. A server for two, and its end is
 * announced in the log. A client for one: it may get lost on the way.
 */
const DEFAULT_DAYS = { ca: 3_650, server: 730, client: 365 } as const;
const MAX_DAYS = 36_500;

/** Files of the folder that are not a client's. */
const RESERVED = ['ca', 'server', 'access'];

type Flags = Readonly<Record<string, string | true>>;

function text(flags: Flags, name: string, example: string): string {
  const value = flags[name];
  if (typeof value === 'string' && value !== '') return value;
  throw new ArgumentError(`--${name} is missing: for example --${name} ${example}`);
}

function daysOf(flags: Flags, fallback: number): number {
  const value = flags.days as string | undefined;
  if (value === undefined) return fallback;
  const days = /^\d{1,5}$/.test(value) ? Number(value) : 0;
  if (days < 1 || days > MAX_DAYS) throw new ArgumentError(`--days must be 1 to ${MAX_DAYS}`);
  return days;
}

function nameOf(flags: Flags): string {
  const name = text(flags, 'name', 'shop');
  if (!isAccessName(name) || name.startsWith('.')) {
    throw new ArgumentError('--name may have letters, digits and . _ @ - only, at most 64');
  }
  if (RESERVED.includes(name)) throw new ArgumentError(`--name ${name} is taken: choose another name`);
  return name;
}

function rolesOf(flags: Flags): Roles {
  const roles = parseRoles(text(flags, 'role', 'invoices,settle'));
  if (roles === undefined) {
    throw new ArgumentError(`--role must be of ${ROLES.join(', ')}: several are joined by commas`);
  }
  return roles;
}

function hostsOf(flags: Flags): readonly string[] {
  const hosts = text(flags, 'host', 'lnmux.example,10.0.0.5').split(',');
  const wrong = hosts.find((host) => !isServerName(host));
  if (wrong !== undefined) {
    throw new ArgumentError(`--host must be names and addresses without ports, joined by commas`);
  }
  // Whoever sits on the machine itself wants in, too.
  return [...new Set([...hosts, 'localhost', '127.0.0.1', '::1'])];
}

function requestOf(action: Action, flags: Flags): AuthRequest {
  const dir = (flags.dir as string | undefined) || 'auth';
  switch (action) {
    case 'ca': {
      const name = (flags.name as string | undefined) || 'lnmux authority';
      return { action, dir, name: name.slice(0, 64), days: daysOf(flags, DEFAULT_DAYS.ca) };
    }
    case 'server':
      return {
        action,
        dir,
        hosts: hostsOf(flags),
        days: daysOf(flags, DEFAULT_DAYS.server),
        force: flags.force === true,
      };
    case 'client': {
      const days = daysOf(flags, DEFAULT_DAYS.client);
      return { action, dir, name: nameOf(flags), roles: rolesOf(flags), days };
    }
    case 'token':
      return { action, dir, name: nameOf(flags), roles: rolesOf(flags) };
    case 'revoke':
      return { action, dir, name: nameOf(flags) };
    case 'list':
      return { action, dir };
  }
}

/** Parses what follows `lnmuxd auth`. */
export function parseAuthArgs(args: readonly string[]): AuthArgs {
  const at = commandIndex(args, ALL_FLAGS);
  const action = at < 0 ? undefined : (args[at] as string);
  if (action === undefined || action === 'help') return { ok: true, request: { action: 'help' } };
  if (!Object.hasOwn(FLAGS, action))
    return { ok: false, problem: unknownCommand(action, Object.keys(FLAGS)) };
  const parsed = parseFlags(args.toSpliced(at, 1), { ...HELP, ...FLAGS[action as Action] });
  if (!parsed.ok) return parsed;
  if (parsed.flags.help === true) return { ok: true, request: { action: 'help' } };
  if (parsed.positionals.length > 0) {
    return { ok: false, problem: `too many arguments after auth ${action}: it takes flags only` };
  }
  try {
    return { ok: true, request: requestOf(action as Action, parsed.flags) };
  } catch (error) {
    if (error instanceof ArgumentError) return { ok: false, problem: error.message };
    throw error;
  }
}
