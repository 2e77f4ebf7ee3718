import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventSubscription, InvoiceEvent } from '../../src/actors/ports/invoiceEvents.ts';
import { FakeStore } from '../support/fakeStore.ts';
import { BOB, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { applicationOf } from './applicationRig.ts';
import { type Rig, startRig } from './rig.ts';

/** Reads events as fast as it can. */
function reader(subscription: EventSubscription) {
  const events: InvoiceEvent[] = [];
  const end = Promise.withResolvers<string>();
  void (async () => {
    for (;;) {
      const next = await subscription.next();
      if (next.result !== 'event') return end.resolve(next.result);
      events.push(next.event);
    }
  })();
  return { events, end: end.promise, types: () => events.map(({ type }) => type) };
}

/** A payment in two parts: paid, and settled or cancelled. */
async function payment(rig: Rig, end: 'settle' | 'cancel' | 'lose') {
  const invoice = testInvoice(10_000n);
  const hash = invoice.paymentHash;
  const here = testPart(invoice, { amountMsat: 6_000n });
  await rig.pay(here, testPart(invoice, { amountMsat: 4_000n, nodeId: BOB }));
  if (end === 'cancel') await rig.supervisor.cancel(hash, rig.setOf(hash));
  else await rig.settle(hash);
  if (end === 'lose') rig.alice.resolve(here.id, false);
  rig.alice.process();
  rig.bob.process();
  await rig.clock.advance(150);
  return { hash, setId: rig.setOf(hash) };
}

describe('events of all invoices', () => {
  it('tell what becomes of each, with set, reason and amount, in the order of commits', async () => {
    const rig = await startRig();
    const read = reader(applicationOf(rig).subscribeEvents(0n));
    const settled = await payment(rig, 'settle');
    const canceled = await payment(rig, 'cancel');
    const lost = await payment(rig, 'lose');
    const incomplete = testInvoice(10_000n);
    await rig.pay(testPart(incomplete, { amountMsat: 1n }));
    await rig.clock.advance(61_000);
    const told = ({ hash, setId }: { hash: string; setId: string }) =>
      read.events
        .filter(({ paymentHash }) => paymentHash === hash)
        .map((event) => {
          expect(event.setId === setId || event.type === 'accepted').toBe(true);
          return [event.type, event.failureReason, event.settledMsat];
        })
        .sort();
    expect(told(settled)).toEqual([
      ['accepted', undefined, 0n],
      ['settle_requested', undefined, 0n],
      ['settled', undefined, 10_000n],
    ]);
    expect(told(canceled)).toEqual([
      ['accepted', undefined, 0n],
      ['given_back', 'canceled', 0n],
    ]);
    expect(told(lost)).toEqual([
      ['accepted', undefined, 0n],
      ['failed', 'partially_settled', 4_000n],
      ['settle_requested', undefined, 0n],
    ]);
    expect(read.events.filter(({ paymentHash }) => paymentHash === incomplete.paymentHash)).toMatchObject([
      { type: 'given_back', failureReason: 'mpp_timeout' },
    ]);
    const sequences = read.events.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => Number(a - b)));
  });

  it('tell of a set that was given up after it was requested', async () => {
    const rig = await startRig();
    const read = reader(applicationOf(rig).subscribeEvents('new'));
    await turns();
    const invoice = testInvoice(10_000n);
    const parts = [
      testPart(invoice, { amountMsat: 6_000n }),
      testPart(invoice, { amountMsat: 4_000n, nodeId: BOB }),
    ];
    await rig.pay(...parts);
    rig.bob.disconnect();
    await rig.settle(invoice.paymentHash);
    rig.alice.block(parts[0]!.offer.autoFailHeight - 6);
    await rig.clock.advance(200);
    expect(read.events.filter(({ type }) => type !== 'accepted')).toMatchObject([
      { type: 'settle_requested' },
      { type: 'failed', failureReason: 'deadline_reached', settledMsat: 0n },
    ]);
  });

  it('go on from a cursor, also at the next leader; from now on means what it says', async () => {
    const store = new FakeStore();
    const first = await startRig({ at: store });
    const before = reader(applicationOf(first).subscribeEvents(0n));
    await payment(first, 'settle');
    await payment(first, 'cancel');
    const all = before.events;
    expect(all.length).toBe(5);
    const next = await startRig({ at: store });
    const app = applicationOf(next);
    const again = reader(app.subscribeEvents(all[1]!.sequence));
    const fresh = reader(app.subscribeEvents('new'));
    await turns();
    expect(again.events).toEqual(all.slice(2));
    expect(fresh.events).toEqual([]);
    const { hash } = await payment(next, 'cancel');
    expect(fresh.types().sort()).toEqual(['accepted', 'given_back']);
    expect(fresh.events.every(({ paymentHash }) => paymentHash === hash)).toBe(true);
    expect(again.events.slice(3)).toEqual(fresh.events);
  });

  it('of a cursor beyond the last event say so', async () => {
    const rig = await startRig();
    const read = await applicationOf(rig).subscribeEvents(7n).next();
    expect(read).toEqual({ result: 'beyond', last: rig.store.tables.sequence });
  });

  it('need no query while nothing is written, and few while much is', async () => {
    const rig = await startRig();
    const read = reader(applicationOf(rig).subscribeEvents('new'));
    await rig.clock.advance(1_000);
    const before = rig.session.eventReads;
    await rig.clock.advance(3_000);
    expect(rig.session.eventReads).toBe(before);
    for (let i = 0; i < 50; i += 1) {
      const invoice = testInvoice(10_000n);
      await rig.pay(testPart(invoice));
      await rig.settle(invoice.paymentHash);
    }
    await rig.clock.advance(30);
    expect(read.types().filter((type) => type === 'settle_requested')).toHaveLength(50);
    expect(rig.session.eventReads - before).toBeLessThan(5);
  });

  it('are found also when nobody heard of their write', async () => {
    const rig = await startRig();
    const read = reader(applicationOf(rig).subscribeEvents('new'));
    await rig.clock.advance(1_000);
    const { tables } = rig.store;
    const line = { machine: 'htlcSet', from: 'failing', event: 'set.failed', to: 'failed' } as const;
    const { paymentHash } = testInvoice(1n);
    tables.journal(rig.session.epoch, [{ ...line, paymentHash, setId: undefined, at: 0 }], 0);
    await rig.clock.advance(3_000);
    expect(read.events).toEqual([]);
    await rig.clock.advance(1_200);
    expect(read.types()).toEqual(['given_back']);
  });

  it('end with their reader, with the daemon, and with a database that can not be read; nothing is left', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const leaving = app.subscribeEvents('new');
    const [left, stays] = [reader(leaving), reader(app.subscribeEvents('new'))];
    await turns();
    leaving.close();
    expect(await left.end).toBe('unavailable');
    rig.session.failingReads = 1;
    expect(await app.subscribeEvents('new').next()).toEqual({
      result: 'unavailable',
      reason: 'connection refused',
    });
    await rig.supervisor.stop();
    expect(await stays.end).toBe('unavailable');
    expect(rig.supervisor.events.listeners).toBe(0);
    expect(await app.subscribeEvents(0n).next()).toMatchObject({
      result: expect.stringMatching(/event|unavailable/),
    });
  });
});

