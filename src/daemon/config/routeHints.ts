import { shown } from './problem.ts';
import type { Section } from './section.ts';
import type { RouteHintsConfig } from './types.ts';

/** As many as lnd itself puts into an invoice. */
const DEFAULT_MAX_HINTS = 20;
/** More would not fit into an invoice next to a long description. */
const MOST_HINTS = 60;

/** Which nodes new invoices name, and how many. */
export function readRouteHints(root: Section): RouteHintsConfig {
  const rule = root.text('routeHints', 'healthy') || 'healthy';
  if (rule !== 'healthy' && rule !== 'all') {
    root.problem('routeHints', `${shown(rule)} is neither healthy nor all; write one of them`);
  }
  return {
    rule: rule === 'all' ? 'all' : 'healthy',
    max: root.integer('maxRouteHints', { fallback: DEFAULT_MAX_HINTS, min: 1, max: MOST_HINTS }),
  };
}
