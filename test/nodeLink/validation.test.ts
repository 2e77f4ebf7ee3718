import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareLndVersions, parseLndVersion, weaknessOf } from '../../src/actors/nodeLink/lndVersion.ts';
import { DEFAULT_MIN_LND_VERSION, validateNode } from '../../src/actors/nodeLink/validation.ts';
import type { LndInfo } from '../../src/actors/ports/lndClient.ts';
import type { NodeId } from '../../src/domain/hash.ts';
import { NODE } from './rig.ts';

const OTHER = `03${'ab'.repeat(32)}` as NodeId;
const good: LndInfo = {
  alias: 'fake',
  identityPubkey: NODE,
  network: 'regtest',
  syncedToChain: true,
  requireHtlcInterceptor: true,
  storeFinalHtlcResolutions: true,
};
const expected = { nodeId: NODE, network: 'regtest', minLndVersion: DEFAULT_MIN_LND_VERSION };
const refusal = (version: string, info: Partial<LndInfo> = {}, min = DEFAULT_MIN_LND_VERSION) => {
  const verdict = validateNode({ ...expected, minLndVersion: min }, version, { ...good, ...info });
  return verdict.valid ? undefined : verdict.reason;
};

describe('validation', () => {
  test.each<[string, Partial<LndInfo>, string | undefined]>([
    ['0.21.2-beta', {}, undefined],
    ['0.21.2-beta commit=v0.21.2-beta', {}, undefined],
    ['v0.16.0-beta.rc2', {}, undefined],
    ['0.16.0-beta', {}, undefined],
    ['0.21.2-beta', { identityPubkey: NODE.toUpperCase() }, undefined],
    ['0.21.2-beta', { syncedToChain: false }, undefined],
    [
      '0.16.0-beta.rc1',
      {},
      'connected to lnd version 0.16.0-beta.rc1, but minimum required version is 0.16.0-beta.rc2',
    ],
    [
      '0.15.5-beta',
      {},
      'connected to lnd version 0.15.5-beta, but minimum required version is 0.16.0-beta.rc2',
    ],
    ['what', {}, 'invalid lnd version: what'],
    ['', {}, 'invalid lnd version: '],
    ['0.21.2-beta', { network: 'mainnet' }, 'unexpected network: expected regtest, connected to mainnet'],
    ['0.21.2-beta', { network: undefined }, 'unexpected network: expected regtest, connected to none'],
    ['0.21.2-beta', { identityPubkey: 'nonsense' }, 'invalid identity pubkey: nonsense'],
    ['0.21.2-beta', { identityPubkey: OTHER }, `unexpected pubkey: expected ${NODE}, connected to ${OTHER}`],
    ['0.21.2-beta', { requireHtlcInterceptor: false }, 'lnd requireinterceptor flag not set'],
    ['0.21.2-beta', { storeFinalHtlcResolutions: false }, 'lnd store-final-htlc-resolutions flag not set'],
  ])('%s %o: %s', (version, info, reason) => {
    expect(refusal(version, info)).toBe(reason);
  });

  test('the minimum is configurable, and a nonsensical one refuses rather than admits', () => {
    expect(refusal('0.20.2-beta', {}, '0.20.3-beta')).toContain('minimum required version is 0.20.3-beta');
    expect(refusal('0.20.3-beta', {}, '0.20.3-beta')).toBeUndefined();
    expect(refusal('0.21.2-beta', {}, 'latest')).toBe('invalid minimum lnd version: latest');
  });
});

describe('lnd versions', () => {
  const order = [
    '0.15.5-beta',
    '0.16.0-alpha',
    '0.16.0-beta.rc1',
    '0.16.0-beta.rc2',
    '0.16.0-beta.rc10',
    '0.16.0-beta',
    '0.16.0-beta.1',
    '0.16.0',
    '0.16.1-beta.rc1',
    '0.20.0-beta',
    '1.0.0-beta',
  ];

  test('are ordered as lnd releases them', () => {
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) {
        expect(Math.sign(compareLndVersions(parseLndVersion(a)!, parseLndVersion(b)!)), `${a} ${b}`).toBe(
          Math.sign(i - j),
        );
      }
    }
  });

  test('the order is one: antisymmetric and transitive, whatever the suffixes', () => {
    const part = fc.constantFrom('alpha', 'beta', 'rc1', 'rc2', 'rc10', '1', '2', '10', 'x');
    const version = fc
      .tuple(fc.nat(1), fc.nat(1), fc.nat(1), fc.array(part, { maxLength: 3 }))
      .map(([a, b, c, pre]) => parseLndVersion(`${a}.${b}.${c}${pre.length ? `-${pre.join('.')}` : ''}`)!);
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        const cmp = (x: typeof a, y: typeof a) => Math.sign(compareLndVersions(x, y));
        expect(cmp(a, b) + cmp(b, a)).toBe(0);
        expect(cmp(a, b) === 0).toBe(a.text === b.text);
        if (cmp(a, b) <= 0 && cmp(b, c) <= 0) expect(cmp(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['0.16.0-beta', 'force closed'],
    ['0.16.4-beta', 'two hours'],
    ['0.17.0-beta', 'force closed'],
    ['0.20.1-beta', 'force closed'],
    ['0.20.2-beta', 'absurd expiry'],
    ['0.20.3-beta', undefined],
    ['0.20.4-beta', undefined],
    ['0.21.0-beta', 'force closed'],
    ['0.21.1-beta', 'absurd expiry'],
    ['0.21.2-beta', undefined],
    ['0.22.0-beta', undefined],
    ['1.0.0', undefined],
  ])('%s: what it can not do safely', (version, words) => {
    const weakness = weaknessOf(parseLndVersion(version)!);
    if (words === undefined) expect(weakness).toBeUndefined();
    else expect(weakness).toContain(words);
    if (version.startsWith('0.17')) expect(weakness).not.toContain('two hours');
    if (words === 'absurd expiry') expect(weakness).not.toContain('force closed');
  });

  test('what is not a version is not taken for one', () => {
    for (const text of ['', '0.16', 'v', '0.16.x', '0.16.0.1', '-0.1.2', '99999999.0.0', 'unknown'])
      expect(parseLndVersion(text)).toBeUndefined();
  });
});
