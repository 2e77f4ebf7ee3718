import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findBinaries } from './lnd/binaries.ts';
import {
  chainFlags,
  chainVersion,
  checkVersions,
  generationOf,
  lncliVersion,
  lndVersion,
} from './lnd/versions.ts';
import { standIn } from './standIns.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-binaries-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const says = (name: string, text: string) => standIn(dir, name, `echo "${text}"`);
const lnd = says('lnd', 'lnd version 0.20.3-beta commit=v0.20.3-beta');
const lncli = says('lncli', 'lncli version 0.20.3-beta commit=v0.20.3-beta');
const bitcoind = says('bitcoind', 'Bitcoin Core daemon version v29.0.0');
const btcd = says('btcd', 'btcd version 0.24.2-beta');
const all = { LND_BIN: lnd, LNCLI_BIN: lncli, BITCOIND_BIN: bitcoind };

const problemsOf = (env: Record<string, string>) => {
  const found = findBinaries(env);
  return found.ok ? [] : found.problems;
};

describe('the environment', () => {
  it('names all that is needed', () => {
    expect(findBinaries(all)).toEqual({
      ok: true,
      binaries: { lnd, lncli, chain: { kind: 'bitcoind', path: bitcoind } },
    });
    const { BITCOIND_BIN: _, ...rest } = all;
    expect(findBinaries({ ...rest, BTCD_BIN: btcd })).toMatchObject({
      binaries: { chain: { kind: 'btcd', path: btcd } },
    });
  });

  it('may name programs in PATH', () => {
    expect(findBinaries({ ...all, LND_BIN: 'lnd', PATH: `/nowhere:${dir}` })).toMatchObject({
      ok: true,
      binaries: { lnd },
    });
    expect(problemsOf({ ...all, LND_BIN: 'lnd', PATH: '/nowhere' })).toEqual([
      'LND_BIN=lnd: there is no such program in PATH',
    ]);
  });

  it('without anything: every variable is named', () => {
    expect(problemsOf({})).toEqual([
      expect.stringContaining('LND_BIN is not set'),
      expect.stringContaining('LNCLI_BIN is not set'),
      expect.stringContaining('neither BITCOIND_BIN nor BTCD_BIN is set'),
    ]);
  });

  it.each([
    ['LNCLI_BIN', /^LNCLI_BIN is not set/],
    ['LND_BIN', /^LND_BIN is not set/],
    ['BITCOIND_BIN', /^neither BITCOIND_BIN nor BTCD_BIN is set/],
  ])('without %s alone: that one is named', (variable, says_) => {
    expect(problemsOf({ ...all, [variable]: '' })).toEqual([expect.stringMatching(says_)]);
  });

  it('with two chain backends, a missing file, a folder, or a file that is not executable: says so', () => {
    expect(problemsOf({ ...all, BTCD_BIN: btcd })).toEqual([expect.stringMatching(/are both set/)]);
    expect(problemsOf({ ...all, LND_BIN: `${dir}/absent` })).toEqual([expect.stringMatching(/no such file/)]);
    expect(problemsOf({ ...all, LND_BIN: `${dir}/` })).toEqual([expect.stringMatching(/no such file/)]);
    const plain = standIn(dir, 'plain', 'exit 0', 0o644);
    expect(problemsOf({ ...all, LNCLI_BIN: plain })).toEqual([
      `LNCLI_BIN=${plain}: the file is not executable: chmod +x it`,
    ]);
  });
});

