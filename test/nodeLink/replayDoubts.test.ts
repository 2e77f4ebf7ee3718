import { describe, expect, test } from 'vitest';
import { REPLAY_MS, ReplayDoubts } from '../../src/actors/nodeLink/replayDoubts.ts';
import type { LndConnection } from '../../src/actors/ports/lndClient.ts';
import type { CircuitKey } from '../../src/domain/htlcKey.ts';
import { offerOf } from './fakeLnd.ts';
import { OURS, rig } from './rig.ts';

const ours = () => offerOf({ outgoingRequestedChanId: OURS });
/** Look-ups that lnd has not answered yet. */
const unanswered = () => new Promise<undefined>(() => {});

/** A process that can stand still: what fell due meanwhile fires late, and before anything is read from the network. */
function standingStill() {
  let now = 0;
  const timers = new Map<object, { readonly at: number; readonly fn: () => void }>();
  return {
    clock: {
      now: () => now,
      setTimeout: (fn: () => void, ms: number) => {
        const timer = { at: now + ms, fn };
        timers.set(timer, timer);
        return timer;
      },
      clearTimeout: (timer: unknown) => void timers.delete(timer as object),
    },
    standStill(ms: number) {
      now += ms;
      for (const timer of [...timers.values()].filter(({ at }) => at <= now)) {
        timers.delete(timer);
        timer.fn();
      }
    },
  };
}

describe('HTLCs of a replay that comes late are in doubt all the same', () => {
  test('because lnd or the network stood still when the stream was opened', async () => {
    const r = rig();
    r.lnd.lookup = unanswered;
    const c = await r.connect();
    r.clock.advance(REPLAY_MS * 3);
    const [held, alsoHeld] = [ours(), ours()];
    c.interceptor!.offered(held);
    r.clock.advance(REPLAY_MS - 1);
    c.interceptor!.offered(alsoHeld);
    expect([held, alsoHeld].map(({ key }) => r.link.doubtful!(key))).toEqual([true, true]);
    r.clock.advance(1);
    const fresh = ours();
    c.interceptor!.offered(fresh);
    expect(r.link.doubtful!(fresh.key)).toBe(false);
  });

  test('because this process stood still while they came', () => {
    const { clock, standStill } = standingStill();
    const asked: CircuitKey[] = [];
    const connection = {
      lookupHtlcResolution(key: CircuitKey) {
        asked.push(key);
        return unanswered();
      },
    };
    const doubts = new ReplayDoubts({
      connection: connection as unknown as LndConnection,
      clock,
      finalised: () => {},
      failed: () => {},
      replayed: () => {},
    });
    const [first, second] = [
      { chanId: 1n, htlcId: 1n },
      { chanId: 1n, htlcId: 2n },
    ];
    doubts.offered(first);
    standStill(REPLAY_MS * 2);
    doubts.offered(second);
    expect([first, second].map((key) => doubts.has(key))).toEqual([true, true]);
    expect(asked).toEqual([first, second]);
    doubts.stop();
  });
});
