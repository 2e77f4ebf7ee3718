import type { PaymentHash } from '../../domain/hash.ts';
import type { DecisionStore, StoredInvoice } from '../ports/decisionStore.ts';
import type { InvoiceReport } from '../ports/invoiceReport.ts';
import type { InvoiceEntry } from '../supervisor/entries.ts';
import { liveReport, type ReportWorld } from './liveReport.ts';
import { openReport, storedReport } from './storedReport.ts';

/** Lines of the journal that are looked at for an invoice without a row: the newest of them tell its story. */
const MAX_STORY_LINES = 100;

export interface ReportSource extends ReportWorld {
  readonly store: Pick<DecisionStore, 'invoicesByHash' | 'eventsByHash'>;
  known(hash: PaymentHash): {
    readonly entry: InvoiceEntry | undefined;
    readonly row: StoredInvoice | undefined;
  };
}

export interface Found {
  readonly report: InvoiceReport;
  /** Anything but "nothing has arrived": memory, a row or the journal has it. */
  readonly known: boolean;
}

/** Says how an invoice stands: from its actors where it has some, otherwise from its row, otherwise from the journal. */
export class InvoiceReports {
  readonly #source: ReportSource;

  constructor(source: ReportSource) {
    this.#source = source;
  }

  /** @throws What the store throws when the database can't be read. */
  async of(hash: PaymentHash): Promise<Found> {
    const { store } = this.#source;
    for (;;) {
      const { entry, row } = this.#source.known(hash);
      if (entry) {
        const report = liveReport(this.#source, entry);
        // Sets that are open or wait for the application have no row; of the others the row knows more.
        if (report.state === 'open' || report.state === 'accepted') return { report, known: true };
        const [stored] = await store.invoicesByHash([hash]);
        if (this.#source.known(hash).entry !== entry) continue;
        return {
          report: joined(liveReport(this.#source, entry), stored && storedReport(this.#source, stored)),
          known: true,
        };
      }
      const stored = row ?? (await store.invoicesByHash([hash]))[0];
      // What was read is older than what came into memory meanwhile.
      if (this.#source.known(hash).entry) continue;
      if (stored) return { report: storedReport(this.#source, stored), known: true };
      const events = await store.eventsByHash(hash, MAX_STORY_LINES);
      if (this.#source.known(hash).entry) continue;
      return { report: openReport(hash, events), known: events.length > 0 };
    }
  }
}

/** What memory says of a requested invoice, with the times and amounts that only its row has. */
function joined(live: InvoiceReport, stored: InvoiceReport | undefined): InvoiceReport {
  if (!stored) return live;
  const { settleRequestedAt, finalizedAt, sequenceNumber } = stored;
  if (live.state === 'settle_requested') return { ...live, settleRequestedAt, sequenceNumber };
  // Final, with sets that are still being given back: of those only the parts matter.
  return { ...stored, state: live.state, finalizedAt, parts: [...stored.parts, ...live.parts] };
}
