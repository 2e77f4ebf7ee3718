import { Distribution, SECONDS } from './distribution.ts';
import { EarnedFees } from './earnedFees.ts';
import { OutboxMeasures } from './outboxMeasures.ts';
import { Tally } from './tally.ts';

/**
 * What the core has seen since the start, as plain numbers: counting is on the path of every HTLC. Whoever shows
 * them reads them here.
 */
export class CoreMeasures {
  /** HTLCs refused by what they are, without anything being stored, by reason. */
  readonly rejectedHtlcs = new Tally(['too_many_htlcs', 'too_many_htlcs_of_node']);
  /** HTLCs with a valid secret that were failed durably, by reason. */
  readonly failedHtlcs = new Tally([
    'too_many_htlcs',
    'mpp_timeout',
    'accept_timeout',
    'canceled',
    'deadline_reached',
  ]);
  /** From a set being complete to its preimage on its way: the application and one or two commits. */
  readonly acceptToSettle = new Distribution(SECONDS);
  /** From the preimage on its way to lnd's last word on the last part. */
  readonly settleToFinal = new Distribution(SECONDS);
  settledInvoices = 0;
  settledMsat = 0n;
  /** Final ones of which nothing, or not everything, arrived. */
  readonly failedInvoices = new Tally(['parts_failed', 'partially_settled']);
  /** What did arrive of invoices of which a part was lost. */
  partiallySettledMsat = 0n;
  readonly earnedFees = new EarnedFees();
  /** Queries for unknown hashes that had to be asked again. */
  failedLookups = 0;
  readonly decisions = new OutboxMeasures();
  readonly finals = new OutboxMeasures();
}
