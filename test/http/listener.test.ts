import { request } from 'node:http';
import { createServer, type Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import {
  type HttpListener,
  type HttpListenerOptions,
  startHttpListener,
} from '../../src/adapters/http/httpListener.ts';
import { RecordingLog } from '../support/recordingLog.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function listening(options: Partial<HttpListenerOptions> = {}): Promise<HttpListener> {
  const listener = await startHttpListener({
    name: 'Test',
    key: 'testAddress',
    address: '127.0.0.1:0',
    routes: [
      { path: '/hello', answer: (query) => ({ status: 200, type: 'text/plain', body: `hello ${query}` }) },
    ],
    log: new RecordingLog(),
    ...options,
  });
  open.push(listener);
  return listener;
}

async function occupied(): Promise<{ server: Server; address: string }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return { server, address: `127.0.0.1:${typeof address === 'object' ? address?.port : 0}` };
}

const statusOf = (address: string, path: string, method: string) =>
  new Promise<number>((resolve, reject) => {
    request(`http://${address}${path}`, { method }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on('error', reject)
      .end();
  });

describe('an HTTP listener', () => {
  it('answers GET and HEAD on its paths, with the query, and nothing else', async () => {
    const { address } = await listening();
    const response = await fetch(`http://${address}/hello?a=1`);
    expect(await response.text()).toBe('hello a=1');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const head = await fetch(`http://${address}/hello`, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    const absent = await fetch(`http://${address}/../etc/passwd`);
    expect([absent.status, await absent.text()]).toEqual([404, 'there is: /hello\n']);
    expect(await statusOf(address!, '/hello', 'POST')).toBe(405);
  });

  it('says that a port is busy in one line, and takes it as soon as it is free', async () => {
    const { server, address } = await occupied();
    const log = new RecordingLog();
    const listener = await listening({ address, log, retryMs: 10 });
    expect(listener.address).toBeUndefined();
    const complaints = log.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(complaints).toEqual([
      `Test HTTP server can't listen on ${address}: the port is in use; stop the program that has it ` +
        '(another lnmuxd?) or change testAddress; trying again',
    ]);
    await new Promise((resolve) => server.close(resolve));
    await expect.poll(() => listener.address, { timeout: 20_000 }).toBe(address);
    expect((await fetch(`http://${address}/hello`)).status).toBe(200);
  });

  it('gives up trying when it is closed', async () => {
    const { server, address } = await occupied();
    const log = new RecordingLog();
    const listener = await listening({ address, log, retryMs: 1 });
    await listener.close();
    await new Promise((resolve) => server.close(resolve));
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect(log.lines.filter(({ level }) => level === 'info')).toEqual([]);
    expect(listener.address).toBeUndefined();
  });

  it('listens on every address of a name', async () => {
    const { address } = await listening({ address: 'localhost:0' });
    const port = address?.split(':').at(-1);
    expect((await fetch(`http://127.0.0.1:${port}/hello`)).status).toBe(200);
  });

  it('answers a defect of a route with 500, logs it and goes on', async () => {
    const log = new RecordingLog();
    const routes = [
      {
        path: '/broken',
        answer: () => {
          throw new Error('no luck');
        },
      },
    ];
    const { address } = await listening({ routes, log });
    for (let i = 0; i < 2; i += 1) {
      const response = await fetch(`http://${address}/broken`);
      expect([response.status, await response.text()]).toEqual([500, 'internal error, see the log\n']);
    }
    expect(log.lines.filter(({ level }) => level === 'error')).toHaveLength(2);
  });

  it('does not wait for its clients when it closes', async () => {
    const arrived = Promise.withResolvers<void>();
    const answer = () => {
      arrived.resolve();
      return new Promise<never>(() => {});
    };
    const listener = await listening({ routes: [{ path: '/slow', answer }] });
    const slow = fetch(`http://${listener.address}/slow`);
    slow.catch(() => {});
    await arrived.promise;
    await listener.close();
    await expect(slow).rejects.toThrow();
  });
});
