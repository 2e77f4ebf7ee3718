import { afterAll, expect, test } from 'vitest';
import { runChaos } from '../../verify/chaos/chaos.ts';
import { CI_OPTIONS } from '../../verify/chaos/options.ts';
import { reportText } from '../../verify/chaos/report.ts';
import { Workspace } from '../../verify/chaos/workspace.ts';

/** It takes about a minute and a half; a machine with other work to do gets more. */
const TIMEOUT_MS = 420_000;
/** What a run that was cut off at its longest must have done all the same. */
const FEWEST_KILLS = 20;
/** The documented case, not a violation: a machine that stands still for long enough can bring it about. */
const MOST_RESIDUALS = 2;

const workspace = new Workspace();
afterAll(() => workspace.close());

test('real processes under a killer lose nothing, double nothing, leave nothing half done', {
  timeout: TIMEOUT_MS,
}, async () => {
  const report = await runChaos({ ...CI_OPTIONS, say: () => {} }, workspace);
  const text = reportText(report);
  expect(report.violations, text).toEqual([]);
  expect(report.residuals.length, text).toBeLessThanOrEqual(MOST_RESIDUALS);
  // A run in which nothing happened proves nothing.
  expect(report.kills, text).toBeGreaterThanOrEqual(FEWEST_KILLS);
  expect(report.outcomes.get('settled') ?? 0, text).toBeGreaterThan(20);
  expect(report.takeOvers.length, text).toBeGreaterThan(0);
});
