import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { parseLndVersion, weaknessOf } from '../../../src/actors/nodeLink/lndVersion.ts';
import type { Binaries, ChainBinary, NotFound } from './binaries.ts';

/** What the programs say they are. */
export interface Versions {
  readonly lnd: string;
  readonly lncli: string;
  readonly chain: string;
}

export type Checked = { readonly ok: true; readonly versions: Versions } | NotFound;

const LIMIT_MS = 30_000;
/** The oldest that knows everything the driver asks for: taproot, and sane fees without any history. */
const OLDEST = { bitcoind: [25, 0], btcd: [0, 23] } as const;
const run = promisify(execFile);

/** Asks every program for its version, and refuses those that are something else, do not start, or are too old. */
export async function checkVersions({ lnd, lncli, chain }: Binaries): Promise<Checked> {
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
    lnd: note(ofText(lnd, lndText, lndVersion)),
    lncli: note(ofText(lncli, lncliText, lncliVersion)),
    chain: note(ofText(chain.path, chainText, (text) => chainVersion(chain.kind, text))),
  };
  if (problems.length === 0 && versions.lnd !== versions.lncli) {
    problems.push(
      `LND_BIN is lnd ${versions.lnd}, LNCLI_BIN is lncli ${versions.lncli}: take both from one release`,
    );
  }
  return problems.length > 0 ? { ok: false, problems } : { ok: true, versions };
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
export function lndVersion(text: string): string | { problem: string } {
  const found = /^(?!lncli )\S+ version (\S+) commit=/m.exec(text)?.[1];
  const version = found === undefined ? undefined : parseLndVersion(found);
  if (!version) return { problem: `this is not lnd: it says "${firstLine(text)}"` };
  const weakness = weaknessOf(version);
  return weakness === undefined ? version.text : { problem: `too old for these scenarios. ${weakness}` };
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
