import { expect, it, onTestFinished } from 'vitest';
import { startHttpListener } from '../../src/adapters/http/httpListener.ts';
import { profilingRoutes } from '../../src/adapters/http/profiling.ts';
import { RecordingLog } from '../support/recordingLog.ts';

async function listening(sleep: (ms: number) => Promise<void>) {
  const listener = await startHttpListener({
    name: 'Profiling',
    key: 'profilingAddress',
    address: '127.0.0.1:0',
    routes: profilingRoutes(sleep),
    log: new RecordingLog(),
  });
  onTestFinished(() => listener.close());
  return (path: string) => fetch(`http://${listener.address}${path}`);
}

it('takes a CPU profile, one at a time, for as long as it is asked', async () => {
  const waits: number[] = [];
  let wake = () => {};
  const started = Promise.withResolvers<void>();
  const get = await listening((ms) => {
    waits.push(ms);
    started.resolve();
    return new Promise((resolve) => {
      wake = resolve;
    });
  });
  const first = get('/debug/profile?seconds=2.5');
  await started.promise;
  expect((await get('/debug/profile')).status).toBe(409);
  wake();
  const profile = (await (await first).json()) as { nodes: unknown[] };
  expect(profile.nodes.length).toBeGreaterThan(0);
  expect(waits).toEqual([2_500]);
});

it.each(['0', '-1', '61', 'x', ''])('refuses to profile for "%s" seconds', async (seconds) => {
  const get = await listening(async () => {});
  expect((await get(`/debug/profile?seconds=${seconds}`)).status).toBe(400);
});
