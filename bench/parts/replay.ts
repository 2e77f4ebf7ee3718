import { type BenchContext, startRig, stopRig, warmUp } from './context.ts';

const IN_FLIGHT = 256;

/** Held HTLCs of decided payments, offered again after a reconnect: answered from what is stored. */
export async function replayPart(context: BenchContext): Promise<void> {
  const { options, report, say, server } = context;
  const count = options.quick ? 1_000 : 10_000;
  const database = await server.create('replay');
  const rig = await startRig(context, database);
  say('replay: warming up');
  await warmUp(context, rig);
  await rig.load.call('verify', {});
  const result = await rig.load.call('replay', { count, inFlight: IN_FLIGHT });
  for (const [fault, times] of Object.entries(result.faults)) report.fault(`replay: ${times} × ${fault}`);
  const { finalLagMs } = await rig.load.call('verify', {});
  report.figure('replay.ms', result.answeredMs);
  report.figure('replay.cpu', result.daemonUsEach);
  report.detail('replay', { count, ...result, finalLagMs });
  say(
    `replay: ${count} HTLCs answered again within ${Math.round(result.answeredMs)} ms of the reconnect ` +
      `(${Math.round(result.perSecond)}/s, ${Math.round(result.daemonUsEach)} µs of the daemon each), ` +
      `${Math.round(result.sinceRestartMs)} ms after the restart of their nodes`,
  );
  await stopRig(rig);
  await database.drop();
}
