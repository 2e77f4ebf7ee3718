import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readLndCredentials } from '../../src/adapters/lnd/credentials.ts';
import { channelOptions, DEFAULT_LND_CHANNEL_LIMITS } from '../../src/adapters/lnd/lndChannel.ts';
import { selfSignedCertificate } from '../../src/simulator/server/certificate.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnd-credentials-'));
afterAll(() => rmSync(dir, { recursive: true }));
const file = (name: string, content: string | Uint8Array) => {
  const path = join(dir, name);
  writeFileSync(path, content);
  return path;
};
const tlsCertPath = file('tls.cert', selfSignedCertificate('alice').cert);
const macaroonPath = file('mux.macaroon', Buffer.from('0201abcd', 'hex'));

describe('credentials', () => {
  test('are read as lnd writes them', async () => {
    const { macaroonHex } = await readLndCredentials({ tlsCertPath, macaroonPath });
    expect(macaroonHex).toBe('0201abcd');
  });

  test.each([
    ['no certificate', { tlsCertPath: join(dir, 'none') }, /TLS certificate .*none: ENOENT/],
    ['no macaroon', { macaroonPath: join(dir, 'none') }, /macaroon .*none: ENOENT/],
    ['a directory', { macaroonPath: dir }, /macaroon .*: EISDIR/],
    ['an empty file', { macaroonPath: file('empty', '') }, /macaroon .*empty: the file is empty/],
    ['something else', { tlsCertPath: file('text', 'hello') }, /text: not a PEM certificate/],
    ['the macaroon', { tlsCertPath: macaroonPath }, /not a PEM certificate/],
    ['a huge file', { macaroonPath: file('huge', Buffer.alloc(1_000_001)) }, /the file is too large/],
  ])('%s: an error that names the file, without its content', async (_, wrong, message) => {
    const reading = readLndCredentials({ tlsCertPath, macaroonPath, ...wrong });
    await expect(reading).rejects.toMatchObject({ name: 'LndError', kind: 'credentials' });
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.not.toThrow(/0201abcd|hello/);
  });

  test('a file that may not be read', async () => {
    const path = file('secret', 'x');
    chmodSync(path, 0);
    // root may read everything: for the time of this test it is somebody else.
    const asRoot = process.getuid?.() === 0;
    if (asRoot) process.seteuid?.(65_534);
    try {
      await expect(readLndCredentials({ tlsCertPath, macaroonPath: path })).rejects.toThrow(/EACCES/);
    } finally {
      if (asRoot) process.seteuid?.(0);
    }
  });
});

test('pings are never faster than lnd allows', () => {
  const options = channelOptions({ ...DEFAULT_LND_CHANNEL_LIMITS, keepaliveMs: 10 });
  expect(options['grpc.keepalive_time_ms']).toBe(5_000);
  expect(options['grpc.max_receive_message_length']).toBe(50 * 1024 * 1024);
});
