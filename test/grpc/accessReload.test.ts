import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Client, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { beforeEach, describe, expect, it } from 'vitest';
import { AccessFileError } from '../../src/adapters/grpc/server.ts';
import { ServiceService } from '../../src/generated/lnmux.ts';
import { AccessFixture, attempt, authority, bearer, certificate } from './accessFixture.ts';
import { eventually, type Running } from './harness.ts';

const GET_INFO = ServiceService.getInfo;
const POLL = { timeout: 10_000, interval: 20 };

let files: AccessFixture;

beforeEach(() => {
  files = new AccessFixture();
});

const codeOf = async (client: Client, metadata = new Metadata()) =>
  (await attempt(client, GET_INFO, metadata)).code;

/** Opens SubscribeInvoiceAccepted and gives how it ends. */
async function subscribed(on: Running, client: ReturnType<AccessFixture['connect']>, metadata?: Metadata) {
  const before = on.application.subscriptions.length;
  const stream = client.subscribeInvoiceAccepted({}, metadata ?? new Metadata()).on('data', () => {});
  const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
  await eventually(() => on.application.subscriptions.length > before);
  return ended;
}

describe('without a restart', () => {
  it('a new token counts, and a removed one does not any more', async () => {
    const first = files.token('read');
    const on = await files.serve();
    const client = files.connect(on);
    expect(await codeOf(client, bearer(first))).toBe(status.OK);
    const second = files.token('settle');
    await expect.poll(() => codeOf(client, bearer(second)), POLL).toBe(status.OK);
    files.remove(first);
    await expect.poll(() => codeOf(client, bearer(first)), POLL).toBe(status.UNAUTHENTICATED);
    expect(await codeOf(client, bearer(second))).toBe(status.OK);
  });

  it('streams and waits of a removed token end; those of others and decisions go on', async () => {
    const [lost, kept] = [files.token('settle'), files.token('settle')];
    const on = await files.serve();
    const client = files.connect(on);
    const endLost = subscribed(on, client, bearer(lost)).then((ended) => ended);
    await eventually(() => on.application.subscriptions.length === 1);
    void subscribed(on, client, bearer(kept));
    await eventually(() => on.application.subscriptions.length === 2);
    const hash = Buffer.alloc(32, 1);
    const waits = new Promise<ServiceError | null>((resolve) => {
      client.waitForInvoiceFinalStatus({ hash }, bearer(lost), (error) => resolve(error));
    });
    let finish: (() => void) | undefined;
    on.application.settle = () =>
      new Promise((resolve) => {
        finish = () => resolve({ result: 'requested' });
      });
    const settles = new Promise<ServiceError | null>((resolve) => {
      client.settleInvoice({ hash, setId: hash }, bearer(lost), (error) => resolve(error));
    });
    await eventually(() => on.application.waiting.size === 1 && finish !== undefined);
    files.remove(lost);
    expect((await endLost).code).toBe(status.UNAUTHENTICATED);
    expect((await waits)?.code).toBe(status.UNAUTHENTICATED);
    await eventually(
      () => on.application.subscriptions[0]?.closed === true && on.application.waiting.size === 0,
    );
    finish?.();
    expect(await settles).toBe(null);
    expect(on.application.subscriptions[1]?.closed).toBe(false);
  });

  it('fewer roles count too', async () => {
    const token = files.token('settle');
    const on = await files.serve();
    const ended = subscribed(on, files.connect(on), bearer(token));
    await eventually(() => on.application.subscriptions.length === 1);
    const { tokenDigest } = await import('../../src/adapters/grpc/access/tokens.ts');
    files.entry(token, 'somebody', 'read', 'token', tokenDigest(token));
    expect((await ended).code).toBe(status.PERMISSION_DENIED);
  });

  it('a client certificate can be revoked, and given other roles', async () => {
    const own = files.client(['read']);
    const { X509Certificate } = await import('node:crypto');
    const digest = Buffer.from(new X509Certificate(own.cert).fingerprint256.replaceAll(':', ''), 'hex');
    const on = await files.serve();
    const client = files.connect(on, own);
    expect(await codeOf(client)).toBe(status.OK);
    files.entry('own', 'client', 'settle', 'cert', digest);
    const subscribing = () => attempt(client, ServiceService.settleInvoice).then(({ code }) => code);
    await expect.poll(subscribing, POLL).toBe(status.INVALID_ARGUMENT);
    files.entry('own', 'client', 'revoked', 'cert', digest);
    await expect.poll(() => codeOf(client), POLL).toBe(status.UNAUTHENTICATED);
    expect((await attempt(client, GET_INFO)).details).toBe('the client certificate was revoked');
  });

  it('a new certificate of the server is shown to new connections; old ones go on', async () => {
    const token = bearer(files.token('read'));
    const on = await files.serve();
    const old = files.connect(on);
    expect(await codeOf(old, token)).toBe(status.OK);
    const other = authority('another authority');
    files.setServer(certificate('server', { commonName: 'server' }, other));
    const renewed = async () => codeOf(files.connect(on, undefined, other.cert), token);
    await expect.poll(renewed, POLL).toBe(status.OK);
    expect(await codeOf(old, token)).toBe(status.OK);
    expect(await codeOf(files.connect(on), token)).toBe(status.UNAVAILABLE);
  });

  it('other authorities for clients: all connect again, and those of the old one are refused', async () => {
    const on = await files.serve();
    const client = files.connect(on, files.client(['settle']));
    const ended = subscribed(on, client);
    await eventually(() => on.application.subscriptions.length === 1);
    const other = authority('another authority');
    files.write('ca.crt', other.cert);
    expect(await ended).toMatchObject({
      code: status.UNAVAILABLE,
      details: 'the authorities for client certificates have changed: connect again',
    });
    await expect.poll(() => codeOf(client), POLL).toBe(status.UNAUTHENTICATED);
    expect(await codeOf(files.connect(on, files.client(['read'], other)))).toBe(status.OK);
  });
});

