import type { EventTail } from '../eventTail.ts';
import type { Clock } from '../ports/clock.ts';
import { type DecisionStore, EventsDeleted } from '../ports/decisionStore.ts';
import type {
  EventCursor,
  EventPageResult,
  EventResult,
  EventSubscription,
  InvoiceEvent,
} from '../ports/invoiceEvents.ts';
import { invoiceEventOf } from './eventLines.ts';

/** Lines read at once: a query every few hundred payments, and little memory for each reader. */
const PAGE = 500;
/** How long lines gather before they are read, so that a busy writer does not mean a query a commit. */
const GATHER_MS = 25;
/** Lines whose write was never acknowledged are not announced by anybody: a look from time to time finds them. */
const LOOK_AGAIN_MS = 5_000;

export interface EventSource {
  readonly store: Pick<DecisionStore, 'eventsAfter' | 'lastEvent'>;
  readonly tail: EventTail;
  readonly clock: Clock;
  /** Longer than the default for a reader that is in no hurry. */
  readonly gatherMs?: number;
}

/**
 * Reads the events table from a cursor on, in the order of commits. Nothing is kept in memory but a page: what a
 * reader has not read is in the database, and after a restart of either side it goes on from its cursor.
 */
export class EventReader implements EventSubscription {
  readonly #source: EventSource;
  #start: EventCursor | undefined;
  #cursor = 0n;
  #page: InvoiceEvent[] = [];
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(source: EventSource, start: EventCursor) {
    this.#source = source;
    this.#start = start;
  }

  async next(): Promise<EventResult> {
    while (this.#page.length === 0) {
      const page = await this.nextPage();
      if (page.result !== 'page') return page;
      this.#page = [...page.events];
    }
    return { result: 'event', event: this.#page.shift()! };
  }

  /** All that the next lines mean, when there are some. For readers that don't call `next`. */
  async nextPage(): Promise<EventPageResult> {
    try {
      const beyond = await this.#begin();
      if (beyond !== undefined) return { result: 'beyond', last: beyond };
      for (;;) {
        if (this.#isOver) return { result: 'unavailable', reason: 'lnmux is shutting down' };
        const known = this.#source.tail.last;
        const events = await this.#read();
        if (events) return { result: 'page', events, through: this.#cursor };
        await this.#news(known);
      }
    } catch (error) {
      if (error instanceof EventsDeleted) return { result: 'deleted', through: error.through };
      return { result: 'unavailable', reason: error instanceof Error ? error.message : String(error) };
    }
  }

  close(): void {
    this.#closed = true;
    this.#wake?.();
  }

  get #isOver(): boolean {
    return this.#closed || this.#source.tail.closed;
  }

  /** Finds the place to begin, once. The last event's number when the cursor is after it. */
  async #begin(): Promise<bigint | undefined> {
    const start = this.#start;
    if (start === undefined) return undefined;
    const last = await this.#source.store.lastEvent();
    if (start !== 'new' && start > last) return last;
    this.#cursor = start === 'new' ? last : start;
    this.#start = undefined;
    return undefined;
  }

  /** What the next lines mean; undefined when there are none. */
  async #read(): Promise<InvoiceEvent[] | undefined> {
    const lines = await this.#source.store.eventsAfter(this.#cursor, PAGE);
    const last = lines.at(-1);
    if (!last) return undefined;
    this.#cursor = last.sequence;
    return lines.flatMap((line) => invoiceEventOf(line) ?? []);
  }

  /** Waits until more was written than `known` before the last look, or it is time to look anyway. */
  async #news(known: bigint): Promise<void> {
    const { tail, clock, gatherMs = GATHER_MS } = this.#source;
    const sleep = (ms: number, until: () => boolean) =>
      new Promise<void>((resolve) => {
        const done = () => {
          clock.clearTimeout(timer);
          stop();
          this.#wake = undefined;
          resolve();
        };
        const heard = () => {
          if (until() || this.#isOver) done();
        };
        const timer = clock.setTimeout(done, ms);
        const stop = tail.listen(heard);
        this.#wake = heard;
        heard();
      });
    await sleep(LOOK_AGAIN_MS, () => tail.last > known);
    if (!this.#isOver) await sleep(gatherMs, () => false);
  }
}
