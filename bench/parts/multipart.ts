import { type BenchContext, checkRun, describeRun, startRig, stopRig, warmUp } from './context.ts';

const RUNS = [
  { parts: 4, rate: 500, id: 'multipart' },
  { parts: 8, rate: 250, id: 'multipart8' },
] as const;

/** Payments of four parts and of eight, half of them over each node. */
export async function multipartPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const database = await server.create('multipart');
  const rig = await startRig(context, database);
  say('multipart: warming up');
  await warmUp(context, rig);
  for (const { parts, rate, id } of RUNS) {
    const result = await rig.load.call('openLoop', {
      ratePerSecond: rate,
      seconds: options.quick ? 4 : 22,
      discardSeconds: options.quick ? 1 : 2,
      parts,
    });
    say(`multipart, ${rate} payments of ${parts} parts/s offered: ${describeRun(result)}`);
    await checkRun(context, rig, `${parts} parts`, [result]);
    report.detail(id, result);
    report.figure(`rate.${id}`, result.donePerSecond);
    report.figure(`p50.${id}`, result.interception.p50);
    report.figure(`p99.${id}`, result.interception.p99);
    report.figure(`cpu.${id}`, result.cpuEach.daemonUs);
  }
  await stopRig(rig);
  await database.drop();
}
