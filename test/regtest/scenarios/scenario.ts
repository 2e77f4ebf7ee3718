import type { Stage, Timeouts } from './stage.ts';

/** One thing that has to work, whatever the nodes are made of. */
export interface Scenario {
  readonly name: string;
  /** none: lnmuxd does not run. */
  readonly timeouts?: Timeouts | 'none';
  run(stage: Stage): Promise<void>;
}

/** Runs one; afterwards nothing may be left at the nodes. Rejects with what went wrong. */
export async function runScenario(stage: Stage, { run, timeouts = 'long' }: Scenario): Promise<void> {
  if (timeouts === 'none') await stage.prepareWithoutLnmuxd();
  else await stage.prepare(timeouts);
  await run(stage);
  await stage.atRest();
}
