import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { setup } from 'xstate';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { FinalStatusWaiters } from '../../src/actors/finalStatusWaiters.ts';
import type { Candidate } from '../../src/actors/supervisor/admission.ts';
import { CallWaiters } from '../../src/actors/supervisor/callWaiters.ts';
import { Deadlines } from '../../src/actors/supervisor/deadlines.ts';
import { HeldHtlcs } from '../../src/actors/supervisor/heldHtlcs.ts';
import { InvoiceLookups } from '../../src/actors/supervisor/invoiceLookups.ts';
import { SecretSlab } from '../../src/actors/supervisor/secretSlab.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { partIdOf } from '../../src/domain/htlcKey.ts';
import type { Part } from '../../src/domain/part.ts';
import { FakeStore, type StoreSession } from '../support/fakeStore.ts';
import { ALICE } from '../support/payments.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';

const HASH = 'aa' as PaymentHash;

describe('waiters for the final status', () => {
  it('all hear of the end, and every way out leaves nothing behind', async () => {
    const waiters = new FinalStatusWaiters();
    const never = new AbortController().signal;
    const leaving = new AbortController();
    const [a, b, c] = [
      waiters.wait(HASH, never),
      waiters.wait(HASH, never),
      waiters.wait(HASH, leaving.signal),
    ];
    const other = waiters.wait('bb' as PaymentHash, never);
    leaving.abort();
    expect(await c).toEqual({ result: 'aborted' });
    expect(await waiters.wait(HASH, leaving.signal)).toEqual({ result: 'aborted' });
    expect(waiters.size).toBe(3);
    waiters.finish(HASH, { result: 'settled' });
    expect(await Promise.all([a, b])).toEqual([{ result: 'settled' }, { result: 'settled' }]);
    waiters.finishAll({ result: 'unavailable', reason: 'end' });
    expect(await other).toEqual({ result: 'unavailable', reason: 'end' });
    expect(waiters.size).toBe(0);
  });
});

describe('waiting calls', () => {
  it('all who ask the same share an answer; who gets none in time is told; nothing is left behind', async () => {
    const clock = new SimulatedClock();
    const calls = new CallWaiters<string>(clock, 100);
    const early = calls.wait('k', 'late');
    await clock.advance(60);
    const answered = calls.wait('k', 'late');
    await clock.advance(40);
    expect(await early).toBe('late');
    calls.answer('k', 'yes');
    expect(await answered).toBe('yes');
    const [x, y] = [calls.wait('x', 'late'), calls.wait('y', 'late')];
    calls.answerAll('end');
    expect(await Promise.all([x, y])).toEqual(['end', 'end']);
    calls.answer('k', 'nobody');
    expect([calls.size, clock.pending]).toEqual([0, 0]);
  });
});

describe('deadlines', () => {
  it('property: each entry is due exactly once, at the first height that is not below its own', () => {
    const entry = fc.record({ height: fc.integer({ min: 1, max: 40 }), removed: fc.boolean() });
    const heights = fc.array(fc.integer({ min: 1, max: 45 }), { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(entry), heights, (entries, blocks) => {
        const deadlines = new Deadlines<number>();
        for (const [i, { height }] of entries.entries()) deadlines.add(height, i);
        for (const [i, { height, removed }] of entries.entries()) if (removed) deadlines.remove(height, i);
        const left = new Set(entries.flatMap(({ removed }, i) => (removed ? [] : [i])));
        for (const block of blocks) {
          const due = [...left].filter((i) => entries[i]!.height <= block);
          expect(deadlines.due(block).sort((a, b) => a - b)).toEqual(due);
          for (const i of due) left.delete(i);
          const rest = [...left].map((i) => entries[i]!.height);
          expect(deadlines.nearest()).toBe(rest.length > 0 ? Math.min(...rest) : undefined);
        }
      }),
    );
  });
});

