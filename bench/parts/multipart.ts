import { type BenchContext, checkRun, describeRun, startRig, stopRig, warmUp } from './context.ts';

const PARTS = 4;
const RATE = 500;

/** Payments of four parts, two over each node. */
export async function multipartPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const database = await server.create('multipart');
  const rig = await startRig(context, database);
  say('multipart: warming up');
  await warmUp(context, rig);
  const result = await rig.load.call('openLoop', {
    ratePerSecond: RATE,
    seconds: options.quick ? 4 : 22,
    discardSeconds: options.quick ? 1 : 2,
    parts: PARTS,
  });
  say(`multipart, ${RATE} payments of ${PARTS} parts/s offered: ${describeRun(result)}`);
  await checkRun(context, rig, 'multipart', [result]);
  report.detail('multipart', result);
  report.figure('rate.multipart', result.donePerSecond);
  report.figure('p50.multipart', result.interception.p50);
  report.figure('p99.multipart', result.interception.p99);
  report.figure('cpu.multipart', result.cpuEach.daemonUs);
  await stopRig(rig);
  await database.drop();
}
