import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FaultProxy } from '../../verify/chaos/cluster/faultProxy.ts';

let server: Server;
let proxy: FaultProxy;
/** What the server got, in all. */
let received: string;
const sockets = new Set<Socket>();

/** A client with what it got and how it ended. */
function client() {
  const socket = connect(proxy.port, '127.0.0.1');
  sockets.add(socket);
  const seen = { text: '', isClosed: false };
  socket.on('data', (bytes) => {
    seen.text += bytes.toString();
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => socket.on('close', () => done())).then(() => {
    seen.isClosed = true;
  });
  return { socket, seen, closed };
}

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5_000; !isSo(); ) {
    if (Date.now() > deadline) throw new Error('did not happen');
    await new Promise((wake) => setTimeout(wake, 2));
  }
}

beforeEach(async () => {
  received = '';
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      received += bytes.toString();
      socket.write(bytes.toString().toUpperCase());
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  proxy = await FaultProxy.start(() => ({ host: '127.0.0.1', port }));
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await proxy.stop();
  await new Promise((done) => server.close(done));
});

describe('fault proxy', () => {
  test('passes everything', async () => {
    const { socket, seen } = client();
    socket.write('abc');
    await until(() => seen.text === 'ABC');
  });

  test('delays, in order', async () => {
    const { socket, seen } = client();
    socket.write('1');
    await until(() => seen.text === '1');
    proxy.fault = { kind: 'delay', ms: 60 };
    const startedAt = performance.now();
    socket.write('a');
    await until(() => received === '1a');
    proxy.fault = { kind: 'none' };
    socket.write('b');
    await until(() => seen.text === '1AB');
    expect(performance.now() - startedAt).toBeGreaterThan(55);
  });

  test('holds both directions and lets everything go afterwards', async () => {
    const { socket, seen } = client();
    socket.write('1');
    await until(() => seen.text === '1');
    proxy.fault = { kind: 'hold' };
    socket.write('abc');
    await new Promise((wake) => setTimeout(wake, 60));
    expect(received).toBe('1');
    proxy.fault = { kind: 'none' };
    await until(() => seen.text === '1ABC');
  });

  test('cuts before the request, after it, or in its middle', async () => {
    for (const [kind, gets] of [
      ['cutRequest', ''],
      ['cutAnswer', 'abcd'],
      ['cutMiddle', 'ab'],
    ] as const) {
      received = '';
      const { socket, seen, closed } = client();
      await until(() => socket.readyState === 'open');
      proxy.fault = { kind };
      socket.write('abcd');
      await closed;
      await until(() => received === gets);
      expect(seen.text).toBe('');
      expect(proxy.fault.kind).toBe('none');
    }
  });

  test('refuses, cuts all, and works again', async () => {
    const first = client();
    first.socket.write('a');
    await until(() => first.seen.text === 'A');
    proxy.fault = { kind: 'refuse' };
    await client().closed;
    proxy.cutAll();
    await first.closed;
    proxy.fault = { kind: 'none' };
    const last = client();
    last.socket.write('z');
    await until(() => last.seen.text === 'Z');
  });
});
