import type { PaymentHash } from '../../domain/hash.ts';
import type { InvoiceChanges } from '../invoiceChanges.ts';
import type { InvoiceReport, InvoiceWatch, WatchResult } from '../ports/invoiceReport.ts';
import type { InvoiceReports } from './invoiceReports.ts';

const ENDED: WatchResult = { result: 'unavailable', reason: 'lnmux is shutting down' };

const isFinal = ({ state }: InvoiceReport): boolean => state === 'settled' || state === 'failed';

/** Whether a reader of states has to hear of it. */
const differs = (a: InvoiceReport | undefined, b: InvoiceReport): boolean =>
  a === undefined || a.state !== b.state || a.setId !== b.setId;

/**
 * Watches one invoice: looks how it stands, and again after each change. It listens before it looks for the first
 * time, and a change during a look leads to another, so that nothing falls in between.
 */
export class ReportWatch implements InvoiceWatch {
  readonly #hash: PaymentHash;
  readonly #reports: InvoiceReports;
  readonly #stop: () => void;
  #last: InvoiceReport | undefined;
  #changed = true;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(hash: PaymentHash, reports: InvoiceReports, changes: InvoiceChanges) {
    this.#hash = hash;
    this.#reports = reports;
    this.#stop = changes.listen(hash, (ended) => this.#hear(ended));
  }

  async next(): Promise<WatchResult> {
    if (this.#last && isFinal(this.#last)) return { result: 'over' };
    for (;;) {
      while (!this.#changed && !this.#ended) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      if (this.#ended) return ENDED;
      this.#changed = false;
      let report: InvoiceReport;
      try {
        ({ report } = await this.#reports.of(this.#hash));
      } catch (error) {
        this.#changed = true;
        return { result: 'unavailable', reason: error instanceof Error ? error.message : String(error) };
      }
      if (!differs(this.#last, report)) continue;
      this.#last = report;
      return { result: 'report', report };
    }
  }

  close(): void {
    this.#stop();
    this.#hear(true);
  }

  #hear(ended: boolean): void {
    this.#changed = true;
    if (ended) this.#ended = true;
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
