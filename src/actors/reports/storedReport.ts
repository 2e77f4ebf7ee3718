import type { PaymentHash } from '../../domain/hash.ts';
import { setIdOf } from '../../domain/setId.ts';
import type { StoredEvent, StoredInvoice, StoredMember } from '../ports/decisionStore.ts';
import type { InvoiceReport, InvoiceState, PartReport } from '../ports/invoiceReport.ts';
import type { ReportWorld } from './liveReport.ts';
import { nodes, reasonInWords, waitsForEnd } from './words.ts';

const STATES: Readonly<Record<StoredInvoice['status'], InvoiceState>> = {
  SETTLE_REQUESTED: 'settle_requested',
  SETTLED: 'settled',
  FAILED: 'failed',
};

function partOf(world: ReportWorld, member: StoredMember, released: boolean): PartReport {
  const open = released ? 'settling' : 'absent';
  const status = member.status === 'SETTLED' ? 'settled' : member.status === 'FAILED' ? 'failed' : open;
  return {
    key: member.key,
    nodeName: world.nodeName(member.key.nodeId),
    amountMsat: member.amountMsat,
    feeMsat: member.feeMsat,
    cltvExpiry: member.cltvExpiry,
    autoFailHeight: member.autoFailHeight,
    status,
    failureReason: undefined,
  };
}

function explain(world: ReportWorld, row: StoredInvoice): string {
  if (row.status === 'SETTLED') return 'Paid: every part is settled.';
  if (row.status === 'FAILED') return `Failed: ${reasonInWords(row.cause ?? 'unknown cause')}.`;
  const open = row.members.filter((member) => member.status === 'SETTLE_REQUESTED');
  const names = new Set(open.map((member) => world.nodeName(member.key.nodeId)));
  if (!row.released) return `Settlement is requested, and the preimage waits for ${nodes(names)}.`;
  return waitsForEnd(names, open.length, row.members.length);
}

function deadlineOf(world: ReportWorld, members: readonly StoredMember[]): InvoiceReport['deadline'] {
  const heights = members.flatMap(({ autoFailHeight }) => autoFailHeight ?? []);
  if (heights.length === 0) return undefined;
  const height = Math.min(...heights) - world.deadlineMargin();
  return { height, blocksLeft: Math.max(0, height - world.height()) };
}

/** The report of a stored invoice. */
export function storedReport(world: ReportWorld, row: StoredInvoice): InvoiceReport {
  const receivedMsat = row.members.reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
  const settled = row.members.filter(({ status }) => status === 'SETTLED');
  const pending = row.status === 'SETTLE_REQUESTED';
  return {
    paymentHash: row.paymentHash,
    state: STATES[row.status],
    phase: pending ? (row.released ? 'released' : 'requested') : 'final',
    explanation: explain(world, row),
    failureReason: row.status === 'FAILED' ? row.cause : undefined,
    // Rows of the Go program have none; without members (given up, by this program) there always is one.
    setId: row.setId ?? (row.members.length > 0 ? setIdOf(row.members.map(({ key }) => key)) : undefined),
    amountMsat: row.amountMsat,
    totalMsat: receivedMsat,
    receivedMsat,
    settledMsat: row.settledMsat ?? settled.reduce((sum, { amountMsat }) => sum + amountMsat, 0n),
    parts: row.members.map((member) => partOf(world, member, row.released)),
    deadline: pending ? deadlineOf(world, row.members) : undefined,
    timeoutMs: undefined,
    settleRequestedAt: row.settleRequestedAt,
    finalizedAt: row.finalizedAt,
    sequenceNumber: row.sequenceNumber,
  };
}

/** What a line of the journal says about an invoice that has neither parts nor a row. */
function storyOf({
  event,
  details,
}: StoredEvent): { readonly words: string; readonly reason?: string } | undefined {
  const detail = (name: string) => (details?.[name] === undefined ? undefined : String(details[name]));
  switch (event) {
    case 'set.failed': {
      const reason = detail('reason') ?? 'unknown';
      return { reason, words: `The last payment was given back: ${reasonInWords(reason)}.` };
    }
    case 'part.refused': {
      const reason = detail('reason') ?? 'unknown';
      return { reason, words: `The last part was refused: ${reasonInWords(reason)}.` };
    }
    case 'part.lost':
      return {
        reason: 'part_lost',
        words: 'The last part was given back by its node before anything was decided.',
      };
    case 'htlc.rejected': {
      const reason = detail('outcome') ?? 'unknown';
      return { reason, words: `The last HTLC with this hash was refused: ${reasonInWords(reason)}.` };
    }
    case 'part.added': {
      // One that is refused at once is written down twice, and this line may be the later one.
      const reason = detail('reason');
      if (reason !== undefined) {
        return { reason, words: `The last payment was given back: ${reasonInWords(reason)}.` };
      }
      return {
        words:
          'Parts have come, and none is held at this moment. Their nodes offer them again, if they still can.',
      };
    }
    default:
      return undefined;
  }
}

/** What decides nothing is written a moment later: the lines of a leader are in the order of commits, not of events. */
function asTheyHappened(events: readonly StoredEvent[]): readonly StoredEvent[] {
  return events.toSorted((a, b) => (a.epoch === b.epoch ? a.at - b.at : a.epoch < b.epoch ? -1 : 1));
}

/** An open invoice: what the journal has of it; or just that nothing is known. */
export function openReport(paymentHash: PaymentHash, events: readonly StoredEvent[]): InvoiceReport {
  let story: ReturnType<typeof storyOf>;
  for (const event of asTheyHappened(events)) story = storyOf(event) ?? story;
  return {
    paymentHash,
    state: 'open',
    phase: 'none',
    explanation: story?.words ?? 'Nothing has arrived for it.',
    failureReason: story?.reason,
    setId: undefined,
    amountMsat: undefined,
    totalMsat: 0n,
    receivedMsat: 0n,
    settledMsat: 0n,
    parts: [],
    deadline: undefined,
    timeoutMs: undefined,
    settleRequestedAt: undefined,
    finalizedAt: undefined,
    sequenceNumber: undefined,
  };
}
