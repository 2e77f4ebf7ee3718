import { ON_CHAIN } from './onChain.ts';
import { OUTAGES } from './outages.ts';
import { PAYMENTS } from './payments.ts';
import type { Scenario } from './scenario.ts';
import { WAITS } from './waits.ts';

/** Everything, those with the same timeouts together: to change them lnmuxd is restarted. */
export const SCENARIOS: readonly Scenario[] = [...PAYMENTS, ...OUTAGES, ...ON_CHAIN, ...WAITS].sort(
  (a, b) => Number(a.timeouts === 'short') - Number(b.timeouts === 'short'),
);
