import { rssOf } from '../system/processStats.ts';
import { type BenchContext, checkRun, describeRun, startRig, stopRig, warmUp } from './context.ts';

const RATE = 1_000;

/** The same load without and with a further subscriber that reads nothing. */
export async function slowSubscriberPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const database = await server.create('slow_subscriber');
  const rig = await startRig(context, database);
  say('slow subscriber: warming up');
  await warmUp(context, rig);
  const run = async (name: string) => {
    const before = rssOf(rig.daemon.pid);
    const result = await rig.load.call('openLoop', {
      ratePerSecond: RATE,
      seconds: options.quick ? 3 : 22,
      discardSeconds: options.quick ? 1 : 2,
      parts: 1,
    });
    const grownMb = (rssOf(rig.daemon.pid) - before) / 1e6;
    say(
      `slow subscriber, ${name}, ${RATE}/s: ${describeRun(result)}; daemon grew by ${Math.round(grownMb)} MB`,
    );
    await checkRun(context, rig, `slow subscriber, ${name}`, [result]);
    return { result, grownMb };
  };
  const without = await run('none');
  await rig.load.call('slowSubscriber', { open: true });
  const among = await run('one');
  const { received } = await rig.load.call('slowSubscriber', { open: false });
  report.figure('slow.p99', among.result.interception.p99);
  report.figure('slow.p99.without', without.result.interception.p99);
  report.figure('slow.cpu', among.result.cpuEach.daemonUs - without.result.cpuEach.daemonUs);
  report.detail('slowsubscriber', { without, among, received });
  await stopRig(rig);
  await database.drop();
}
