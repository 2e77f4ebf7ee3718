import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DecisionStore } from '../../src/actors/ports/decisionStore.ts';
import type { InvoiceReport } from '../../src/actors/ports/invoiceReport.ts';
import type { SetId } from '../../src/domain/hash.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { FakeStore } from '../support/fakeStore.ts';
import { BOB, IDENTITY_KEY, type TestPart, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { applicationOf, follow } from './applicationRig.ts';
import { type Rig, startRig } from './rig.ts';

describe('a watch over one invoice', () => {
  it('tells every state from before the first part to the last, and ends', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const invoice = testInvoice(10_000n);
    const hash = invoice.paymentHash;
    const watched = follow(app.watchInvoice(hash));
    await turns();
    expect(watched.reports).toMatchObject([{ state: 'open', explanation: 'Nothing has arrived for it.' }]);
    await rig.pay(testPart(invoice));
    const canceled = rig.setOf(hash);
    await rig.supervisor.cancel(hash, canceled);
    await turns();
    const part = testPart(invoice);
    await rig.pay(part);
    rig.alice.disconnect();
    await rig.settle(hash);
    await turns();
    rig.alice.connect();
    await turns();
    rig.alice.process();
    await rig.clock.advance(50);
    expect(await watched.end).toBe('over');
    expect(watched.reports.map(({ state, setId, failureReason }) => [state, setId, failureReason])).toEqual([
      ['open', undefined, undefined],
      ['accepted', canceled, undefined],
      ['open', undefined, 'canceled'],
      ['accepted', rig.setOf(hash), undefined],
      ['settle_requested', rig.setOf(hash), undefined],
      ['settled', rig.setOf(hash), undefined],
    ]);
    expect(rig.supervisor.changes.size).toBe(1);
  });

  it('begins with how things stand, also by a row of an earlier leader, and ends at once after the end', async () => {
    const store = new FakeStore();
    const first = await startRig({ at: store });
    const invoice = testInvoice(10_000n);
    const hash = invoice.paymentHash;
    const part = testPart(invoice);
    await first.pay(part);
    await first.settle(hash);
    const before = follow(applicationOf(first).watchInvoice(hash));
    await turns();
    first.session.kill(false);
    const next = await startRig({ at: store });
    const app = applicationOf(next);
    const after = follow(app.watchInvoice(hash));
    await turns();
    next.alice.finals.set(part.id, true);
    next.alice.disconnect();
    next.alice.connect();
    await next.clock.advance(50);
    expect(await after.end).toBe('over');
    expect([before.states(), after.states()]).toEqual([
      ['settle_requested'],
      ['settle_requested', 'settled'],
    ]);
    const late = follow(app.watchInvoice(hash));
    expect(await late.end).toBe('over');
    expect(late.states()).toEqual(['settled']);
  });

  it('tells of a failure, with the reason', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const part = testPart(invoice);
    const watched = follow(applicationOf(rig).watchInvoice(invoice.paymentHash));
    await rig.pay(part);
    await rig.settle(invoice.paymentHash);
    rig.alice.resolve(part.id, false);
    await rig.clock.advance(50);
    expect(await watched.end).toBe('over');
    expect(watched.reports.at(-1)).toMatchObject({ state: 'failed', failureReason: 'parts_failed' });
  });

  it('ends with its reader, with the daemon, and with a database that can not be read; nothing is left', async () => {
    const rig = await startRig();
    const app = applicationOf(rig);
    const hash = testInvoice(10_000n).paymentHash;
    const leaving = app.watchInvoice(hash);
    const [left, stays] = [follow(leaving), follow(app.watchInvoice(hash))];
    await turns();
    leaving.close();
    leaving.close();
    expect(await left.end).toBe('unavailable');
    rig.session.failingReads = 1;
    const failing = app.watchInvoice(hash);
    expect(await failing.next()).toMatchObject({ result: 'unavailable', reason: 'connection refused' });
    failing.close();
    expect([stays.ended(), rig.supervisor.changes.size]).toEqual([false, 1]);
    await rig.supervisor.stop();
    expect(await stays.end).toBe('unavailable');
    expect(rig.supervisor.changes.size).toBe(0);
    expect(await app.watchInvoice(hash).next()).toMatchObject({ result: 'unavailable' });
  });

  it('costs a slow reader nothing but its place: it hears how things stand when it reads', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    const hash = invoice.paymentHash;
    const watch = applicationOf(rig).watchInvoice(hash);
    await watch.next();
    for (let i = 0; i < 50; i += 1) {
      await rig.pay(testPart(invoice));
      await rig.supervisor.cancel(hash, rig.setOf(hash));
      rig.alice.process();
      await rig.clock.advance(50);
    }
    await rig.pay(testPart(invoice));
    expect(await watch.next()).toMatchObject({ report: { state: 'accepted', setId: rig.setOf(hash) } });
  });

  it('of an invoice whose actor breaks tells that its set is gone, and that it is back', async () => {
    const deriver = new PreimageDeriver(IDENTITY_KEY);
    let defects = 1;
    const preimage = (addr: Uint8Array) => {
      if (defects-- > 0) throw new Error('injected defect');
      return deriver.preimage(addr);
    };
    const broken = { paymentHash: (addr: Uint8Array) => deriver.paymentHash(addr), preimage };
    const rig = await startRig({ deriver: broken as PreimageDeriver });
    const invoice = testInvoice(10_000n);
    const watched = follow(applicationOf(rig).watchInvoice(invoice.paymentHash));
    await rig.pay(testPart(invoice));
    void rig.settle(invoice.paymentHash);
    await turns();
    expect(watched.states()).toEqual(['open', 'accepted', 'open']);
    await rig.clock.advance(1_100);
    expect(watched.states()).toEqual(['open', 'accepted', 'open', 'accepted']);
    expect(watched.reports[3]?.setId).toBe(watched.reports[1]?.setId);
  });
});

