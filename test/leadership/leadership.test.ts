import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  createLeadership,
  DEFAULT_LEASE_MS,
  LEASE_SAFETY_GAP_MS,
  type Leadership,
} from '../../src/actors/leadership/leadership.ts';
import type { Log } from '../../src/actors/ports/log.ts';
import { ManualClock } from '../machines/world/manualClock.ts';
import { FAST, FakeLease, type Fate, letPass } from './fakeLease.ts';

const silent: Log = { debug() {}, info() {}, warn() {}, error() {}, child: () => silent };

interface Process {
  readonly leadership: Leadership;
  readonly said: string[];
  epoch: bigint | undefined;
}

function processOf(name: string, clock: ManualClock, lease: FakeLease): Process {
  const said: string[] = [];
  const process: Process = {
    said,
    epoch: undefined,
    leadership: createLeadership({
      store: lease.store(),
      owner: name,
      clock,
      log: silent,
      random: () => 0.5,
      onLeader(epoch) {
        process.epoch = epoch;
        said.push(`leads ${epoch}`);
      },
      onLost(reason) {
        process.epoch = undefined;
        said.push(reason);
      },
    }),
  };
  return process;
}

function scene() {
  const clock = new ManualClock();
  const lease = new FakeLease(clock);
  return { clock, lease, a: processOf('a', clock, lease), b: processOf('b', clock, lease) };
}

const fate: fc.Arbitrary<Fate> = fc.record({
  thereMs: fc.oneof(fc.nat(50), fc.nat(20_000)),
  backMs: fc.oneof(fc.nat(50), fc.nat(20_000)),
  loss: fc.constantFrom('none', 'none', 'none', 'none', 'request', 'answer', 'silent'),
});

const step = fc.record({
  who: fc.boolean(),
  what: fc.constantFrom('wait', 'wait', 'wait', 'wait', 'resign', 'start', 'fenced'),
  ms: fc.oneof(fc.nat(2_000), fc.nat(20_000)),
  fates: fc.array(fate, { minLength: 1, maxLength: 4 }),
});

describe('leadership', () => {
  it('is believed by at most one process, and only while its lease is valid', {
    timeout: 60_000,
  }, async () => {
    let changes = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const { clock, lease, a, b } = scene();
        const look = () => {
          const leaders = [a, b].filter((p) => p.leadership.state() === 'leader');
          expect(leaders.length).toBeLessThanOrEqual(1);
          for (const leader of leaders) expect(lease.isHeldUnder(leader.epoch!)).toBe(true);
        };
        a.leadership.start();
        b.leadership.start();
        for (const { who, what, ms, fates } of steps) {
          let next = 0;
          lease.fate = () => fates[next++ % fates.length]!;
          const { leadership } = who ? a : b;
          if (what === 'resign') void leadership.resign();
          else if (what === 'start') leadership.start();
          else if (what === 'fenced') leadership.fenced();
          await letPass(clock, ms, look);
        }
        // Faults heal: soon one of them leads, and stays.
        lease.fate = () => FAST;
        await letPass(clock, 60_000, look);
        a.leadership.start();
        b.leadership.start();
        await letPass(clock, 60_000, look);
        const states = [a.leadership.state(), b.leadership.state()].sort();
        expect(states).toEqual(['leader', 'standby']);
        const before = a.said.length + b.said.length;
        changes += before;
        await letPass(clock, 120_000, look);
        expect(a.said.length + b.said.length).toBe(before);
      }),
      { numRuns: 150, seed: Number(process.env.SEED ?? 7) },
    );
    expect(changes).toBeGreaterThan(300);
  });

  it('passes to the standby at once after a resignation', async () => {
    const { clock, a, b } = scene();
    a.leadership.start();
    await letPass(clock, 10);
    b.leadership.start();
    await letPass(clock, 60_000);
    expect([a.leadership.state(), b.leadership.state()]).toEqual(['leader', 'standby']);
    const resigned = a.leadership.resign();
    await letPass(clock, 10);
    await resigned;
    expect(a.leadership.state()).toBe('idle');
    await letPass(clock, 600);
    expect(b.said).toEqual(['leads 2']);
    expect(a.said).toEqual(['leads 1']);
  });

  it('ends before the lease does when it can not be renewed', async () => {
    const { clock, lease, a } = scene();
    a.leadership.start();
    await letPass(clock, 2);
    const acquiredAt = clock.now();
    lease.fate = () => ({ thereMs: 1, backMs: 1, loss: 'request' });
    await letPass(clock, DEFAULT_LEASE_MS - LEASE_SAFETY_GAP_MS - 3);
    expect(a.leadership.state()).toBe('leader');
    await letPass(clock, 3);
    expect(a.said).toEqual(['leads 1', 'expired']);
    expect(clock.now()).toBeLessThanOrEqual(acquiredAt + DEFAULT_LEASE_MS - LEASE_SAFETY_GAP_MS);
    expect(lease.isHeldUnder(1n)).toBe(true);
    expect(a.leadership.state()).toBe('lost');
  });

  it('outlives a renewal without an answer', async () => {
    const { clock, lease, a } = scene();
    a.leadership.start();
    await letPass(clock, 10);
    lease.fate = () => ({ thereMs: 1, backMs: 1, loss: 'silent' });
    await letPass(clock, 5_000);
    lease.fate = () => FAST;
    await letPass(clock, 60_000);
    expect(a.said).toEqual(['leads 1']);
  });

  it('ends at once when a write was fenced, and stands again when told to', async () => {
    const { clock, a } = scene();
    a.leadership.start();
    await letPass(clock, 10);
    a.leadership.fenced();
    expect(a.said).toEqual(['leads 1', 'fenced']);
    await letPass(clock, 60_000);
    expect(a.said).toHaveLength(2);
    a.leadership.start();
    await letPass(clock, 60_000);
    expect(a.said).toEqual(['leads 1', 'fenced', 'leads 2']);
  });

  it('ends at the first renewal that finds another epoch', async () => {
    const { clock, lease, a } = scene();
    a.leadership.start();
    await letPass(clock, 10);
    lease.epoch = 7n;
    await letPass(clock, 5_010);
    expect(a.said).toEqual(['leads 1', 'fenced']);
  });

  it('gives back a lease that came after the resignation', async () => {
    const { clock, lease, a } = scene();
    lease.fate = () => ({ thereMs: 100, backMs: 100, loss: 'none' });
    a.leadership.start();
    await a.leadership.resign();
    await letPass(clock, 1_000);
    expect(a.said).toEqual([]);
    expect(lease.epoch).toBe(1n);
    expect(lease.isHeldUnder(1n)).toBe(false);
  });

  it('refuses an empty name, and a lease that can not be renewed in time', () => {
    const { clock, lease } = scene();
    const base = { store: lease.store(), clock, log: silent, onLeader() {}, onLost() {} };
    expect(() => createLeadership({ ...base, owner: ' ' })).toThrow(RangeError);
    expect(() => createLeadership({ ...base, owner: 'a', leaseMs: 5_000, renewMs: 5_000 })).toThrow(
      RangeError,
    );
  });
});
