import { createServer } from 'node:net';
import { Client, credentials, Server, ServerCredentials, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { listen } from '../../src/adapters/grpc/listen.ts';
import type { CallObserver } from '../../src/adapters/grpc/observer.ts';
import { GrpcListenError, startGrpcServer } from '../../src/adapters/grpc/server.ts';
import { formatHostPort, isLoopback, parseHostPort } from '../../src/adapters/net/address.ts';
import { noNodes } from '../support/noNodes.ts';
import { FakeApplication } from './fakeApplication.ts';
import { ask, closeAfterTest, eventually, RecordingLog, refusal, running } from './harness.ts';

describe('listening', () => {
  it('is refused with one clear line when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    closeAfterTest(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const log = new RecordingLog();
    for (const host of ['127.0.0.1', 'localhost']) {
      const listenAddress = `${host}:${port}`;
      const start = startGrpcServer({
        application: new FakeApplication(),
        nodes: noNodes,
        listenAddress,
        log,
      });
      const error = await start.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(GrpcListenError);
      expect(error).toMatchObject({ reason: 'in_use', address: listenAddress });
      expect((error as Error).message).toMatch(/^can't listen on .*: the port is in use; .*listenAddress$/);
    }
  });

  it('takes every address of a name or none, so that no client ends up at another program', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    closeAfterTest(() => void other.close());
    await new Promise((resolve) => other.once('listening', resolve));
    const { port } = other.address() as { port: number };
    const insecure = ServerCredentials.createInsecure();
    const both = async () => ['127.0.0.2', '127.0.0.1'];
    const server = new Server();
    closeAfterTest(() => server.forceShutdown());
    await expect(listen(server, `name:${port}`, insecure, both)).rejects.toMatchObject({ reason: 'in_use' });
    const missing = async () => ['203.0.113.7', '127.0.0.1'];
    const free = new Server();
    closeAfterTest(() => free.forceShutdown());
    expect(await listen(free, 'name:0', insecure, missing)).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it.each([
    ['nonsense', 'bad_address'],
    ['localhost:99999', 'bad_address'],
    ['203.0.113.7:0', 'bad_address'],
  ])('refuses %s', async (listenAddress, reason) => {
    const log = new RecordingLog();
    const start = startGrpcServer({ application: new FakeApplication(), nodes: noNodes, listenAddress, log });
    await expect(start).rejects.toMatchObject({ name: 'GrpcListenError', reason });
  });

  it('warns of plaintext beyond this machine, and only there', async () => {
    const wide = await running({ listenAddress: ':0' });
    expect(wide.log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(1);
    await ask(wide.client, wide.client.getInfo, {});
    const local = await running({ listenAddress: 'localhost:0' });
    expect(local.log.lines.filter((line) => line.startsWith('warn'))).toEqual([]);
  });

  it.each([
    ['localhost:19090', { host: 'localhost', port: 19_090 }],
    [':9190', { host: '', port: 9190 }],
    ['[::1]:1', { host: '::1', port: 1 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['localhost', undefined],
    ['::1:80', undefined],
    ['a b:80', undefined],
    ['host:65536', undefined],
    ['host:-1', undefined],
  ])('reads the address %s', (text, expected) => {
    const parsed = parseHostPort(text);
    expect(parsed).toEqual(expected);
    if (parsed) expect(formatHostPort(parsed)).toBe(text);
  });

  it.each([
    ['localhost', true],
    ['127.8.0.1', true],
    ['::1', true],
    ['', false],
    ['0.0.0.0', false],
    ['lnmux.example', false],
  ])('knows whether %s is this machine', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });
});

describe('closing', () => {
  it('ends streams and waits with UNAVAILABLE and lets a settle in flight finish', async () => {
    const { client, application, server } = await running();
    const stream = client.subscribeInvoiceAccepted({}).on('data', () => {});
    const ended = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
    const hash = Buffer.alloc(32, 1);
    const waiting = refusal(ask(client, client.waitForInvoiceFinalStatus, { hash }));
    let finish: (() => void) | undefined;
    application.settle = () =>
      new Promise((resolve) => {
        finish = () => resolve({ result: 'requested' });
      });
    const settling = ask(client, client.settleInvoice, { hash, setId: hash });
    await eventually(
      () => application.subscriptions.length === 1 && application.waiting.size === 1 && finish !== undefined,
    );
    const closed = server.close(10_000);
    expect((await ended).code).toBe(status.UNAVAILABLE);
    expect((await waiting).code).toBe(status.UNAVAILABLE);
    finish?.();
    expect(await settling).toEqual({});
    client.close();
    await closed;
    await server.close(0);
  });

  it('cuts off what does not finish within the grace time', async () => {
    const { client, application, server } = await running();
    application.settle = () => new Promise(() => {});
    const hash = Buffer.alloc(32, 1);
    const settling = refusal(ask(client, client.settleInvoice, { hash, setId: hash }));
    await eventually(() => application.asked.length === 1);
    await server.close(50);
    expect([status.UNAVAILABLE, status.CANCELLED]).toContain((await settling).code);
  });
});

describe('observing', () => {
  it('hears of every call with its code, and logs one line each when asked to', async () => {
    const seen: string[] = [];
    const observer: CallObserver = {
      started: (method, kind) => seen.push(`started ${method} ${kind}`),
      sent: (method) => seen.push(`sent ${method}`),
      finished: (method, _kind, code) => seen.push(`finished ${method} ${status[code]}`),
    };
    const { client, application, log } = await running({ observers: [observer], logCalls: true });
    application.cancel = async () => ({ result: 'not_found' });
    await ask(client, client.getInfo, {});
    await refusal(ask(client, client.cancelInvoice, { hash: Buffer.alloc(32), setId: Buffer.alloc(32) }));
    expect(seen).toEqual([
      'started GetInfo unary',
      'sent GetInfo',
      'finished GetInfo OK',
      'started CancelInvoice unary',
      'finished CancelInvoice NOT_FOUND',
    ]);
    const lines = log.lines.filter((line) => line.includes('Call finished'));
    expect(lines).toHaveLength(2);
    expect(lines[1]).toContain('"method":"CancelInvoice","code":"NOT_FOUND"');
  });

  it('sees a stream end when its client leaves', async () => {
    const codes: status[] = [];
    const observer: CallObserver = {
      started() {},
      sent() {},
      finished: (_method, _kind, code) => codes.push(code),
    };
    const { client, application } = await running({ observers: [observer] });
    const stream = client.subscribeInvoiceAccepted({}).on('error', () => {});
    await eventually(() => application.subscriptions.length === 1);
    stream.cancel();
    await eventually(() => codes.length === 1);
    expect(codes).toEqual([status.CANCELLED]);
  });
});

describe('an unknown method', () => {
  it('is UNIMPLEMENTED', async () => {
    const { server } = await running();
    const client = new Client(server.address, credentials.createInsecure());
    closeAfterTest(() => client.close());
    const bytes = () => Buffer.alloc(0);
    const code = await new Promise((resolve) => {
      client.makeUnaryRequest('/lnmux.Service/Nonsense', bytes, bytes, {}, (error) => resolve(error?.code));
    });
    expect(code).toBe(status.UNIMPLEMENTED);
  });
});
