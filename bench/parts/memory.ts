import { INSPECT_FLAG, memoryAfterCollection } from '../system/inspector.ts';
import { type BenchContext, startRig, stopRig, warmUp } from './context.ts';

const IN_FLIGHT = 256;

/** Memory of payments that are accepted and not settled, against the same daemon without them. */
export async function memoryPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const count = options.quick ? 10_000 : 100_000;
  const database = await server.create('memory');
  const rig = await startRig(context, database, [INSPECT_FLAG]);
  say('memory: warming up');
  await warmUp(context, rig);
  await rig.load.call('verify', {});
  const empty = await memoryAfterCollection(rig.daemon);
  const { perSecond } = await rig.load.call('hold', { count, inFlight: IN_FLIGHT });
  const full = await memoryAfterCollection(rig.daemon);
  const each = (bytes: number) => bytes / count / 1000;
  const used = full.heap + full.external - empty.heap - empty.external;
  report.figure('memory.rss', each(full.rss - empty.rss));
  report.figure('memory.heap', each(used));
  report.detail('memory', { count, acceptedPerSecond: perSecond, empty, full });
  const mb = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;
  say(
    `memory: ${count} held (accepted at ${Math.round(perSecond)}/s): RSS ${mb(empty.rss)} to ${mb(full.rss)}, ` +
      `heap ${mb(empty.heap)} to ${mb(full.heap)}, external ${mb(empty.external)} to ${mb(full.external)}`,
  );
  // What is held is of no further use: an orderly end would take its time over it.
  await stopRig(rig, 'kill');
  await database.drop();
}