describe('versions', () => {
  const binaries = { lnd, lncli, chain: { kind: 'bitcoind', path: bitcoind } } as const;

  it('are asked of every program', async () => {
    expect(await checkVersions(binaries)).toEqual({
      ok: true,
      versions: { lnd: '0.20.3-beta', lncli: '0.20.3-beta', chain: '29.0.0' },
      weakness: undefined,
    });
  });

  it('of lnd: from 0.20.3 and 0.21.2 on', () => {
    const told = (version: string) => lndVersion(`lnd version ${version} commit=v${version}`);
    for (const good of ['0.20.3-beta', '0.21.2-beta', '0.22.0-beta.rc1']) expect(told(good)).toBe(good);
    for (const old of ['0.19.3-beta', '0.20.2-beta', '0.21.0-beta', '0.21.1-beta']) {
      expect(told(old)).toEqual({
        problem: expect.stringMatching(/too old.*upgrade to 0\.20\.3, 0\.21\.2 or later/),
      });
    }
    expect(lndVersion('lnd-v0.21 version 0.21.2-beta commit=v0.21.2-beta')).toBe('0.21.2-beta');
    for (const other of ['lncli version 0.20.3-beta commit=v0.20.3-beta', 'btcd version 0.24.2-beta']) {
      expect(lndVersion(other)).toEqual({ problem: expect.stringMatching(/not lnd/) });
    }
    expect(lncliVersion('lnd version 0.20.3-beta')).toEqual({ problem: expect.stringMatching(/not lncli/) });
  });

  it('of lnd, when asked for: as old as lnmux takes it, and what it can not do', async () => {
    const says_ = (name: string, version: string) =>
      says(`${name}-${version}`, `${name} version ${version} commit=v${version}`);
    const old = { ...binaries, lnd: says_('lnd', '0.16.4-beta'), lncli: says_('lncli', '0.16.4-beta') };
    expect(await checkVersions(old, { allowOld: true })).toMatchObject({
      ok: true,
      versions: { lnd: '0.16.4-beta' },
      weakness: expect.stringMatching(/upgrade to/),
    });
    expect(lndVersion('lnd version 0.15.5-beta commit=v0.15.5-beta', true)).toEqual({
      problem: 'lnd 0.15.5-beta is too old for lnmux: 0.16.0-beta.rc2 or later is needed',
    });
  });

  it('of lnd: what older ones need to be told, and how they behave', () => {
    expect(chainFlags('0.17.5-beta')).toEqual(['--bitcoin.active']);
    for (const newer of ['0.18.0-beta', '0.21.2-beta']) expect(chainFlags(newer)).toEqual([]);
    const told = (version: string) => Object.values(generationOf(version)).join(' ');
    for (const version of ['0.16.4-beta', '0.20.1-beta']) expect(told(version)).toBe('L 0.20');
    expect(['0.20.2-beta', '0.20.3-beta', '0.20.4-beta'].map(told)).toEqual(['M 0.20', 'N 0.20', 'N 0.20']);
    expect(['0.21.0-beta', '0.21.1-beta', '0.21.2-beta'].map(told)).toEqual(['L 0.21', 'M 0.21', 'N 0.21']);
    expect(told('0.22.0-beta')).toBe('N 0.21');
  });

  it('of bitcoind and btcd', () => {
    expect(chainVersion('bitcoind', 'Bitcoin Core version v25.1.0\nCopyright')).toBe('25.1.0');
    expect(chainVersion('bitcoind', 'Bitcoin Core version v24.2.0')).toEqual({
      problem: 'bitcoind 24.2.0 is too old: 25.0 or later is needed',
    });
    expect(chainVersion('btcd', 'btcd version 0.24.2-beta')).toBe('0.24.2-beta');
    expect(chainVersion('btcd', 'btcd-linux version 0.25.0-beta')).toBe('0.25.0-beta');
    expect(chainVersion('btcd', 'btcd version 0.22.1-beta')).toEqual({
      problem: 'btcd 0.22.1-beta is too old: 0.23 or later is needed',
    });
    expect(chainVersion('bitcoind', 'btcd version 0.24.2')).toEqual({
      problem: expect.stringMatching(/not bitcoind/),
    });
    for (const other of ['lnd version 0.24.2-beta commit=x', 'Bitcoin Core daemon version v29.0.0']) {
      expect(chainVersion('btcd', other)).toEqual({ problem: expect.stringMatching(/not btcd/) });
    }
  });

  it('that do not fit together, and programs that do not start, are named', async () => {
    const other = says('lncli-21', 'lncli version 0.21.2-beta commit=x');
    expect(await checkVersions({ ...binaries, lncli: other })).toEqual({
      ok: false,
      problems: [expect.stringMatching(/lnd 0\.20\.3-beta.*lncli 0\.21\.2-beta: take both from one release/)],
    });
    const broken = standIn(dir, 'broken', 'echo cannot open shared object >&2; exit 127');
    expect(await checkVersions({ ...binaries, lnd: broken })).toEqual({
      ok: false,
      problems: [expect.stringMatching(/broken --version failed/)],
    });
  });
});