describe('a file that is broken while it is in use', () => {
  it('certificates: the old ones stay, and it is said', async () => {
    const token = bearer(files.token('read'));
    const on = await files.serve();
    files.write('server.crt', certificate('server', { commonName: 'server' }, files.ca).cert);
    await eventually(() => on.log.lines.some((line) => line.includes('does not belong to the certificate')));
    expect(await codeOf(files.connect(on), token)).toBe(status.OK);
  });

  it('a line of the list: it gives nothing, the others count', async () => {
    const token = files.token('read');
    const on = await files.serve();
    const path = join(files.dir, 'access');
    const lines = [...files.lines()].join('');
    writeFileSync(path, `${token} admin\nshop admni token:${'00'.repeat(32)}\n${lines}`);
    await eventually(() => on.log.lines.filter((line) => line.includes('left out')).length === 2);
    expect(await codeOf(files.connect(on), bearer(token))).toBe(status.OK);
    expect(on.log.lines.join('\n')).not.toContain(token);
  });

  it('the list taken away, or made writable for others: nobody is let in', async () => {
    const token = bearer(files.token('read'));
    const on = await files.serve();
    const client = files.connect(on);
    const path = join(files.dir, 'access');
    chmodSync(path, 0o666);
    await expect.poll(() => codeOf(client, token), POLL).toBe(status.UNAUTHENTICATED);
    chmodSync(path, 0o600);
    await expect.poll(() => codeOf(client, token), POLL).toBe(status.OK);
    rmSync(path);
    await expect.poll(() => codeOf(client, token), POLL).toBe(status.UNAUTHENTICATED);
    files.token('read');
    await expect.poll(() => codeOf(client, token), POLL).toBe(status.OK);
  });
});

describe('at the start, refused in one line', () => {
  it.each([
    [
      'no such file',
      () => rmSync(join(files.dir, 'server.crt')),
      /^api.tlsCertPath: .*server.crt: no such file/,
    ],
    ['no certificate', () => files.write('server.crt', 'nonsense'), /server.crt: not a certificate in PEM$/],
    ['no key', () => files.write('server.key', 'nonsense'), /server.key: not a private key in PEM without a/],
    [
      'another key',
      () => files.write('server.key', authority('x').key),
      /does not belong to the certificate/,
    ],
    [
      'a key for everybody',
      () => chmodSync(join(files.dir, 'server.key'), 0o644),
      /can read it; chmod 600 it$/,
    ],
    ['no authority', () => files.write('ca.crt', ''), /^api.clientCaPath: .*ca.crt: not a certificate/],
    ['a list for everybody', () => chmodSync(join(files.dir, 'access'), 0o602), /others can write it/],
    ['an endless list', () => files.write('access', '#'.repeat(2_000_000)), /larger than any such file/],
  ])('%s', async (_, damage, expected) => {
    damage();
    const error = await files.serve().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(AccessFileError);
    expect((error as Error).message).toMatch(expected);
    expect((error as Error).message).not.toContain('\n');
  });
});

describe('the end of the server certificate', () => {
  it.each([
    ['soon', [-1, 29], 'warn Certificate of the API ends soon'],
    ['past', [-3, -2], 'error Certificate of the API has ended, clients refuse it'],
  ] as const)('is said when %s, once', async (_, days, line) => {
    files.setServer(certificate('server', { commonName: 'server' }, files.ca, days));
    const on = await files.serve();
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(on.log.lines.filter((each) => each.startsWith(line))).toHaveLength(1);
  });

  it('is not said a year before', async () => {
    files.setServer(certificate('server', { commonName: 'server' }, files.ca, [-1, 365]));
    const on = await files.serve();
    expect(on.log.lines.filter((each) => each.includes('Certificate of the API'))).toEqual([]);
  });
});
