import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, EventObject } from 'xstate';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { leadershipMachine } from '../../src/machines/leadership/machine.ts';
import { DEFAULT_NODE_LINK_LIMITS } from '../../src/machines/nodeLink/limits.ts';
import { nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';
import { htlcSetEvents, invoiceEvents, leadershipEvents, nodeLinkEvents, PARTS } from './anyEvent.ts';
import { ChartCoverage } from './coverage.ts';
import { ManualClock } from './world/manualClock.ts';
import { SEED, TIMEOUT_MS } from './world/payments.ts';
import { HASH, rulesOf, termsAt } from './world/scene.ts';
import { findSecret } from './world/secrets.ts';

const LEADERSHIP_LIMITS = {
  renewMs: 5_000,
  pollMs: 500,
  renewRetryMs: 1_000,
  backoffFirstMs: 500,
  backoffLongestMs: 5_000,
  releaseMs: 5_000,
};
const restoredSet = { setId: HASH, parts: PARTS.slice(0, 2) };
const set = { attempt: '1', paymentHash: HASH, rules: rulesOf(false), holdMs: 60_000 };
const invoice = { paymentHash: HASH, terms: termsAt(1_700_000_000_000), rules: rulesOf(false) };

interface Subject {
  readonly machine: AnyStateMachine;
  readonly events: fc.Arbitrary<EventObject>;
  readonly inputs: readonly object[];
}

const subjects: readonly Subject[] = [
  {
    machine: htlcSetMachine,
    events: htlcSetEvents,
    inputs: [
      set,
      { ...set, refusal: 'expiry_too_soon' },
      ...(['requested', 'released', 'failed'] as const).map((restoredAs) => ({
        ...set,
        ...restoredSet,
        restoredAs,
      })),
    ],
  },
  {
    machine: invoiceMachine,
    events: invoiceEvents,
    inputs: [
      invoice,
      ...(['requested', 'released', 'settled', 'failed'] as const).map((as) => ({
        ...invoice,
        restored: { as, ...restoredSet },
      })),
    ],
  },
  { machine: nodeLinkMachine, events: nodeLinkEvents, inputs: [{ limits: DEFAULT_NODE_LINK_LIMITS }] },
  { machine: leadershipMachine, events: leadershipEvents, inputs: [{ limits: LEADERSHIP_LIMITS }] },
];

/** Milliseconds that pass before the event; big steps let every timer fire. */
const pause = fc.constantFrom(0, 0, 0, 0, 0, 500, 5_000, 60_000, 3_700_000);

/** Any events in any order, also ones that make no sense: nothing may throw, and no secret may appear. */
function drive({ machine, events, inputs }: Subject, coverage: ChartCoverage) {
  const steps = fc.array(fc.tuple(pause, events), { maxLength: 40, size: 'max' });
  return fc.property(fc.constantFrom(...inputs), steps, (input, script) => {
    const clock = new ManualClock();
    const system = createActorSystem(clock);
    system.inspect(coverage.observe);
    const actor = system.spawn(machine, { id: machine.id, input: input as never });
    let thrown: unknown;
    const secrets: string[] = [];
    actor.subscribe({ error: (error) => (thrown ??= error) });
    actor.on('*', (effect) => secrets.push(...[findSecret(effect)].filter((s) => s !== undefined)));
    actor.start();
    for (const [ms, event] of script) {
      clock.advance(ms);
      actor.send(event);
      const secret = findSecret(actor.getSnapshot().context);
      if (secret) secrets.push(secret);
      if (thrown !== undefined) throw thrown;
      if (actor.getSnapshot().status !== 'active') break;
    }
    system.stop();
    expect(secrets).toEqual([]);
  });
}

describe.each(subjects.map((subject) => ({ id: subject.machine.id, subject })))(
  'chart $id',
  ({ subject }) => {
    it('never throws, whatever comes in whatever state', { timeout: TIMEOUT_MS }, () => {
      const coverage = new ChartCoverage(subject.machine);
      fc.assert(drive(subject, coverage), { numRuns: 2_500, seed: SEED });
      // The other two are gone through in composition (payment.test.ts), where what comes is what can come.
      if (['nodeLink', 'leadership'].includes(subject.machine.id)) expect(coverage.missing()).toEqual([]);
    });
  },
);
