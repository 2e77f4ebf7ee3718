import { describe, expect, it } from 'vitest';
import { liveHtlcSet } from '../../src/actors/compiled/charts.ts';
import { compiled } from '../../src/actors/compiled/compiled.ts';
import type {
  BatchOutcome,
  Decision,
  DecisionOutcome,
  DecisionStore,
} from '../../src/actors/ports/decisionStore.ts';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { Counters } from '../../verify/simulation/counters.ts';
import { EXPECTED } from '../../verify/simulation/expected.ts';
import type { FaultKind, Plan } from '../../verify/simulation/plan.ts';
import { type RunOptions, type RunResult, runSeed } from '../../verify/simulation/run.ts';
import { shrink } from '../../verify/simulation/shrink.ts';

const SEEDS = 150;
/** Generous: the machine may be busy. */
const TIMEOUT_MS = 240_000;
const TWICE = 20;

/** The first seed that fails, and how. */
async function firstViolation(options: RunOptions, most: number): Promise<RunResult | undefined> {
  for (let seed = 1; seed <= most; seed += 1) {
    const result = await runSeed(seed, options);
    if (result.violation) return result;
  }
  return undefined;
}

const acknowledgedAll = (decisions: readonly Decision[]): BatchOutcome<DecisionOutcome> => ({
  kind: 'acknowledged',
  results: decisions.map(() => ({ outcome: 'committed' })),
  lastSequence: 0n,
});

/** Every payment has the fault in its way, at some moment of its life. */
const manyFaults =
  (kind: FaultKind, durationMs: number, daemons = 1) =>
  (plan: Plan): Plan => {
    const faults = plan.payments.map((payment, index) => ({
      label: `f${index}`,
      at: payment.at + 200 * (index % 12),
      kind,
      node: 0,
      channel: 0,
      durationMs,
      dice: (index * 0.37) % 0.8,
    }));
    return { ...plan, daemons, faults };
  };

const yes = () => true;

describe('the whole daemon on a seeded world', () => {
  it(
    `keeps every invariant and drains, ${SEEDS} seeds`,
    async () => {
      const counters = new Counters();
      for (let seed = 1; seed <= SEEDS; seed += 1) {
        const { violation, counters: own } = await runSeed(seed);
        const replay = `node verify/simulation/main.ts --seed ${seed}`;
        expect(violation?.message, `replay: ${replay}`).toBeUndefined();
        counters.addAll(own.entries());
      }
      // The rest of EXPECTED is rarer: `verify:simulation` asks for all of it over 2,000 seeds.
      const missing = EXPECTED.filter((name) => counters.get(name) === 0);
      expect(missing.filter((name) => name.startsWith('fault.'))).toEqual([]);
      expect(missing.length).toBeLessThan(EXPECTED.length / 5);
    },
    TIMEOUT_MS,
  );

  it(
    `does the same for the same seed, bit for bit, ${TWICE} seeds`,
    async () => {
      const hashes = new Set<string>();
      for (let seed = 1; seed <= TWICE; seed += 1) {
        const first = await runSeed(seed);
        const second = await runSeed(seed, { history: 10, print: () => {} });
        expect(second.hash).toBe(first.hash);
        expect(second.steps).toBe(first.steps);
        hashes.add(first.hash);
      }
      expect(hashes.size).toBe(TWICE);
    },
    TIMEOUT_MS,
  );
});

