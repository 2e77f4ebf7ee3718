import type { StoredEvent } from '../ports/decisionStore.ts';
import type { InvoiceEvent } from '../ports/invoiceEvents.ts';

/** What a line of the events table means for an application; undefined where it means nothing to it. */
function typeOf({ machine, event, to }: StoredEvent): InvoiceEvent['type'] | undefined {
  if (event === 'part.added') return to === 'complete' ? 'accepted' : undefined;
  if (event === 'settle.requested') return 'settle_requested';
  if (event === 'set.failed') return 'given_back';
  if (event === 'set.aborted') return 'failed';
  // The last word on the last part, which ends the invoice.
  if (machine === 'invoice' && (to === 'settled' || to === 'failed')) return to;
  return undefined;
}

export function invoiceEventOf(line: StoredEvent): InvoiceEvent | undefined {
  const type = typeOf(line);
  const { sequence, paymentHash, setId, at, details } = line;
  if (!type || paymentHash === undefined) return undefined;
  const reason = details?.reason ?? details?.cause;
  return {
    sequence,
    type,
    paymentHash,
    setId,
    at,
    failureReason: reason === undefined ? undefined : String(reason),
    settledMsat: BigInt(String(details?.settledMsat ?? 0)),
  };
}
