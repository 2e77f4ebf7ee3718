import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';

/** The programs of a run. */
export interface Binaries {
  readonly lnd: string;
  readonly lncli: string;
  readonly chain: ChainBinary;
}

export interface ChainBinary {
  readonly kind: 'bitcoind' | 'btcd';
  readonly path: string;
}

/** Whatever stands in the way of a run, one line each; or what was found. */
export type Found = { readonly ok: true; readonly binaries: Binaries } | NotFound;

export interface NotFound {
  readonly ok: false;
  readonly problems: readonly string[];
}

const CHAIN_VARIABLES = { BITCOIND_BIN: 'bitcoind', BTCD_BIN: 'btcd' } as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads LND_BIN, LNCLI_BIN and one of BITCOIND_BIN and BTCD_BIN: paths, or names of programs in PATH. */
export function findBinaries(env: Environment): Found {
  const problems: string[] = [];
  const program = (variable: string): string => {
    const value = env[variable];
    if (!value) {
      problems.push(`${variable} is not set: it names ${PURPOSE[variable]}`);
      return '';
    }
    const found = executable(value, env.PATH ?? '');
    if (typeof found === 'string') return found;
    problems.push(`${variable}=${value}: ${found.problem}`);
    return '';
  };
  const lnd = program('LND_BIN');
  const lncli = program('LNCLI_BIN');
  const chain = chainBinary(env, program, problems);
  if (problems.length > 0 || !chain) return { ok: false, problems };
  return { ok: true, binaries: { lnd, lncli, chain } };
}

const PURPOSE: Readonly<Record<string, string>> = {
  LND_BIN: 'lnd, 0.20.3 or 0.21.2 or later',
  LNCLI_BIN: "lnd's command line client, of the same release",
};

function chainBinary(
  env: Environment,
  program: (variable: string) => string,
  problems: string[],
): ChainBinary | undefined {
  const given = (['BITCOIND_BIN', 'BTCD_BIN'] as const).filter((variable) => env[variable]);
  const [variable] = given;
  if (given.length === 2)
    problems.push('BITCOIND_BIN and BTCD_BIN are both set: unset the one that is not to be used');
  if (!variable)
    problems.push('neither BITCOIND_BIN nor BTCD_BIN is set: one of them names the chain backend');
  if (given.length !== 1 || !variable) return undefined;
  return { kind: CHAIN_VARIABLES[variable], path: program(variable) };
}

/** The absolute path of a program that can be run. */
function executable(name: string, path: string): string | { readonly problem: string } {
  const candidates = name.includes('/')
    ? [resolve(name)]
    : path.split(delimiter).map((folder) => join(folder || '.', name));
  const files = candidates.filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  if (files.length === 0) {
    return { problem: name.includes('/') ? 'there is no such file' : 'there is no such program in PATH' };
  }
  const [runnable] = files.filter(isExecutable);
  return runnable ?? { problem: 'the file is not executable: chmod +x it' };
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