describe('secrets of held HTLCs', () => {
  it('property: each slot keeps its own two secrets until it is released, and is wiped then', () => {
    const steps = fc.array(fc.record({ store: fc.boolean(), pick: fc.nat(50) }), { maxLength: 80 });
    fc.assert(
      fc.property(steps, (script) => {
        const slab = new SecretSlab();
        const kept: { slot: number; n: number }[] = [];
        let n = 0;
        for (const { store, pick } of script) {
          if (store || kept.length === 0) {
            n += 1;
            kept.push({ slot: slab.store(filled(n), filled(n + 128)), n });
          } else {
            const [gone] = kept.splice(pick % kept.length, 1);
            const [secret, address] = [slab.sharedSecret(gone!.slot), slab.paymentAddr(gone!.slot)];
            slab.release(gone!.slot);
            expect([...secret, ...address].every((byte) => byte === 0)).toBe(true);
          }
          expect(new Set(kept.map(({ slot }) => slot)).size).toBe(kept.length);
          for (const { slot, n: own } of kept) {
            expect(Buffer.from(slab.sharedSecret(slot))).toEqual(Buffer.from(filled(own)));
            expect(Buffer.from(slab.paymentAddr(slot))).toEqual(Buffer.from(filled(own + 128)));
          }
        }
        // Slots are used again: no more than were ever needed at once.
        expect(Math.max(0, ...kept.map(({ slot }) => slot))).toBeLessThanOrEqual(n);
      }),
      { numRuns: 50 },
    );
  });

  it('many pages', () => {
    const slab = new SecretSlab();
    const slots = Array.from({ length: 40_000 }, (_, i) => slab.store(filled(i), filled(i + 1)));
    expect(new Set(slots).size).toBe(40_000);
    expect(slab.sharedSecret(slots[39_999]!)[0]).toBe(39_999 & 0xff);
    expect(slab.paymentAddr(slots[16_384]!)[31]).toBe(16_385 & 0xff);
  });
});

describe('held HTLCs', () => {
  const part = (htlcId: bigint): Part => {
    const key = { nodeId: ALICE, chanId: 1n, htlcId };
    return {
      id: partIdOf(key),
      key,
      amountMsat: 1n,
      totalMsat: 1n,
      cltvExpiry: 1,
      autoFailHeight: 1,
      heightAtReceipt: 1,
    };
  };

  const candidate = (htlcId: bigint): Candidate => ({
    part: part(htlcId),
    paymentHash: HASH,
    terms: { amountMsat: 1n, expiresAt: 1 },
    sharedSecret: filled(1),
    paymentAddr: filled(2),
    feeMsat: 0n,
  });

  it('counts each part once per node, also one that comes back from the database while it is held', () => {
    const held = new HeldHtlcs();
    held.hold(candidate(1n));
    held.restore(part(1n), HASH, undefined);
    held.hold(candidate(2n));
    held.decided(part(1n).key, part(1n).id);
    expect([held.size, held.countOf(ALICE)]).toEqual([2, 2]);
    held.release(part(1n).id);
    held.release(part(1n).id);
    held.release(part(2n).id);
    expect([held.size, held.countOf(ALICE)]).toEqual([0, 0]);
    expect([...held.unresolved(ALICE)]).toEqual([]);
  });
});

const lookupsOn = (store: StoreSession, clock: SimulatedClock, onFenced = () => {}) =>
  new InvoiceLookups({
    store,
    epoch: store.epoch,
    clock,
    log: new RecordingLog(),
    paces: { lookupsMs: 0 },
    stored: { mayHave: () => true },
    onFenced,
  });

