import { INTERCEPTOR } from '../contract/interceptor.ts';
import { STREAMS } from '../contract/streams.ts';
import { ON_CHAIN } from './onChain.ts';
import { OUTAGES } from './outages.ts';
import { PAYMENTS } from './payments.ts';
import type { Scenario } from './scenario.ts';
import { WAITS } from './waits.ts';

const ORDER = { long: 0, short: 1, none: 2 } as const;

/** Everything, those with the same timeouts together: to change them lnmuxd is restarted. */
export const SCENARIOS: readonly Scenario[] = [
  ...[...PAYMENTS, ...OUTAGES, ...ON_CHAIN, ...WAITS, ...INTERCEPTOR, ...STREAMS],
].sort((a, b) => ORDER[a.timeouts ?? 'long'] - ORDER[b.timeouts ?? 'long']);
