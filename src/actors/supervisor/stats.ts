import type { AcceptedSets } from '../subscriptions.ts';
import type { Deadlines } from './deadlines.ts';
import type { DormantDecisions } from './dormant.ts';
import type { HeldHtlcs } from './heldHtlcs.ts';
import type { InvoiceActors } from './invoiceActors.ts';
import type { InvoiceLookups } from './invoiceLookups.ts';
import type { Outboxes } from './outboxes.ts';

interface Sources extends Outboxes {
  readonly held: HeldHtlcs;
  readonly accepted: AcceptedSets;
  readonly actors: InvoiceActors;
  readonly dormant: DormantDecisions;
  readonly dormantDeadlines: Deadlines<unknown>;
  readonly lookups: InvoiceLookups;
  readonly admitting: number;
}

/** What is held and waited for at this moment, for metrics and status. */
export function statsOf(from: Sources) {
  const { actors, decisions, finals, journal } = from;
  return {
    heldHtlcs: from.held.size,
    invoices: actors.size,
    acceptedSets: from.accepted.held,
    dormantInvoices: from.dormant.invoices,
    waitingForBarrier: actors.waiting,
    admitting: from.admitting,
    lookingUp: from.lookups.depth,
    decisionsQueued: decisions.depth,
    decisionsLagMs: decisions.lagMs,
    finalsQueued: finals.depth,
    finalsLagMs: finals.lagMs,
    journalQueued: journal.depth,
    journalDropped: journal.dropped,
    nearestDeadline: nearest(actors.nearestDeadline, from.dormantDeadlines.nearest()),
    overdue: actors.overdue(),
  };
}

function nearest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
