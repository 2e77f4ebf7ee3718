import fc from 'fast-check';
import type { InspectionEvent } from 'xstate';
import { heal } from './healing.ts';
import { type Charts, PaymentWorld } from './paymentWorld.ts';
import { type Choice, KINDS, take } from './steps.ts';

/** The same runs each time, so that a change which breaks a law is named by the same test; SEED=n tries others. */
export const SEED = Number(process.env.SEED ?? 20_260_101);

/** How many runs each property gets; a mutant has to be caught within as many. */
export const RUNS = Number(process.env.RUNS ?? 6_000);

/** Some ten seconds are enough; this is for machines that do much else at the same time. */
export const TIMEOUT_MS = 300_000;

const choice: fc.Arbitrary<Choice> = fc.record({
  kind: fc.nat(KINDS - 1),
  a: fc.nat(255),
  b: fc.nat(255),
  twice: fc.boolean(),
});

/** Any order of anything that can happen to one payment hash; then all faults heal. Throws the first Violation. */
export function payments(charts: Charts, observe?: (event: InspectionEvent) => void) {
  const steps = fc.array(choice, { minLength: 1, maxLength: 90, size: 'max' });
  return fc.property(fc.boolean(), steps, (exactAmount, choices) => {
    const world = new PaymentWorld(charts, exactAmount, observe);
    try {
      for (const next of choices) take(world, next);
      heal(world);
    } finally {
      world.stop();
    }
  });
}
