import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLeadership, type Leadership } from '../../src/actors/leadership/leadership.ts';
import type { Clock } from '../../src/actors/ports/clock.ts';
import { LeaseStore } from '../../src/adapters/kubernetes/leaseStore.ts';
import { LEASE_TIMES } from '../../src/daemon/run/leaseElection.ts';
import { FAST, type Fate, letPass } from '../leadership/fakeLease.ts';
import { ManualClock } from '../machines/world/manualClock.ts';
import { silentLog } from '../support/silentLog.ts';
import { fakeLeaseApi } from './fakeLeaseApi.ts';
import { LeaseBook } from './leaseBook.ts';

/** A clock that goes at its own pace and shows another time. */
const skewed = (world: Clock, rate: number, offsetMs: number): Clock => ({
  now: () => world.now() * rate + offsetMs,
  setTimeout: (fn, ms) => world.setTimeout(fn, ms / rate),
  clearTimeout: (handle) => world.clearTimeout(handle),
});

interface Candidate {
  readonly owner: string;
  readonly leadership: Leadership;
  readonly said: string[];
  fate: () => Fate;
}

function candidate(world: ManualClock, book: LeaseBook, owner: string, rate = 1, offsetMs = 0): Candidate {
  const clock = skewed(world, rate, offsetMs);
  const said: string[] = [];
  const self: Candidate = {
    owner,
    said,
    fate: () => FAST,
    leadership: createLeadership({
      ...LEASE_TIMES,
      store: new LeaseStore({
        api: fakeLeaseApi(book, world, clock, () => self.fate()),
        clock,
        wallClock: clock.now,
      }),
      owner,
      clock,
      log: silentLog,
      random: () => 0.5,
      onLeader: () => said.push('leads'),
      onLost: (reason) => said.push(reason),
    }),
  };
  return self;
}

const leads = ({ leadership }: Candidate) => leadership.state() === 'leader';

function scene(owners: readonly [string, string] = ['a', 'b']) {
  const world = new ManualClock();
  const book = new LeaseBook();
  const [a, b] = owners.map((owner) => candidate(world, book, owner)) as [Candidate, Candidate];
  return { world, book, a, b };
}

/** `a` holds the Lease, `b` has seen it. */
async function elected(owners?: readonly [string, string]) {
  const all = scene(owners);
  all.a.leadership.start();
  await letPass(all.world, 100);
  all.b.leadership.start();
  await letPass(all.world, 60_000);
  expect([leads(all.a), leads(all.b)]).toEqual([true, false]);
  return all;
}

const fate: fc.Arbitrary<Fate> = fc.record({
  thereMs: fc.oneof(fc.nat(50), fc.nat(30_000)),
  backMs: fc.oneof(fc.nat(50), fc.nat(30_000)),
  loss: fc.constantFrom('none', 'none', 'request', 'answer', 'silent'),
});

const step = fc.record({
  who: fc.boolean(),
  what: fc.constantFrom('wait', 'wait', 'wait', 'resign', 'start', 'label', 'delete'),
  ms: fc.oneof(fc.nat(5_000), fc.nat(90_000)),
  fates: fc.array(fate, { minLength: 1, maxLength: 4 }),
});
const clock = fc.record({
  rate: fc.double({ min: 0.8, max: 1.25, noNaN: true }),
  offsetMs: fc.integer({ min: -1e9, max: 1e9 }),
});

describe('two candidates for a Lease', () => {
  it('never both hold it, whatever their clocks show, and one of them does once the network works', {
    timeout: 60_000,
  }, async () => {
    let elections = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(clock, clock),
        fc.boolean(),
        fc.array(step, { maxLength: 20 }),
        async ([clockA, clockB], namesakes, steps) => {
          const world = new ManualClock();
          const book = new LeaseBook();
          const a = candidate(world, book, 'one', clockA.rate, clockA.offsetMs);
          const b = candidate(world, book, namesakes ? 'one' : 'two', clockB.rate, clockB.offsetMs);
          const look = () => {
            const leaders = [a, b].filter(leads);
            expect(leaders.length).toBeLessThanOrEqual(1);
            if (leaders.length === 1) expect(book.holder('lnmux')).toBe(leaders[0]!.owner);
          };
          a.leadership.start();
          b.leadership.start();
          for (const { who, what, ms, fates } of steps) {
            let next = 0;
            // Only one of them has trouble with the network: that is when the other takes over.
            const troubled = who ? a : b;
            a.fate = b.fate = () => FAST;
            troubled.fate = () => fates[next++ % fates.length]!;
            const { leadership } = troubled;
            if (what === 'resign') void leadership.resign();
            else if (what === 'start') leadership.start();
            else if (what === 'label') book.label('lnmux', 'seen', String(ms));
            // Whoever deletes a Lease that is held breaks the protocol: nobody could know of its holder.
            else if (what === 'delete' && book.holder('lnmux') === '') book.delete('lnmux');
            await letPass(world, ms, look);
          }
          a.fate = b.fate = () => FAST;
          await letPass(world, 200_000, look);
          a.leadership.start();
          b.leadership.start();
          await letPass(world, 200_000, look);
          expect([leads(a), leads(b)].sort()).toEqual([false, true]);
          elections += [...a.said, ...b.said].filter((word) => word === 'leads').length;
        },
      ),
      { numRuns: 60, seed: Number(process.env.SEED ?? 7) },
    );
    expect(elections).toBeGreaterThan(80);
  });
});

