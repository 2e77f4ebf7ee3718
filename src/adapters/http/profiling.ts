import { Session } from 'node:inspector/promises';
import type { HttpReply, HttpRoute } from './httpListener.ts';

const MAX_SECONDS = 60;
const DEFAULT_SECONDS = 10;

const refused = (body: string): HttpReply => ({
  status: 400,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
});

const file = (body: string): HttpReply => ({ status: 200, type: 'application/json', body });

/**
 * GET /debug/profile?seconds=10: a CPU profile. GET /debug/heap: a heap snapshot, which holds whatever is in memory,
 * secrets too. Only for a listener that nobody else reaches. One at a time.
 */
export function profilingRoutes(sleep: (ms: number) => Promise<void>): readonly HttpRoute[] {
  let busy = false;
  const alone = async (work: (session: Session) => Promise<string>): Promise<HttpReply> => {
    if (busy) return { ...refused('a profile is being taken already'), status: 409 };
    busy = true;
    const session = new Session();
    try {
      session.connect();
      return file(await work(session));
    } finally {
      session.disconnect();
      busy = false;
    }
  };
  return [
    {
      path: '/debug/profile',
      answer: (query) => {
        const seconds = Number(query.get('seconds') ?? DEFAULT_SECONDS);
        if (!(seconds > 0 && seconds <= MAX_SECONDS))
          return refused(`seconds must be above 0, up to ${MAX_SECONDS}`);
        return alone(async (session) => {
          await session.post('Profiler.enable');
          await session.post('Profiler.start');
          await sleep(seconds * 1_000);
          const { profile } = await session.post('Profiler.stop');
          return JSON.stringify(profile);
        });
      },
    },
    { path: '/debug/heap', answer: () => alone(heapSnapshot) },
  ];
}

async function heapSnapshot(session: Session): Promise<string> {
  const chunks: string[] = [];
  session.on('HeapProfiler.addHeapSnapshotChunk', ({ params }) => chunks.push(params.chunk));
  await session.post('HeapProfiler.takeHeapSnapshot');
  return chunks.join('');
}