describe('seeded defects are found', () => {
  type Wrap = (store: DecisionStore) => Partial<DecisionStore>;
  const sabotaged = (wrap: Wrap, kind?: FaultKind): RunOptions => {
    const sabotage = (store: DecisionStore) => ({ ...store, ...wrap(store) });
    return kind ? { sabotage, alter: manyFaults(kind, 1_000) } : { sabotage };
  };

  it(
    'an open outcome that is taken for done',
    async () => {
      const defect = sabotaged(
        (store) => ({
          async decide(epoch, decisions) {
            const outcome = await store.decide(epoch, decisions);
            return outcome.kind === 'ambiguous' ? acknowledgedAll(decisions) : outcome;
          },
        }),
        'dbAmbiguousLost',
      );
      const found = await firstViolation(defect, 200);
      expect(found?.violation?.invariant).toMatch(/^S[128]$/);
    },
    TIMEOUT_MS,
  );

  it(
    'effects before the commit',
    async () => {
      const defect = sabotaged((store) => ({
        async decide(epoch, decisions) {
          void store.decide(epoch, decisions);
          return acknowledgedAll(decisions);
        },
      }));
      expect((await firstViolation(defect, 20))?.violation?.invariant).toMatch(/^S[18]$/);
    },
    TIMEOUT_MS,
  );

  it(
    'a deadline without its margin',
    async () => {
      const found = await firstViolation({ rules: { deadlineMargin: 0 } }, 200);
      expect(found?.violation?.invariant).toMatch(/^(S3|L4)$/);
    },
    TIMEOUT_MS,
  );

  it(
    'a release without the barrier',
    async () => {
      const htlcSet = compiled(htlcSetMachine.provide({ guards: { barrierHolds: yes } }));
      const invoiceChart = compiled(invoiceMachine.provide({ actors: { htlcSet } }));
      const found = await firstViolation({ invoiceChart }, 200);
      expect(found?.violation?.invariant).toMatch(/^S[34]$/);
    },
    TIMEOUT_MS,
  );

  it(
    'a settlement of a set that nobody named',
    async () => {
      const guards = { namesCurrentSet: yes };
      const invoiceChart = compiled(invoiceMachine.provide({ guards, actors: { htlcSet: liveHtlcSet } }));
      const found = await firstViolation({ invoiceChart }, 100);
      expect(found?.violation?.invariant).toBe('S1');
    },
    TIMEOUT_MS,
  );

  it(
    'a leader that forgets what earlier ones decided',
    async () => {
      const defect = sabotaged((store) => ({
        recover: async (epoch) => ({ ...(await store.recover(epoch)), invoices: [], fails: [] }),
      }));
      expect((await firstViolation(defect, 100))?.violation).toBeDefined();
    },
    TIMEOUT_MS,
  );

  it(
    'finals that are lost with an open outcome',
    async () => {
      const defect = sabotaged(
        (store) => ({
          async finalise(epoch, finals) {
            const outcome = await store.finalise(epoch, finals);
            if (outcome.kind !== 'ambiguous') return outcome;
            return {
              kind: 'acknowledged',
              results: finals.map(() => ({ outcome: 'noted' })),
              lastSequence: 0n,
            };
          },
        }),
        'dbAmbiguousLost',
      );
      expect((await firstViolation(defect, 200))?.violation?.invariant).toMatch(/^(S10|L3)$/);
    },
    TIMEOUT_MS,
  );

  it(
    'writes that are not fenced',
    async () => {
      const defect: RunOptions = {
        alter: manyFaults('pause', 30_000, 2),
        sabotage: (store, _process, state) => ({
          ...store,
          decide: (_epoch, decisions) => store.decide(state.leader.epoch, decisions),
        }),
      };
      expect((await firstViolation(defect, 100))?.violation?.invariant).toMatch(/^S/);
    },
    TIMEOUT_MS,
  );
});

describe('a failing seed', () => {
  it(
    'is shortened to what it needs, and fails alike with only that',
    async () => {
      const options: RunOptions = { rules: { deadlineMargin: 0 } };
      const found = (await firstViolation(options, 200))!;
      const shrunk = (await shrink(found.seed, options, 60))!;
      expect(shrunk.only.length).toBeLessThan((found.plan.payments.length + found.plan.faults.length) / 2);
      const again = await runSeed(found.seed, { ...options, only: new Set(shrunk.only) });
      expect(again.violation?.invariant).toBe(found.violation?.invariant);
      expect(shrunk.result.history.length).toBeGreaterThan(0);
    },
    TIMEOUT_MS,
  );
});
