import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/actors/outbox/journal.ts';
import type { JournalLine } from '../../src/actors/ports/decisionStore.ts';
import { FakeStore } from '../support/fakeStore.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';

function journal(maxLines = 10_000) {
  const clock = new SimulatedClock();
  const store = new FakeStore();
  const session = store.open();
  const log = new RecordingLog();
  const book = new Journal({
    write: (lines, height) => session.journal(session.epoch, lines, height),
    clock,
    log,
    maxLines,
  });
  const append = (event: string) => book.append(line(event));
  const written = () => store.tables.events.map(({ event }) => event);
  return { clock, store, session, log, book, append, written };
}

const line = (event: string): JournalLine => ({
  machine: 'htlcSet',
  from: '',
  event,
  to: '',
  paymentHash: undefined,
  setId: undefined,
  at: 0,
});

describe('journal', () => {
  it('is written in batches behind the decisions, in order', async () => {
    const { clock, append, written } = journal();
    append('a');
    append('b');
    await clock.advance(99);
    expect(written()).toEqual([]);
    await clock.advance(1);
    append('c');
    await clock.advance(100);
    expect(written()).toEqual(['a', 'b', 'c']);
  });

  it('a flood is bounded; how much is missing is written instead', async () => {
    const { clock, append, store, written } = journal(3);
    for (let i = 0; i < 10; i += 1) append(`line ${i}`);
    await clock.advance(100);
    expect(written()).toEqual(['line 0', 'line 1', 'line 2', 'journal.dropped']);
    expect(store.tables.events.at(-1)?.details).toEqual({ lines: 7 });
    append('after');
    await clock.advance(100);
    expect(written().slice(4)).toEqual(['after']);
  });

  it('a write that failed is repeated, and what was dropped meanwhile is still counted', async () => {
    const { clock, session, append, store, written } = journal(3);
    session.journalFates.push('fail', 'fail');
    for (let i = 0; i < 5; i += 1) append(`line ${i}`);
    await clock.advance(1_500);
    for (let i = 5; i < 7; i += 1) append(`line ${i}`);
    await clock.advance(1_500);
    expect(written()).toEqual(['line 0', 'line 1', 'line 2', 'journal.dropped']);
    expect(store.tables.events.at(-1)?.details).toEqual({ lines: 4 });
  });

  it.each(['ambiguousCommitted', 'ambiguousLost', 'throw'] as const)(
    'an unclear write (%s) is not told twice',
    async (fate) => {
      const { clock, session, append, written, log } = journal();
      session.journalFates.push(fate);
      append('a');
      await clock.advance(100);
      append('b');
      await clock.advance(1_000);
      expect(written()).toEqual(fate === 'ambiguousCommitted' ? ['a', 'b'] : ['b']);
      expect(log.of('Journal write failed')).toHaveLength(1);
    },
  );

  it('keeps the highest block', async () => {
    const { clock, store, session, book } = journal();
    book.height(10);
    book.height(9);
    session.journalFates.push('fail');
    await clock.advance(100);
    expect(store.tables.height).toBe(0);
    await clock.advance(1_100);
    expect(store.tables.height).toBe(10);
  });

  it('the flush at the end writes everything, however much there is', async () => {
    const { append, book, written } = journal(100_000);
    for (let i = 0; i < 4_500; i += 1) append(String(i));
    await book.flush();
    expect(written()).toHaveLength(4_500);
  });

  it('the flush at the end does not wait for a database that refuses', async () => {
    const { session, append, book, written } = journal();
    session.journalFates.push('fail');
    append('a');
    await book.flush();
    await turns();
    expect(written()).toEqual([]);
  });

  it('of a leader that was fenced writes nothing', async () => {
    const { clock, store, append, written } = journal();
    store.open();
    append('a');
    await clock.advance(1_000);
    expect(written()).toEqual([]);
  });
});
