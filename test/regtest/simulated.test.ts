import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { killDaemons } from '../e2e/daemon.ts';
import { SCENARIOS } from './scenarios/all.ts';
import type { Generation } from './scenarios/cluster.ts';
import { ON_CHAIN } from './scenarios/onChain.ts';
import { runScenario, type Scenario } from './scenarios/scenario.ts';
import { Stage } from './scenarios/stage.ts';
import { SimulatedCluster } from './simulated/cluster.ts';

const dirs: string[] = [];
const stages: Stage[] = [];

/** A stage of its own, on which scenarios run one after the other. */
async function openStage(generation?: Generation): Promise<Stage> {
  const dir = mkdtempSync(join(tmpdir(), 'lnmux-regtest-'));
  dirs.push(dir);
  // As root, the database runs as another user, who has to get through here.
  chmodSync(dir, 0o755);
  const stage = new Stage(await SimulatedCluster.start(dir, generation), join(dir, 'lnmux'));
  stages.push(stage);
  return stage;
}

/** They wait more than they work: two stages at a time take hardly longer than half of them on one. */
const HALF = Math.ceil(SCENARIOS.length / 2);
const runs = new Map<string, Promise<void>>();
for (const half of [SCENARIOS.slice(0, HALF), SCENARIOS.slice(HALF)]) {
  let last: Promise<unknown> = Promise.resolve();
  const stage = openStage();
  for (const scenario of half) {
    const run = last.then(async () => runScenario(await stage, scenario));
    runs.set(scenario.name, run);
    last = run.catch(() => {});
  }
}

afterAll(async () => {
  await Promise.allSettled(runs.values());
  // In order: a database that is killed with its daemon still writes for a moment.
  await Promise.allSettled(stages.map((stage) => stage.stop()));
  killDaemons();
  await Promise.all(stages.map(({ cluster }) => cluster.stop()));
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

/** The scenarios that `npm run test:regtest` runs with real lnd nodes, here with simulated ones. */
describe('on simulated nodes', { timeout: 180_000 }, () => {
  it.each(SCENARIOS)('$name', ({ name }: Scenario) => runs.get(name));

  it('with an lnd until 0.20.1, which takes the money of a closed channel after a restart', async () => {
    const stage = await openStage({ epoch: 'L', series: '0.20' });
    for (const scenario of ON_CHAIN) await runScenario(stage, scenario);
  });

  it('every scenario has a name of its own', () => {
    expect(runs.size).toBe(SCENARIOS.length);
  });
});