describe('property: with pauses, breaks and returns wherever they may be', () => {
  it('a reader that goes on from its cursor has every event exactly once, in order', async () => {
    const step = fc.constantFrom('settle', 'cancel', 'read', 'break', 'pause');
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const rig = await startRig();
        const app = applicationOf(rig);
        const seen: InvoiceEvent[] = [];
        let subscription = app.subscribeEvents(0n);
        let reading = false;
        const read = () => {
          if (reading) return;
          reading = true;
          const from = subscription;
          void from.next().then((next) => {
            reading = false;
            // What a broken stream still brought is read again: at least once is what is promised.
            if (next.result === 'event' && from === subscription) seen.push(next.event);
          });
        };
        for (const what of steps) {
          if (what === 'settle' || what === 'cancel') await payment(rig, what);
          else if (what === 'read') read();
          else if (what === 'pause') await rig.clock.advance(60);
          else {
            subscription.close();
            await turns(2);
            subscription = app.subscribeEvents(seen.at(-1)?.sequence ?? 0n);
          }
        }
        await rig.clock.advance(200);
        for (let i = 0; i < 3 * steps.length + 3; i += 1) {
          read();
          await turns(3);
        }
        const all: InvoiceEvent[] = [];
        const whole = app.subscribeEvents(0n);
        for (const line of rig.store.tables.events) {
          if (
            !['set.failed', 'settle.requested'].includes(line.event) &&
            !['complete', 'settled'].includes(line.to)
          )
            continue;
          const next = await whole.next();
          if (next.result === 'event') all.push(next.event);
        }
        whole.close();
        subscription.close();
        expect(seen).toEqual(all);
        expect(all.length).toBe(
          steps.filter((what) => what === 'settle').length * 3 +
            steps.filter((what) => what === 'cancel').length * 2,
        );
      }),
      { numRuns: 25 },
    );
  });
});
