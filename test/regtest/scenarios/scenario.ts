import type { Stage, Timeouts } from './stage.ts';

/** One thing that has to work, whatever the nodes are made of. */
export interface Scenario {
  readonly name: string;
  readonly timeouts?: Timeouts;
  run(stage: Stage): Promise<void>;
}

/** Runs one; afterwards nothing may be left at the nodes. Rejects with what went wrong. */
export async function runScenario(stage: Stage, { run, timeouts = 'long' }: Scenario): Promise<void> {
  await stage.prepare(timeouts);
  await run(stage);
  await stage.atRest();
}
