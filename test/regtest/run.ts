import { runScenario, type Scenario } from './scenarios/scenario.ts';
import type { Stage } from './scenarios/stage.ts';

/** What became of them. */
export interface Result {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Not run, as what was left of a failure was in the way. */
  readonly skipped: number;
}

/**
 * Runs scenarios one after the other and says how each went. After a failure the stage is cleared for the next one;
 * when that is not possible the others are skipped.
 */
export async function runScenarios(
  stage: Stage,
  scenarios: readonly Scenario[],
  say: (text: string) => void,
): Promise<Result> {
  const failed: string[] = [];
  for (const [index, scenario] of scenarios.entries()) {
    const began = performance.now();
    const error = await outcome(runScenario(stage, scenario));
    const seconds = ((performance.now() - began) / 1_000).toFixed(1);
    const count = `${index + 1}/${scenarios.length}`;
    say(`${error ? '✗' : '✓'} ${count} ${scenario.name} (${seconds} s)`);
    if (!error) continue;
    failed.push(scenario.name);
    say(indented(error.message));
    const stuck = await outcome(stage.recover());
    if (!stuck) continue;
    say(indented(`the nodes could not be cleared for the next scenario: ${stuck.message}`));
    const done = index + 1;
    return { passed: done - failed.length, failed, skipped: scenarios.length - done };
  }
  return { passed: scenarios.length - failed.length, failed, skipped: 0 };
}

function outcome(work: Promise<void>): Promise<Error | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  );
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
