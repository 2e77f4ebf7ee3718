import type { LoadResult } from '../load/protocol.ts';
import { type BenchContext, checkRun, describeRun, type Rig, startRig, stopRig, warmUp } from './context.ts';

const SUSTAINED = 2_000;
const IN_FLIGHT = 256;

/** The settle path of single-part payments: a ladder of rates, then as fast as it goes. */
export async function settlePart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const database = await server.create('settle');
  const rig = await startRig(context, database, profileFlags(options.profile));
  say('settle: warming up');
  await warmUp(context, rig);
  const profiled = options.profile !== undefined;
  const all = [
    { ratePerSecond: 200, seconds: options.quick ? 3 : 12 },
    { ratePerSecond: 1_000, seconds: options.quick ? 4 : 16 },
    { ratePerSecond: SUSTAINED, seconds: options.quick ? 5 : 62 },
    { ratePerSecond: 3_000, seconds: options.quick ? 4 : 16 },
  ];
  // A profile of everything would tell nothing.
  const ladder = profiled ? [{ ratePerSecond: SUSTAINED, seconds: 22 }] : all;
  for (const { ratePerSecond, seconds } of ladder) {
    const discardSeconds = options.quick ? 1 : 2;
    const result = await rig.load.call('openLoop', { ratePerSecond, seconds, discardSeconds, parts: 1 });
    say(`settle, ${ratePerSecond}/s offered for ${seconds} s: ${describeRun(result)}`);
    await checkRun(context, rig, `settle ${ratePerSecond}/s`, [result]);
    report.detail(`settle.${ratePerSecond}`, result);
    noteNoise(context, `${ratePerSecond}/s`, result);
    note(context, ratePerSecond, result);
  }
  if (!profiled) await measureCapacity(context, rig);
  await stopRig(rig);
  await database.drop();
}

async function measureCapacity(context: BenchContext, rig: Rig): Promise<void> {
  const { options, report, say } = context;
  const capacity = await rig.load.call('closedLoop', {
    inFlight: IN_FLIGHT,
    seconds: options.quick ? 5 : 62,
    discardSeconds: options.quick ? 1 : 2,
    parts: 1,
  });
  say(`settle, ${IN_FLIGHT} under way: ${describeRun(capacity)}`);
  await checkRun(context, rig, 'settle, as fast as it goes', [capacity]);
  report.detail('settle.capacity', capacity);
  report.figure('rate.capacity', capacity.donePerSecond);
}

/** Other processes on the two cores spoil every figure. */
function noteNoise({ report }: BenchContext, name: string, { coresUsed }: LoadResult): void {
  if (coresUsed.others < 0.1) return;
  report.note(`Disturbed, ${name}: other processes used ${coresUsed.others.toFixed(2)} of the 2 cores.`);
}

/** V8's own profiler; a file per thread when the daemon ends. */
function profileFlags(dir: string | undefined): string[] {
  return dir === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${dir}`];
}

function note({ report }: BenchContext, rate: number, result: LoadResult): void {
  const { interception, scheduled, cpuEach, donePerSecond } = result;
  if (rate === 200) {
    report.figure('p50.200', interception.p50);
    report.figure('p99.200', interception.p99);
  } else if (rate === 1_000) {
    report.figure('p50.1000', interception.p50);
    report.figure('p99.1000', interception.p99);
    report.figure('cpu.1000', cpuEach.daemonUs);
  } else if (rate === SUSTAINED) {
    report.figure('rate.sustained', donePerSecond);
    report.figure('p50.sustained', interception.p50);
    report.figure('p99.sustained', interception.p99);
    report.figure('due99.sustained', scheduled.p99);
    report.figure('cpu.sustained', cpuEach.daemonUs);
    report.figure('main.sustained', cpuEach.daemonMainUs);
  } else {
    report.figure('rate.3000', donePerSecond);
    report.figure('p50.3000', interception.p50);
    report.figure('p99.3000', interception.p99);
  }
}
