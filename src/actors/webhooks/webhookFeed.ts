import type { Clock } from '../ports/clock.ts';
import type { InvoiceEvent } from '../ports/invoiceEvents.ts';
import type { Log } from '../ports/log.ts';
import type { WebhookQueue } from '../ports/webhookQueue.ts';
import { EventReader, type EventSource } from '../reports/eventReader.ts';

/** Without a database, or after another leader was quicker. */
const RETRY_MS = 5_000;
/** A webhook is in no hurry: a few transactions a second, however many payments there are. */
const GATHER_MS = 250;

export interface WebhookFeedOptions {
  readonly webhook: string;
  /** What the webhook is told of. */
  readonly events: ReadonlySet<InvoiceEvent['type']>;
  readonly queue: WebhookQueue;
  readonly source: EventSource;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Turns events into jobs of one webhook. Its place is in the database and moves together with the jobs, so that
 * whoever leads next goes on exactly there. Each webhook has a feed of its own: one can't hold up another.
 */
export class WebhookFeed {
  readonly #options: WebhookFeedOptions;
  readonly #running: Promise<void>;
  #reader: EventReader | undefined;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(options: WebhookFeedOptions) {
    this.#options = options;
    this.#running = this.#run();
  }

  /** Resolves when what is under way is done. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#reader?.close();
    this.#wake?.();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const reason = await this.#follow().catch((error: unknown) =>
        error instanceof Error ? error.message : String(error),
      );
      if (this.#closed) return;
      const { webhook, log } = this.#options;
      log.warn({ webhook, reason }, 'Events for a webhook could not be read or queued, trying again');
      await this.#sleep();
    }
  }

  /** Goes on until it can't; says why. */
  async #follow(): Promise<string> {
    const { webhook, queue, source, events } = this.#options;
    let place = await queue.place(webhook);
    const reader = new EventReader({ gatherMs: GATHER_MS, ...source }, place);
    this.#reader = reader;
    while (!this.#closed) {
      const page = await reader.nextPage();
      if (page.result === 'unavailable') return page.reason;
      if (page.result === 'beyond') return `the last event is ${page.last}, and the webhook is at ${place}`;
      if (page.result === 'deleted') return `events up to ${page.through} have been deleted`;
      const wanted = page.events.filter(({ type }) => events.has(type));
      if (!(await queue.enqueue(webhook, place, page.through, wanted)))
        return 'another leader has taken over';
      place = page.through;
    }
    return 'closed';
  }

  #sleep(): Promise<void> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const timer = clock.setTimeout(() => done(), RETRY_MS);
      const done = () => {
        clock.clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      this.#wake = done;
    });
  }
}
