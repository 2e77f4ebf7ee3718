import { describe, expect, it } from 'vitest';
import { formatProblem } from '../../src/daemon/config/load.ts';
import { GOOD, good, problems } from './harness.ts';

const TLS = 'tlsCertPath: a.crt, tlsKeyPath: a.key';
const withApi = (api: string, address = 'localhost:19090') =>
  `${GOOD}listenAddress: "${address}"\napi: {${api}}\n`;

describe('api', () => {
  it('is open on this machine unless something else is said', () => {
    const { config, warnings } = good(GOOD);
    expect(config.api).toEqual({
      tlsCertPath: undefined,
      tlsKeyPath: undefined,
      clientCaPath: undefined,
      accessPath: undefined,
      allowPlaintext: false,
      returnPreimage: true,
    });
    expect(warnings).toEqual([]);
  });

  it('has paths beside the file', () => {
    const text = withApi(
      `${TLS}, clientCaPath: sub/ca.crt, accessPath: /x/access, returnPreimage: false`,
      ':1',
    );
    expect(good(text).config.api).toEqual({
      tlsCertPath: '/etc/lnmux/a.crt',
      tlsKeyPath: '/etc/lnmux/a.key',
      clientCaPath: '/etc/lnmux/sub/ca.crt',
      accessPath: '/x/access',
      allowPlaintext: false,
      returnPreimage: false,
    });
  });

  it.each(['0.0.0.0:19090', ':19090', '[::]:19090', '10.0.0.1:19090', 'lnmux.example:19090'])(
    'is not served in plaintext on %s, and the refusal names the ways out',
    (address) => {
      const found = problems(withApi('', address));
      expect(found).toHaveLength(1);
      expect(found[0]).toContain(
        `listenAddress: this address can be reached from other machines, in plaintext`,
      );
      for (const way of ['api.tlsCertPath', 'lnmuxd auth', 'api.allowPlaintext: true', 'localhost']) {
        expect(found[0]).toContain(way);
      }
      expect(problems(withApi('accessPath: x', address))).toHaveLength(1);
      expect(good(withApi('allowPlaintext: true', address)).config.api.allowPlaintext).toBe(true);
      good(withApi(`${TLS}, accessPath: x`, address));
    },
  );

  it.each(['localhost:1', '127.0.0.1:1', '127.1.2.3:1', '[::1]:1'])(
    'is served in plaintext on %s',
    (address) => {
      good(withApi('', address));
    },
  );

  it.each([
    ['a certificate without its key', 'tlsCertPath: a, accessPath: b', /api.tlsCertPath: has no key/],
    ['a key without its certificate', 'tlsKeyPath: a', /api.tlsKeyPath: has no certificate/],
    ['client certificates without TLS', 'clientCaPath: a', /api.clientCaPath: client certificates need TLS/],
    ['TLS that asks nobody', TLS, /api.tlsCertPath: TLS alone asks nobody/],
    ['a token in place of a path', 'tokenPath: a', /api.tokenPath: unknown key/],
  ])('refuses %s', (_, api, expected) => {
    expect(problems(withApi(api)).join('\n')).toMatch(expected);
  });

  it('says that a permission is not needed', () => {
    const { warnings } = good(withApi('allowPlaintext: true'));
    expect(warnings.map(formatProblem)).toEqual([
      expect.stringMatching(/api.allowPlaintext: not needed here/),
    ]);
  });
});
