import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { ChartCoverage } from './coverage.ts';
import { heal } from './world/healing.ts';
import { ManualClock } from './world/manualClock.ts';
import { arrive } from './world/moves.ts';
import { payments, RUNS, SEED, TIMEOUT_MS } from './world/payments.ts';
import { type HeldHtlc, PaymentWorld } from './world/paymentWorld.ts';
import { AMOUNT, HASH, makePart, rulesOf, START_HEIGHT } from './world/scene.ts';

const charts = { invoice: invoiceMachine, htlcSet: htlcSetMachine };
type Observer = (event: InspectionEvent) => void;

/** The expiry falls within the second in which the hold timer of an incomplete set still runs. */
function partAfterExpiryWhileHolding(observe?: Observer): PaymentWorld {
  const world = new PaymentWorld(charts, false, observe);
  const untilExpiry = world.terms.expiresAt * 1000 - world.clock.now();
  const offer = (index: number) => {
    const part = makePart(index, world.height, { amountMsat: AMOUNT / 2n, totalMsat: AMOUNT, cltvDelta: 40 });
    const htlc: HeldHtlc = { part, attempt: undefined, lnd: 'offered', answer: undefined, final: undefined };
    world.htlcs.set(part.id, htlc);
    arrive(world, htlc);
  };
  world.passTime(untilExpiry - 10_500);
  offer(0);
  world.passTime(10_700);
  offer(1);
  return world;
}

/** A failed set that comes back by itself; the invoice brings back only requested and released ones. */
function restoredFailedSet(observe?: Observer): string[] {
  const part = makePart(0, START_HEIGHT, { amountMsat: AMOUNT, totalMsat: AMOUNT, cltvDelta: 40 });
  const system = createActorSystem(new ManualClock());
  if (observe) system.inspect(observe);
  const set = system.spawn(htlcSetMachine, {
    id: 'set',
    input: {
      attempt: '1',
      paymentHash: HASH,
      rules: rulesOf(false),
      holdMs: 0,
      refusal: 'canceled',
      restoredAs: 'failed',
      parts: [part],
    },
  });
  const asked: string[] = [];
  set.on('*', (effect) => asked.push(effect.type));
  set.start();
  set.send({ type: 'part.offered', partId: part.id, view: { height: START_HEIGHT, absent: [] } });
  system.stop();
  return asked;
}

describe('an invoice with its sets', () => {
  it('keeps every law in any order of events, and every branch of both charts is gone through', {
    timeout: TIMEOUT_MS,
  }, () => {
    const coverage = [new ChartCoverage(htlcSetMachine), new ChartCoverage(invoiceMachine)];
    const observe: Observer = (event) => {
      for (const chart of coverage) chart.observe(event);
    };
    fc.assert(payments(charts, observe), { numRuns: RUNS, seed: SEED });
    heal(partAfterExpiryWhileHolding(observe));
    restoredFailedSet(observe);
    expect(coverage.flatMap((chart) => chart.missing())).toEqual([]);
  });

  it('fails what is held, and refuses what still comes, once the invoice has expired', () => {
    const world = partAfterExpiryWhileHolding();
    world.check();
    expect(world.invoice.getSnapshot().value).toBe('expired');
    heal(world);
    expect([...world.database.fails.values()].sort()).toEqual(['invoice_expired', 'mpp_timeout']);
    world.stop();
  });

  it('answers each offer of a failed set that came back', () => {
    expect(restoredFailedSet()).toEqual(['htlc.fail', 'final.record', 'htlc.fail']);
  });
});
