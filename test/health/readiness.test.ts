import { beforeEach, describe, expect, it } from 'vitest';
import { ReadinessMonitor } from '../../src/daemon/health/readiness.ts';
import { SimulatedClock } from '../support/simulatedClock.ts';

let clock: SimulatedClock;
let monitor: ReadinessMonitor;
let database: () => Promise<void>;
let nodes: { name: string; state: string; ready: boolean }[];

beforeEach(() => {
  clock = new SimulatedClock();
  monitor = new ReadinessMonitor(clock);
  database = async () => {};
  nodes = [{ name: 'a', state: 'connected', ready: true }];
});

function leading(): void {
  monitor.watchDatabase(() => database());
  monitor.watchNodes(() => nodes);
  monitor.become('leader');
}

/** Lets a second pass, and what the database says in it. */
const second = () => clock.advance(1_000);

describe('readiness', () => {
  it('begins with nothing, and names what is missing', () => {
    expect(monitor.report()).toEqual({
      ready: false,
      role: 'starting',
      missing: ['still starting', 'the database: not connected yet'],
      nodes: [],
    });
  });

  it('is there for a leader with a database and one node that is ready', () => {
    leading();
    nodes.push({ name: 'b', state: 'backoff', ready: false });
    expect(monitor.report()).toMatchObject({ ready: true, role: 'leader', missing: [] });
  });

  it('is not there for a standby', () => {
    monitor.watchDatabase(() => database());
    monitor.become('standby');
    expect(monitor.report()).toMatchObject({
      ready: false,
      missing: ['the lead: another lnmuxd has it, this one takes over when it ends'],
    });
  });

  it.each([
    { those: [], missing: 'lnd nodes: none is configured' },
    {
      those: [{ name: 'a', state: 'refused', ready: false }],
      missing: 'an lnd node that is ready: a refused',
    },
  ])('needs a node: $missing', ({ those, missing }) => {
    leading();
    nodes = those;
    expect(monitor.report()).toMatchObject({ ready: false, missing: [missing] });
  });

  it('follows the database', async () => {
    const heard: boolean[] = [];
    leading();
    const leave = monitor.follow((ready) => heard.push(ready));
    database = () => Promise.reject(new Error('connection refused'));
    await second();
    expect(monitor.report().missing).toEqual(['the database: connection refused']);
    database = async () => {};
    await second();
    expect(monitor.report().ready).toBe(true);
    leave();
    await second();
    expect(heard).toEqual([true, false, true]);
  });

  it('takes a database that says nothing for one that is away, and asks it once only', async () => {
    let asked = 0;
    let reply = () => {};
    database = () => {
      asked += 1;
      return new Promise((resolve) => {
        reply = resolve;
      });
    };
    leading();
    for (let i = 0; i < 5; i += 1) await second();
    expect(monitor.report().missing).toEqual(['the database: no answer for 3 s']);
    expect(asked).toBe(1);
    reply();
    await second();
    expect(monitor.report().ready).toBe(true);
  });

  it('ends with the daemon, whatever comes later', () => {
    leading();
    monitor.stop();
    monitor.become('leader');
    expect(monitor.report()).toMatchObject({ ready: false, role: 'stopping', missing: ['shutting down'] });
  });
});