describe('lookups', () => {
  it('tell of nothing once another leader has taken over', async () => {
    const store = new FakeStore();
    let fenced = 0;
    const lookups = lookupsOn(store.open(), new SimulatedClock(), () => fenced++);
    store.open();
    lookups.lookUp('a' as PaymentHash, () => expect.unreachable('a stale leader must not act on a row'));
    await turns();
    expect(fenced).toBe(1);
  });

  it('of one turn share a query; one query is under way at a time; a failed one is asked again', async () => {
    const clock = new SimulatedClock();
    const session = new FakeStore().open();
    const lookups = lookupsOn(session, clock);
    const found: string[] = [];
    session.failingReads = 1;
    for (const hash of ['a', 'b', 'a']) lookups.lookUp(hash as PaymentHash, () => found.push(hash));
    await turns();
    lookups.lookUp('c' as PaymentHash, () => {
      throw new Error('defect');
    });
    lookups.lookUp('d' as PaymentHash, () => found.push('d'));
    expect([found, session.reads]).toEqual([[], 1]);
    await clock.advance(250);
    expect(found.sort()).toEqual(['a', 'a', 'b', 'd']);
    expect(session.reads).toBe(2);
    expect([lookups.depth, clock.pending]).toEqual([0, 0]);
  });

  it('end with stop', async () => {
    const clock = new SimulatedClock();
    const session = new FakeStore().open();
    const lookups = lookupsOn(session, clock);
    session.failingReads = 1;
    let found = 0;
    lookups.lookUp(HASH, () => {
      found += 1;
    });
    await turns();
    lookups.stop();
    lookups.lookUp(HASH, () => {
      found += 1;
    });
    await clock.advance(10_000);
    expect([found, session.reads]).toEqual([0, 1]);
  });
});

describe('the actor system', () => {
  const machine = setup({
    types: { events: {} as { type: 'go' } | { type: 'end' }, input: {} as { ms: number } },
    delays: { long: 5_000 },
  }).createMachine({
    initial: 'waiting',
    states: {
      waiting: { after: { long: 'rang' }, on: { go: 'left', end: 'over' } },
      left: { on: { end: 'over' } },
      rang: {},
      over: { type: 'final' },
    },
  });
  const spawn = (clock: SimulatedClock, count: number) => {
    const system = createActorSystem(clock);
    const actors = Array.from({ length: count }, (_, i) => {
      const actor = system.spawn(machine, { id: `a${i}`, input: { ms: 1 } });
      actor.start();
      return actor;
    });
    return { system, actors };
  };

  it("timers fire on the injected clock, each at its own actor's", async () => {
    const clock = new SimulatedClock();
    const { actors } = spawn(clock, 3);
    expect(clock.pending).toBe(3);
    actors[1]!.send({ type: 'go' });
    expect(clock.pending).toBe(2);
    await clock.advance(4_999);
    expect(actors.map((a) => a.getSnapshot().value)).toEqual(['waiting', 'left', 'waiting']);
    await clock.advance(1);
    expect(actors.map((a) => a.getSnapshot().value)).toEqual(['rang', 'left', 'rang']);
    expect(clock.pending).toBe(0);
  });

  it('timers end with their actor, and with no other', async () => {
    const clock = new SimulatedClock();
    const { actors } = spawn(clock, 3);
    actors[0]!.send({ type: 'end' });
    expect(clock.pending).toBe(2);
    await clock.advance(5_000);
    expect(actors.map((a) => a.getSnapshot().value)).toEqual(['over', 'rang', 'rang']);
  });

  it('all actors are seen by one inspector, until it leaves', () => {
    const clock = new SimulatedClock();
    const system = createActorSystem(clock);
    const seen = new Set<string>();
    const leave = system.inspect((event) => seen.add(event.type));
    const actor = system.spawn(machine, { id: 'x', input: { ms: 1 } });
    actor.start();
    expect([...seen]).toContain('@xstate.snapshot');
    leave();
    seen.clear();
    actor.send({ type: 'go' });
    expect(seen.size).toBe(0);
  });

  it('ending an actor costs the same however many others there are', () => {
    const cost = (others: number) => {
      const clock = new SimulatedClock();
      const { actors } = spawn(clock, others + 500);
      const before = performance.now();
      for (const actor of actors.slice(0, 500)) actor.send({ type: 'end' });
      return performance.now() - before;
    };
    cost(100);
    // XState's own scheduler takes more than a hundred times as long here.
    const [few, many] = [Math.min(cost(100), cost(100)), Math.min(cost(20_000), cost(20_000))];
    expect(many).toBeLessThan(few * 15 + 20);
  });
});

function filled(n: number): Uint8Array {
  return new Uint8Array(32).fill(n & 0xff);
}
