import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DsnError, parseDsn } from '../../src/adapters/postgres/dsn.ts';

test('defaults are the Go program’s', () => {
  expect(parseDsn('postgres://db.example/lnmux')).toEqual({
    host: 'db.example',
    port: 5432,
    user: 'postgres',
    password: undefined,
    database: 'lnmux',
    tls: { verify: 'nothing' },
    applicationName: undefined,
    connectTimeoutMs: 5_000,
  });
});

test.each([
  ['disable', false],
  ['allow', { verify: 'nothing' }],
  ['prefer', { verify: 'nothing' }],
  ['require', { verify: 'nothing' }],
  ['verify-ca', { verify: 'authority' }],
  ['verify-full', { verify: 'full' }],
])('sslmode %s', (mode, tls) => {
  expect(
    parseDsn(`postgresql://u:p@[::1]:6000/d?sslmode=${mode}&connect_timeout=3&application_name=x`),
  ).toEqual({
    host: '::1',
    port: 6000,
    user: 'u',
    password: 'p',
    database: 'd',
    tls,
    applicationName: 'x',
    connectTimeoutMs: 3_000,
  });
});

test('a Unix socket needs no TLS', () => {
  const target = parseDsn('postgres://u@localhost:5433/d?host=%2Frun%2Fpg');
  expect(target).toMatchObject({ host: '/run/pg', port: 5433, tls: false });
});

test.each([
  ['not a URL', 'nonsense s3cret'],
  ['another scheme', 'mysql://u:s3cret@h/d'],
  ['no database', 'postgres://u:s3cret@h'],
  ['unknown parameter', 'postgres://u:s3cret@h/d?pool_size=3'],
  ['question mark in the password', 'postgres://u:a?s3cret=1@h/d'],
  ['unknown sslmode', 'postgres://u:s3cret@h/d?sslmode=maybe'],
  ['time-out', 'postgres://u:s3cret@h/d?connect_timeout=soon'],
  ['host that is no directory', 'postgres://u:s3cret@h/d?host=other'],
  ['encoding', 'postgres://u:s3cret%@h/d'],
])('%s is refused without showing the password', (_, dsn) => {
  expect(() => parseDsn(dsn)).toThrow(DsnError);
  expect(() => parseDsn(dsn)).toThrow(/^db\.dsn(?!.*s3cret)/);
});

test('any user, password and database survive percent-encoding', () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(text, text, text, (user, password, database) => {
      const [u, p, d] = [user, password, database].map(encodeURIComponent);
      // A path of dots is a relative path to a URL.
      fc.pre(!/^\.+$/.test(database));
      expect(parseDsn(`postgres://${u}:${p}@h/${d}`)).toMatchObject({ user, password, database });
    }),
  );
});
