import { startDaemon } from '../system/daemon.ts';
import { type BenchContext, startCluster } from './context.ts';

const STARTS = 5;

/** From the start of the process to the first answer of its API. */
export async function coldStartPart(context: BenchContext): Promise<void> {
  const { report, say, server, workspace } = context;
  const database = await server.create('coldstart');
  const { load, nodes } = await startCluster(context);
  const times: number[] = [];
  // The first start fills Node's compile cache, as the first one of an installation does.
  for (let i = 0; i <= STARTS; i++) {
    const daemon = await startDaemon(workspace, { dsn: database.dsn, nodes });
    times.push(daemon.startMs + (await load.call('getInfo', { address: daemon.address })));
    await daemon.stop();
  }
  const [first, ...others] = times;
  const median = others.sort((a, b) => a - b)[Math.floor(STARTS / 2)]!;
  report.figure('start.cold', median / 1000);
  report.detail('coldstart', { firstMs: first, othersMs: others });
  say(
    `coldstart: ${others.map((ms) => Math.round(ms)).join(', ')} ms (the very first ${Math.round(first!)} ms)`,
  );
  await load.stop();
  await database.drop();
}
