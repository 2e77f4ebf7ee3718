import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import {
  compareLndVersions,
  epochOf,
  parseLndVersion,
  weaknessOf,
} from '../../../src/actors/nodeLink/lndVersion.ts';
import { DEFAULT_MIN_LND_VERSION } from '../../../src/actors/nodeLink/validation.ts';
import type { Generation } from '../scenarios/cluster.ts';
import type { Binaries, ChainBinary, NotFound } from './binaries.ts';

/** What the programs say they are. */
export interface Versions {
  readonly lnd: string;
  readonly lncli: string;
  readonly chain: string;
}

export type Checked =
  | {
      readonly ok: true;
      readonly versions: Versions;
      /** What this lnd can't do well, in words. */
      readonly weakness: string | undefined;
    }
  | NotFound;

const LIMIT_MS = 30_000;
/** The oldest that knows everything the driver asks for: taproot, and sane fees without any history. */
const OLDEST = { bitcoind: [25, 0], btcd: [0, 23] } as const;
const OLDEST_LND = parseLndVersion(DEFAULT_MIN_LND_VERSION)!;
const run = promisify(execFile);

/**
 * Asks every program for its version, and refuses those that are something else, do not start, or are too old. With
 * `allowOld` any lnd that lnmux takes will do.
 */
export async function checkVersions(
  { lnd, lncli, chain }: Binaries,
  { allowOld = false }: { readonly allowOld?: boolean } = {},
): Promise<Checked> {
  const [lndText, lncliText, chainText] = await Promise.all([
    versionText(lnd),
    versionText(lncli),
    versionText(chain.path),
  ]);
  const problems: string[] = [];
  const note = (result: string | { problem: string }): string => {
    if (typeof result === 'string') return result;
    problems.push(result.problem);
    return '';
  };
  const versions = {
    lnd: note(ofText(lnd, lndText, (text) => lndVersion(text, allowOld))),
    lncli: note(ofText(lncli, lncliText, lncliVersion)),
    chain: note(ofText(chain.path, chainText, (text) => chainVersion(chain.kind, text))),
  };
  if (problems.length === 0 && versions.lnd !== versions.lncli) {
    problems.push(
      `LND_BIN is lnd ${versions.lnd}, LNCLI_BIN is lncli ${versions.lncli}: take both from one release`,
    );
  }
  if (problems.length > 0) return { ok: false, problems };
  return { ok: true, versions, weakness: weaknessOf(parseLndVersion(versions.lnd)!) };
}

type Answer = { readonly text: string } | { readonly error: string };

async function versionText(program: string): Promise<Answer> {
  try {
    const { stdout, stderr } = await run(program, ['--version'], { timeout: LIMIT_MS });
    return { text: (stdout || stderr).trim() };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOEXEC') return { error: 'it is no program for this machine' };
    return { error: message.split('\n')[0]! };
  }
}

function ofText(
  program: string,
  answer: Answer,
  read: (text: string) => string | { problem: string },
): string | { problem: string } {
  if ('error' in answer) return { problem: `${program} --version failed: ${answer.error}` };
  const result = read(answer.text);
  return typeof result === 'string' ? result : { problem: `${program}: ${result.problem}` };
}

/** `lnd version 0.20.3-beta commit=v0.20.3-beta`; in place of `lnd` what the file is called. */
export function lndVersion(text: string, allowOld = false): string | { problem: string } {
  const found = /^(?!lncli )\S+ version (\S+) commit=/m.exec(text)?.[1];
  const version = found === undefined ? undefined : parseLndVersion(found);
  if (!version) return { problem: `this is not lnd: it says "${firstLine(text)}"` };
  const weakness = weaknessOf(version);
  if (weakness === undefined) return version.text;
  if (!allowOld) return { problem: `too old for these scenarios, unless with --old-lnd. ${weakness}` };
  if (compareLndVersions(version, OLDEST_LND) >= 0) return version.text;
  return { problem: `lnd ${version.text} is too old for lnmux: ${OLDEST_LND.text} or later is needed` };
}

/** How this release behaves, in the simulator's words. */
export function generationOf(lnd: string): Generation {
  const version = parseLndVersion(lnd)!;
  return { epoch: epochOf(version), series: version.major > 0 || version.minor >= 21 ? '0.21' : '0.20' };
}

/** Until 0.17 lnd has to be told that its chain is bitcoin's. */
export function chainFlags(lnd: string): readonly string[] {
  const knowsLitecoin = compareLndVersions(parseLndVersion(lnd)!, parseLndVersion('0.18.0-beta.rc1')!) < 0;
  return knowsLitecoin ? ['--bitcoin.active'] : [];
}

export function lncliVersion(text: string): string | { problem: string } {
  const found = /^lncli version (\S+)/m.exec(text)?.[1];
  const version = found === undefined ? undefined : parseLndVersion(found);
  return version ? version.text : { problem: `this is not lncli: it says "${firstLine(text)}"` };
}

/**
 * `Bitcoin Core daemon version v29.0.0` (older: `Bitcoin Core version v25.1.0`), `btcd version 0.24.2-beta`; in place
 * of `btcd` what the file is called.
 */
export function chainVersion(kind: ChainBinary['kind'], text: string): string | { problem: string } {
  const pattern =
    kind === 'bitcoind' ? /version v?(\d+)\.(\d+)\S*/ : /^\S+ version (\d+)\.(\d+)\S*(?!.*commit=)/m;
  const match = kind === 'bitcoind' && !/Bitcoin|Knots/.test(text) ? null : pattern.exec(text);
  if (!match) return { problem: `this is not ${kind}: it says "${firstLine(text)}"` };
  const [whole, major = '', minor = ''] = match;
  const [oldestMajor, oldestMinor] = OLDEST[kind];
  const isOldEnough =
    Number(major) > oldestMajor || (Number(major) === oldestMajor && Number(minor) >= oldestMinor);
  const version = whole.replace(/^.*version v?/, '');
  if (isOldEnough) return version;
  return { problem: `${kind} ${version} is too old: ${oldestMajor}.${oldestMinor} or later is needed` };
}

function firstLine(text: string): string {
  return (text.split('\n')[0] ?? '').slice(0, 80);
}