describe('a Lease', () => {
  it('is released at once, so that the other need not wait for its end', async () => {
    const { world, book, a, b } = await elected();
    const resigned = a.leadership.resign();
    await letPass(world, 10);
    await resigned;
    expect(book.spec('lnmux')).toMatchObject({ holderIdentity: '', leaseDurationSeconds: 1 });
    await letPass(world, LEASE_TIMES.pollMs);
    expect(leads(b)).toBe(true);
    expect(book.spec('lnmux')).toMatchObject({ holderIdentity: 'b', leaseTransitions: 1 });
    expect(b.said).toEqual(['leads']);
  });

  it('is given up 15 s after the last renewal, and taken by the other after a minute, not before', async () => {
    const { world, a, b } = await elected();
    a.fate = () => ({ ...FAST, loss: 'request' });
    let last = world.now();
    await letPass(world, 21_000, () => {
      if (leads(a)) last = world.now();
    });
    expect(a.said.at(-1)).toBe('expired');
    const silentSince = last - LEASE_TIMES.trustMs;
    await letPass(world, silentSince + LEASE_TIMES.leaseMs - world.now() - 10);
    expect(leads(b)).toBe(false);
    await letPass(world, 2 * LEASE_TIMES.pollMs);
    expect(leads(b)).toBe(true);
  });

  it('outlives renewals whose answer is lost, and labels that others write', async () => {
    const { world, book, a } = await elected();
    for (const loss of ['answer', 'silent', 'request'] as const) {
      let lost = false;
      a.fate = () => {
        const once: Fate = lost ? FAST : { ...FAST, loss };
        lost = true;
        return once;
      };
      await letPass(world, 12_000);
      book.label('lnmux', 'at', loss);
      await letPass(world, 12_000);
      expect(leads(a)).toBe(true);
    }
  });

  it('that was acquired without an answer is ours when it is seen', async () => {
    const { world, book, a } = scene();
    const fates: Fate[] = [FAST, { ...FAST, loss: 'answer' }];
    a.fate = () => fates.shift() ?? FAST;
    a.leadership.start();
    await letPass(world, 100);
    expect([book.holder('lnmux'), leads(a)]).toEqual(['a', false]);
    await letPass(world, 1_000);
    expect(leads(a)).toBe(true);
  });

  it('of another process with the same identity is not ours', async () => {
    const { world, book, a, b } = await elected(['same', 'same']);
    await letPass(world, 300_000);
    expect([leads(a), leads(b)]).toEqual([true, false]);
    expect(book.spec('lnmux').leaseTransitions).toBe(0);
  });

  it('that somebody else has taken ends the lead at the next renewal', async () => {
    const { world, book, a } = await elected();
    const stolen = book.get('lnmux').body as { spec: object };
    book.update('lnmux', { ...stolen, spec: { ...stolen.spec, holderIdentity: 'thief' } });
    await letPass(world, LEASE_TIMES.renewMs);
    expect(a.said).toEqual(['leads', 'fenced']);
  });

  it('is taken from a Go program that has stopped, after the duration that it wrote', async () => {
    const { world, book, a } = scene();
    book.create({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'lnmux' },
      spec: {
        holderIdentity: 'go',
        leaseDurationSeconds: 30,
        acquireTime: '2020-01-01T00:00:00.000000Z',
        renewTime: '2020-01-01T00:00:00.000000Z',
        leaseTransitions: 4,
      },
    });
    a.leadership.start();
    await letPass(world, 29_900);
    expect(leads(a)).toBe(false);
    await letPass(world, LEASE_TIMES.pollMs);
    expect(leads(a)).toBe(true);
    expect(book.spec('lnmux')).toMatchObject({ holderIdentity: 'a', leaseTransitions: 5 });
  });
});