/** Reads take their time, a different one each: what is read may be old when it arrives. */
function slowly(store: DecisionStore, delays: readonly number[]): DecisionStore {
  let reads = 0;
  const late = async <T>(read: Promise<T>): Promise<T> => {
    const rows = await read;
    await turns(delays[reads++ % delays.length]);
    return rows;
  };
  return {
    ...store,
    invoicesByHash: (hashes) => late(store.invoicesByHash(hashes)),
    eventsByHash: (hash) => late(store.eventsByHash(hash)),
  };
}

const RANK = { open: 0, accepted: 0, settle_requested: 1, settled: 2, failed: 2 };

/** States go back to open and accepted as often as they like, and never back from what is decided. */
function checkOrder(reports: readonly InvoiceReport[]): void {
  for (const [i, report] of reports.entries()) {
    const before = reports[i - 1];
    if (!before) continue;
    expect([report.state, report.setId]).not.toEqual([before.state, before.setId]);
    expect(RANK[report.state]).toBeGreaterThanOrEqual(RANK[before.state]);
    expect(RANK[before.state]).toBeLessThan(2);
  }
}

type Step =
  | 'pay'
  | 'payPart'
  | 'settle'
  | 'cancel'
  | 'bobLeaves'
  | 'bobReturns'
  | 'final'
  | 'giveBack'
  | 'timeout'
  | 'read'
  | 'turn';
const STEPS: readonly Step[] = [
  'pay',
  'payPart',
  'settle',
  'cancel',
  'bobLeaves',
  'bobReturns',
  'final',
  'giveBack',
  'timeout',
  'read',
  'turn',
];

