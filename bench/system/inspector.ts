import type { Daemon } from './daemon.ts';
import { rssOf } from './processStats.ts';

/** What a process holds after a full garbage collection, bytes. */
export interface HeldMemory {
  readonly rss: number;
  readonly heap: number;
  /** Outside of V8's heap: Buffers and the like. */
  readonly external: number;
}

/** Node's flag for a daemon whose memory is to be measured. */
export const INSPECT_FLAG = '--inspect=127.0.0.1:0';
const COLLECTIONS = 3;

/** Collects garbage in a daemon started with INSPECT_FLAG and reads what is left. */
export async function memoryAfterCollection(daemon: Daemon): Promise<HeldMemory> {
  const url = /Debugger listening on (ws:\/\/\S+)/.exec(daemon.log())?.[1];
  if (!url) throw new Error('the daemon has no inspector');
  const session = await openSession(url);
  try {
    await session.call('HeapProfiler.enable');
    for (let i = 0; i < COLLECTIONS; i++) await session.call('HeapProfiler.collectGarbage');
    // V8 gives pages back on a thread of its own.
    await new Promise((wake) => setTimeout(wake, 500));
    const { result } = (await session.call('Runtime.evaluate', {
      expression: 'process.memoryUsage()',
      returnByValue: true,
    })) as { result: { value: NodeJS.MemoryUsage } };
    return { rss: rssOf(daemon.pid), heap: result.value.heapUsed, external: result.value.external };
  } finally {
    session.close();
  }
}

async function openSession(url: string) {
  const socket = new WebSocket(url);
  await new Promise<void>((opened, failed) => {
    socket.onopen = () => opened();
    socket.onerror = () => failed(new Error('cannot connect to the inspector'));
  });
  let last = 0;
  const waiting = new Map<number, (result: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (message.id !== undefined) waiting.get(message.id)?.(message.result);
  };
  return {
    call(method: string, params: object = {}): Promise<unknown> {
      const id = ++last;
      socket.send(JSON.stringify({ id, method, params }));
      return new Promise((done) => waiting.set(id, done));
    },
    close: () => socket.close(),
  };
}
