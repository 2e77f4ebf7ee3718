import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AcceptedSubscription } from '../../src/actors/ports/application.ts';
import { AcceptedSets } from '../../src/actors/subscriptions.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';

function board(height = 100) {
  const clock = new SimulatedClock();
  const sets = new AcceptedSets({ clock, graceMs: 30_000, height: () => height });
  const announce = (name: string) => sets.announce(`h${name}` as PaymentHash, name as SetId, 150);
  return { clock, sets, announce, withdraw: (name: string) => sets.withdraw(name as SetId) };
}

/** Reads on until it would have to wait. */
function reader(subscription: AcceptedSubscription) {
  const seen: string[] = [];
  let ended = false;
  void (async () => {
    for (let set = await subscription.next(); set; set = await subscription.next()) seen.push(set.setId);
    ended = true;
  })();
  return { seen, ended: () => ended };
}

describe('accepted sets', () => {
  it('every complete set now, in the order of completion, then each as it completes', async () => {
    const { sets, announce } = board();
    announce('a');
    announce('b');
    const first = reader(sets.subscribe());
    await turns(1);
    expect(first.seen).toEqual(['a', 'b']);
    announce('c');
    const second = reader(sets.subscribe());
    await turns(1);
    expect(first.seen).toEqual(['a', 'b', 'c']);
    expect(second.seen).toEqual(['a', 'b', 'c']);
  });

  it('says how long there is to decide', async () => {
    const { sets, announce } = board(140);
    announce('a');
    expect(await sets.subscribe().next()).toMatchObject({ deadlineHeight: 150, blocksLeft: 10 });
  });

  it('a set that is gone before it is read is not announced; the same set again is', async () => {
    const { sets, announce, withdraw } = board();
    const slow = sets.subscribe();
    for (const name of ['a', 'b', 'c']) announce(name);
    withdraw('a');
    withdraw('b');
    withdraw('b');
    expect((await slow.next())?.setId).toBe('c');
    announce('a');
    expect((await slow.next())?.setId).toBe('a');
    expect(sets.held).toBe(2);
  });

  it('a reader that does not read costs nothing but its place', async () => {
    const { sets, announce, withdraw } = board();
    const slow = sets.subscribe();
    for (let i = 0; i < 100_000; i += 1) {
      announce(String(i));
      withdraw(String(i));
    }
    expect(sets.held).toBe(0);
    announce('last');
    const before = performance.now();
    expect((await slow.next())?.setId).toBe('last');
    expect(performance.now() - before).toBeLessThan(100);
  });

  it('ends for a reader that leaves, and for all at the end', async () => {
    const { sets, announce } = board();
    const leaving = sets.subscribe();
    const [one, other] = [reader(leaving), reader(sets.subscribe())];
    leaving.close();
    leaving.close();
    announce('a');
    await turns(1);
    expect([one.ended(), one.seen]).toEqual([true, []]);
    expect(sets.subscribers).toBe(1);
    sets.close();
    await turns(1);
    expect([other.ended(), other.seen]).toEqual([true, ['a']]);
    expect(sets.subscribers).toBe(0);
    expect(await sets.subscribe().next()).toBeUndefined();
    expect(sets.subscribers).toBe(0);
  });

  it('is attended while somebody subscribes and for the grace after the start and each departure', async () => {
    const { clock, sets } = board();
    expect(sets.attended()).toBe(true);
    await clock.advance(30_000);
    expect(sets.attended()).toBe(false);
    const [a, b] = [sets.subscribe(), sets.subscribe()];
    await clock.advance(90_000);
    a.close();
    await clock.advance(90_000);
    expect(sets.attended()).toBe(true);
    b.close();
    await clock.advance(29_999);
    a.close();
    expect(sets.attended()).toBe(true);
    await clock.advance(1);
    expect(sets.attended()).toBe(false);
  });

  it('property: each reader gets exactly the sets that were there when it read, once, in order', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('announce' as const), n: fc.nat(9) }),
      fc.record({ do: fc.constant('withdraw' as const), n: fc.nat(9) }),
      fc.record({ do: fc.constant('read' as const), n: fc.nat(2) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { sets, announce, withdraw } = board();
        const readers = [0, 1, 2].map(() => ({ subscription: sets.subscribe(), last: 0 }));
        const live: { name: string; at: number }[] = [];
        let count = 0;
        for (const { do: action, n } of steps) {
          const held = live.findIndex(({ name }) => name === String(n));
          if (action === 'announce' && held < 0) {
            count += 1;
            live.push({ name: String(n), at: count });
            announce(String(n));
          } else if (action === 'withdraw') {
            if (held >= 0) live.splice(held, 1);
            withdraw(String(n));
          } else if (action === 'read') {
            const who = readers[n]!;
            const next = live.find(({ at }) => at > who.last);
            // It would wait: a pending read is another test's matter.
            if (!next) continue;
            expect((await who.subscription.next())?.setId).toBe(next.name);
            who.last = next.at;
          }
        }
      }),
    );
  });
});