/** One run of the property's script: a rig on which steps happen without waiting for what they set off. */
async function play(rig: Rig, steps: readonly Step[], onRead: () => void) {
  const invoice = testInvoice(10_000n);
  const setId = () => rig.accepted.findLast((set) => set.paymentHash === invoice.paymentHash)?.setId;
  const offer = (part: TestPart) => (part.offer.key.nodeId === BOB ? rig.bob : rig.alice).offer(part.offer);
  const take = (step: Step): unknown => {
    switch (step) {
      case 'pay':
        return offer(testPart(invoice, { nodeId: BOB }));
      case 'payPart':
        return offer(testPart(invoice, { amountMsat: 5_000n }));
      case 'settle':
        return void rig.supervisor.settle(invoice.paymentHash, setId() ?? ('' as SetId));
      case 'cancel':
        return void rig.supervisor.cancel(invoice.paymentHash, setId() ?? ('' as SetId));
      case 'bobLeaves':
        return rig.bob.disconnect();
      case 'bobReturns':
        return rig.bob.connect();
      case 'final':
        rig.alice.process();
        return rig.bob.process();
      case 'giveBack':
        for (const id of [...rig.bob.held.keys()]) rig.bob.resolve(id, false);
        return undefined;
      case 'timeout':
        return rig.clock.advance(40_000);
      case 'read':
        return onRead();
      case 'turn':
        return turns(3);
    }
  };
  return {
    invoice,
    run: async () => {
      for (const step of steps) await take(step);
    },
  };
}

describe('property: whatever happens between its reads, and however late these come', () => {
  it('a watch never goes back, never repeats itself, and ends with how things stand', async () => {
    const calm = (step: Step): Step[] => [step, 'turn', 'turn', 'turn', 'turn'];
    const chunk = fc.constantFrom<Step[]>(
      ...STEPS.map((step) => [step]),
      ['pay', 'turn', 'turn', 'settle', 'turn', 'final'],
      ...(['pay', 'settle', 'bobLeaves', 'bobReturns', 'final', 'giveBack'] as const).map(calm),
    );
    const script = fc.record({
      steps: fc.array(chunk, { minLength: 3, maxLength: 20 }).map((chunks) => chunks.flat()),
      delays: fc.array(fc.nat(9), { minLength: 3, maxLength: 6 }),
    });
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(script, async ({ steps, delays }) => {
        const rig = await startRig();
        // Bound, since the methods of a session are not its own properties.
        const session: DecisionStore = {
          decide: rig.session.decide.bind(rig.session),
          finalise: rig.session.finalise.bind(rig.session),
          journal: rig.session.journal.bind(rig.session),
          recover: rig.session.recover.bind(rig.session),
          invoicesByHash: rig.session.invoicesByHash.bind(rig.session),
          storedHashes: rig.session.storedHashes.bind(rig.session),
          listInvoices: rig.session.listInvoices.bind(rig.session),
          eventsByHash: rig.session.eventsByHash.bind(rig.session),
          eventsAfter: rig.session.eventsAfter.bind(rig.session),
          lastEvent: rig.session.lastEvent.bind(rig.session),
        };
        const app = applicationOf(rig, slowly(session, delays));
        const lazy: InvoiceReport[] = [];
        let reading = false;
        let read = () => {};
        const { invoice, run } = await play(rig, steps, () => read());
        const watch = app.watchInvoice(invoice.paymentHash);
        read = () => {
          if (reading) return;
          reading = true;
          void watch.next().then((next) => {
            reading = false;
            if (next.result === 'report') lazy.push(next.report);
          });
        };
        const eager = follow(app.watchInvoice(invoice.paymentHash));
        await run();
        // The end: nothing new, and everything that is under way comes to rest.
        await rig.clock.advance(50);
        await turns(40);
        const { report } = (await app.lookupInvoice(invoice.paymentHash)) as { report?: InvoiceReport };
        for (let i = 0; i < steps.length + 5; i += 1) {
          read();
          await turns(12);
        }
        checkOrder(eager.reports);
        checkOrder(lazy);
        const now = [report?.state ?? 'open', report?.setId];
        expect([eager.reports.at(-1)?.state, eager.reports.at(-1)?.setId]).toEqual(now);
        expect([lazy.at(-1)?.state, lazy.at(-1)?.setId]).toEqual(now);
        for (const { state } of eager.reports) seen.set(state, (seen.get(state) ?? 0) + 1);
      }),
      { numRuns: 200 },
    );
    expect([...seen.keys()].sort()).toEqual(
      ['accepted', 'failed', 'open', 'settle_requested', 'settled'].sort(),
    );
  });
});
