import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { killDaemons } from '../e2e/daemon.ts';
import { INTERCEPTOR } from './contract/interceptor.ts';
import { SCENARIOS } from './scenarios/all.ts';
import type { Generation } from './scenarios/cluster.ts';
import { ON_CHAIN } from './scenarios/onChain.ts';
import { runScenario } from './scenarios/scenario.ts';
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

/** They wait more than they work: several stages at a time take hardly longer than the slowest of them. */
const THIRD = Math.ceil(SCENARIOS.length / 3);
const NEWEST = [0, 1, 2].map((n) => ({
  lnd: 'newest',
  scenarios: SCENARIOS.slice(n * THIRD, (n + 1) * THIRD),
}));
/** Older ones, where they differ. */
const OLDER = [
  {
    lnd: '0.20.1',
    generation: { epoch: 'L', series: '0.20' },
    scenarios: [...ON_CHAIN, ...INTERCEPTOR],
  },
  { lnd: '0.20.2', generation: { epoch: 'M', series: '0.20' }, scenarios: INTERCEPTOR },
] as const;

interface Run {
  readonly lnd: string;
  readonly name: string;
  readonly ended: Promise<void>;
}

const runs: Run[] = [];
for (const { lnd, scenarios, generation } of [
  ...NEWEST.map((n) => ({ ...n, generation: undefined })),
  ...OLDER,
]) {
  let last: Promise<unknown> = Promise.resolve();
  const stage = openStage(generation);
  for (const scenario of scenarios) {
    const ended = last.then(async () => runScenario(await stage, scenario));
    runs.push({ lnd, name: scenario.name, ended });
    last = ended.catch(() => {});
  }
}

afterAll(async () => {
  await Promise.allSettled(runs.map(({ ended }) => ended));
  // In order: a database that is killed with its daemon still writes for a moment.
  await Promise.allSettled(stages.map((stage) => stage.stop()));
  killDaemons();
  await Promise.all(stages.map(({ cluster }) => cluster.stop()));
  for (const dir of dirs) rmSync(dir, { recursive: true, force: true });
});

/** The scenarios that `npm run test:regtest` runs with real lnd nodes, here with simulated ones. */
describe('on simulated nodes', { timeout: 180_000 }, () => {
  it.each(runs)('lnd $lnd: $name', ({ ended }) => ended);

  it('every scenario has a name of its own', () => {
    expect(new Set(SCENARIOS.map(({ name }) => name)).size).toBe(SCENARIOS.length);
  });
});
