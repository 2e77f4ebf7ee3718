import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createApiClient } from '../../src/adapters/kubernetes/apiClient.ts';
import { LEASE_TIMES, type LeaseElection, startLeaseElection } from '../../src/daemon/run/leaseElection.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';
import { temporaryFolder, writeKubeconfig } from './access.ts';
import { ApiServer, NAMESPACE, type RequestFate } from './apiServer.ts';

let server: ApiServer;
beforeEach(async () => {
  server = await ApiServer.start();
});
afterEach(async () => {
  await allResigned();
  await server.close();
});

const HELD = 'Lock acquired';

/** lnmuxd, as far as it stands for a Lease: with real requests, on a clock of its own. */
class Candidate {
  readonly clock = new SimulatedClock();
  readonly log = new RecordingLog();
  readonly election: LeaseElection;
  decided: string | undefined;
  lost: string | undefined;
  resigned = false;

  constructor(owner: string, kubeconfig: string) {
    this.election = startLeaseElection({
      leaseName: { namespace: NAMESPACE, name: 'lnmux' },
      devKubeConfig: kubeconfig,
      owner,
      env: {},
      log: this.log,
      clock: this.clock,
      connect: counting,
      onLost: (reason) => {
        this.lost = reason;
      },
    });
    void this.election.decided.then((by) => {
      this.decided = by;
    });
  }

  get holds(): boolean {
    return this.log.of(HELD).length > 0 && this.lost === undefined && !this.resigned;
  }
}

let open: Candidate[] = [];

function candidates(...owners: string[]): Candidate[] {
  const kubeconfig = writeKubeconfig(temporaryFolder(), server);
  const made = owners.map((owner) => new Candidate(owner, kubeconfig));
  open = made;
  return made;
}

/** Lets time pass for everybody, in steps in which every request that is answered gets its answer. */
async function pass(ms: number, look: () => void = () => {}): Promise<void> {
  for (let passed = 0; passed < ms; passed += 500) {
    for (const { clock } of open) await clock.advance(Math.min(500, ms - passed));
    await quiet();
    look();
  }
}

async function allResigned(): Promise<void> {
  const ends = open.map(({ election }) => election.resign());
  await pass(6_000);
  await Promise.all(ends);
}

/** Requests that are on their way, on the side of the clients. */
let inFlight = 0;

const counting: typeof createApiClient = (access, clock) => {
  const client = createApiClient(access, clock);
  return {
    ...client,
    send(request) {
      inFlight += 1;
      return client.send(request).finally(() => {
        inFlight -= 1;
      });
    },
  };
};

/** Until every request has its answer, but those that hang. */
async function quiet(): Promise<void> {
  for (let still = 0; still < 3; still += 1) {
    await new Promise((resolve) => setImmediate(resolve));
    if (inFlight !== server.hanging) still = -1;
  }
}

const holders = () => open.filter(({ holds }) => holds);

describe('lnmuxd and a Lease', () => {
  it('is the only holder; a second waits, and has it when the first has resigned', async () => {
    const [a, b] = candidates('a', 'b') as [Candidate, Candidate];
    await pass(1_000);
    // Both asked for a Lease that was not there: one of them was told of a conflict.
    expect(holders()).toHaveLength(1);
    const [first, second] = a.holds ? [a, b] : [b, a];
    await pass(120_000);
    expect([first.decided, second.decided]).toEqual(['lease', undefined]);
    const end = first.election.resign().then(() => {
      first.resigned = true;
    });
    await pass(6_000);
    await end;
    expect(second.decided).toBe('lease');
    expect(first.log.of('Lock released')).toHaveLength(1);
    const seen = second.log.of('New leader elected').map(({ fields }) => fields.leaderId);
    expect(seen).toEqual([first === a ? 'a' : 'b', second === a ? 'a' : 'b']);
  });

  it('is not lost with a server that is away for a moment, and lost after 15 s, before anybody has it', async () => {
    const [a] = candidates('a') as [Candidate];
    await pass(1_000);
    server.fate = () => 'hangs';
    await pass(7_000);
    server.fate = () => 'answered';
    await pass(20_000);
    expect(a.lost).toBeUndefined();
    server.fate = () => 'cut';
    await pass(LEASE_TIMES.trustMs + 500);
    expect(a.lost).toMatch(/Lease is lost \(expired\)/);
    expect(server.book.holder('lnmux')).toBe('a');
  });

  it('does not keep lnmuxd from starting when the API server gives no usable answer for a minute', async () => {
    server.allowed.delete('GET');
    const [a] = candidates('a') as [Candidate];
    await pass(59_000);
    expect(a.decided).toBeUndefined();
    await pass(1_500);
    expect(a.decided).toBe('database');
    const said = a.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    expect(said).toEqual([expect.stringMatching(/no usable answer.*database alone/)]);
    expect(JSON.stringify(a.log.lines)).toMatch(/403 Forbidden; its Role needs/);
    // It goes on asking, and from then on the Lease counts.
    server.allowed.add('GET');
    await pass(8_000);
    expect(a.holds).toBe(true);
    server.book.delete('lnmux');
    await pass(6_000);
    expect(a.lost).toMatch(/fenced/);
  });

  it('makes it wait as long as the API server says that somebody else has it', async () => {
    const [, b] = candidates('a', 'b') as [Candidate, Candidate];
    await pass(300_000);
    expect(holders()).toHaveLength(1);
    expect(open.filter(({ decided }) => decided === 'database')).toEqual([]);
    expect(b.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('is never held twice, whatever happens to requests', { timeout: 120_000 }, async () => {
    const fate = fc.constantFrom<RequestFate>(
      ...(['answered', 'answered', 'answered', 'hangs', 'hangsAfterwards', 'cutAfterwards'] as const),
      ...(['cut', 'cutInTheMiddle', 'internalError', 'garbage'] as const),
    );
    const step = fc.record({
      seconds: fc.integer({ min: 1, max: 40 }),
      fates: fc.array(fate, { minLength: 1 }),
    });
    let elections = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const both = candidates('a', 'b');
        const look = () => expect(holders().length).toBeLessThanOrEqual(1);
        for (const { seconds, fates } of steps) {
          let next = 0;
          server.fate = () => fates[next++ % fates.length]!;
          await pass(seconds * 1_000, look);
        }
        server.fate = () => 'answered';
        await pass(70_000, look);
        // Whoever lost it has ended; if nobody did, one holds it.
        expect(both.some(({ holds, lost }) => holds || lost !== undefined)).toBe(true);
        elections += both.filter(({ log }) => log.of(HELD).length > 0).length;
        await allResigned();
        server.book.delete('lnmux');
      }),
      { numRuns: 12, seed: Number(process.env.SEED ?? 5) },
    );
    expect(elections).toBeGreaterThan(10);
  });
});
