import { X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressBytes } from '../../src/x509/address.ts';
import { IssuerError, makeCertificate } from '../../src/x509/certificate.ts';
import { isServerName } from '../../src/x509/hostName.ts';

const validFrom = new Date('2026-01-01T00:00:00Z');
const validTo = new Date('2036-01-01T00:00:00Z');
const times = { validFrom, validTo };
const ca = makeCertificate({ subject: { commonName: 'ca' }, use: 'authority', ...times });

/** The bytes of an IPv6 address as the URL parser has them: another implementation of the same grammar. */
function byUrl(address: string): Buffer {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':'));
  const middle = new Array<string>(8 - groups(head).length - groups(tail).length).fill('0');
  const all = [...groups(head), ...middle, ...groups(tail)];
  return Buffer.from(all.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

describe('a certificate', () => {
  it('says what was asked for, and is what its authority signed', () => {
    fc.assert(
      fc.property(
        fc.record({
          commonName: fc.stringMatching(/^[\p{L}\d ._@-]{1,64}$/u),
          units: fc.array(fc.stringMatching(/^[a-z:]{1,60}$/), { maxLength: 30 }),
        }),
        (subject) => {
          const made = makeCertificate({ subject, use: 'client', issuer: ca, ...times });
          const read = new X509Certificate(made.cert);
          const authority = new X509Certificate(ca.cert);
          expect(read.checkIssued(authority) && read.verify(authority.publicKey)).toBe(true);
          const { CN, OU } = read.toLegacyObject().subject as { CN: unknown; OU?: unknown };
          expect(CN).toBe(subject.commonName);
          expect([OU ?? []].flat()).toEqual(subject.units);
        },
      ),
      { numRuns: 50 },
    );
  });

  it.each([
    ['2049-12-31T23:59:59Z', 'Dec 31 23:59:59 2049 GMT'],
    ['2050-01-01T00:00:00Z', 'Jan  1 00:00:00 2050 GMT'],
    ['2126-06-01T12:30:01Z', 'Jun  1 12:30:01 2126 GMT'],
  ])('ends at %s', (to, expected) => {
    const made = makeCertificate({
      subject: { commonName: 'x' },
      use: 'server',
      hosts: ['x'],
      validFrom,
      validTo: new Date(to),
      issuer: ca,
    });
    expect(new X509Certificate(made.cert).validTo).toBe(expected);
  });

  it('is not signed by what is no authority, or with another key', () => {
    const leaf = makeCertificate({ subject: { commonName: 'x' }, use: 'client', issuer: ca, ...times });
    const other = makeCertificate({ subject: { commonName: 'ca' }, use: 'authority', ...times });
    for (const issuer of [leaf, { cert: ca.cert, key: other.key }, { cert: 'nonsense', key: ca.key }]) {
      const make = () => makeCertificate({ subject: { commonName: 'y' }, use: 'client', issuer, ...times });
      expect(make).toThrow(IssuerError);
    }
  });
});

describe('an address', () => {
  it('of version 6 has the bytes that the URL parser finds', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(isIPv6(address)).toBe(true);
        expect(addressBytes(address)).toEqual(byUrl(address));
      }),
    );
    expect(addressBytes('1.2.3.4')).toEqual(Buffer.of(1, 2, 3, 4));
  });
});

it.each([
  ['localhost', true],
  ['lnmux.example', true],
  ['*.lnmux.example', true],
  ['lnmux-0.lnmux.pay.svc.cluster.local', true],
  ['10.0.0.1', true],
  ['::1', true],
  ['fe80::1%eth0', false],
  ['10.0.0.256', false],
  ['a:1', false],
  ['a b', false],
  ['', false],
  ['-a', false],
  ['a..b', false],
  ['a'.repeat(64), false],
])('whether %s can be the name of a server: %s', (host, expected) => {
  expect(isServerName(host)).toBe(expected);
});
