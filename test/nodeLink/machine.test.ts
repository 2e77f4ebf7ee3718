import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { createActor } from 'xstate';
import type { NodeLinkEffect, NodeLinkEvent } from '../../src/machines/nodeLink/events.ts';
import {
  backoffMs,
  DEFAULT_NODE_LINK_LIMITS as LIMITS,
  type NodeLinkLimits,
} from '../../src/machines/nodeLink/limits.ts';
import { isReady, nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';
import { ManualClock } from './manualClock.ts';
import { allPairs, TransitionCoverage } from './transitionCoverage.ts';

const coverage = new TransitionCoverage();

function run(limits: Partial<NodeLinkLimits> = {}) {
  const clock = new ManualClock();
  const effects: NodeLinkEffect[] = [];
  const actor = createActor(nodeLinkMachine, {
    clock: clock as never,
    input: { limits: { ...LIMITS, ...limits } },
    inspect: coverage.inspect,
  });
  actor.on('*', (effect) => effects.push(effect));
  actor.start();
  return {
    clock,
    effects,
    actor,
    send: (event: NodeLinkEvent) => actor.send(event),
    types: () => effects.map((e) => e.type),
    value: () => actor.getSnapshot().value,
  };
}

const started: NodeLinkEvent = { type: 'link.started', jitter: 0.5 };
const valid: NodeLinkEvent = { type: 'validation.succeeded', synced: true, jitter: 0.5 };
const failed: NodeLinkEvent = { type: 'connection.failed', source: 'blocks', reason: 'x', jitter: 0.5 };
const toConnected: NodeLinkEvent[] = [
  started,
  valid,
  { type: 'events.subscribed' },
  { type: 'block.connected', height: 7 },
  { type: 'interceptor.opened' },
];

type Step = { readonly advance: number } | { readonly event: NodeLinkEvent };

const jitter = fc.double({ min: 0, max: 0.999, noNaN: true });
const anyEvent: fc.Arbitrary<NodeLinkEvent> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ type: fc.constant('link.started' as const), jitter }) },
  { weight: 1, arbitrary: fc.constant<NodeLinkEvent>({ type: 'link.stopped' }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom<NodeLinkEvent>({ type: 'drain.requested' }, { type: 'drain.ended' }),
  },
  { weight: 2, arbitrary: fc.constant<NodeLinkEvent>({ type: 'retry.requested' }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('validation.succeeded' as const),
      synced: fc.boolean(),
      jitter,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('node.refused' as const), reason: fc.string(), jitter }),
  },
  { weight: 6, arbitrary: fc.constant<NodeLinkEvent>({ type: 'events.subscribed' }) },
  { weight: 6, arbitrary: fc.record({ type: fc.constant('block.connected' as const), height: fc.nat() }) },
  { weight: 4, arbitrary: fc.constant<NodeLinkEvent>({ type: 'interceptor.opened' }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('interceptor.occupied' as const), jitter }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('sync.checked' as const), synced: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('connection.failed' as const),
      source: fc.constantFrom('validation', 'events', 'blocks', 'interceptor'),
      reason: fc.string(),
      jitter,
    }),
  },
);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ event: anyEvent }) },
  {
    weight: 1,
    arbitrary: fc.record({
      advance: fc.constantFrom(1, 499, 501, 2_000, 11_000, 61_000, 131_000, 3_700_000),
    }),
  },
);

/** What a connection has behind it when it may open the interceptor; judged from the outside. */
class Witness {
  open = false;
  facts = new Set<string>();
  connected = false;
  lastPause: number | undefined;

  event(event: NodeLinkEvent): void {
    if (this.open) this.facts.add(event.type);
  }

  effect(effect: NodeLinkEffect): void {
    switch (effect.type) {
      case 'link.validate':
        expect(this.open, 'a connection is opened only when the last one is closed').toBe(false);
        this.open = true;
        this.facts = new Set();
        break;
      case 'link.openEvents':
        expect(this.facts).toContain('validation.succeeded');
        this.facts.add(effect.type);
        break;
      case 'link.lookup':
      case 'link.openBlocks':
        expect(this.facts).toContain('link.openEvents');
        expect(this.facts).toContain('events.subscribed');
        this.facts.add(effect.type);
        break;
      case 'link.openInterceptor':
        for (const fact of ['validation.succeeded', 'events.subscribed', 'link.lookup', 'block.connected']) {
          expect(this.facts).toContain(fact);
        }
        this.facts.add(effect.type);
        break;
      case 'link.closeStreams':
        this.open = false;
        break;
      case 'link.notifyConnected':
        expect(this.facts).toContain('link.openInterceptor');
        expect(this.connected).toBe(false);
        this.connected = true;
        break;
      case 'link.notifyDisconnected':
        expect(this.open).toBe(false);
        this.connected = false;
        this.lastPause = effect.retryMs;
        break;
    }
  }
}

describe('node link statechart', () => {
  test('never opens the interceptor before validation, events, look-up and a height; ends every connection', () => {
    fc.assert(
      fc.property(fc.array(anyStep, { minLength: 1, maxLength: 60 }), (steps) => {
        const link = run();
        const witness = new Witness();
        let seen = 0;
        const look = () => {
          while (seen < link.effects.length) witness.effect(link.effects[seen++]!);
        };
        link.send(started);
        look();
        for (const step of steps) {
          if ('advance' in step) link.clock.advance(step.advance);
          else {
            witness.event(step.event);
            link.send(step.event);
          }
          look();
          const snapshot = link.actor.getSnapshot();
          expect(snapshot.status).toBe('active');
          expect(witness.connected).toBe(snapshot.matches('connected'));
          expect(witness.open).toBe(
            snapshot.matches('validating') || snapshot.matches('syncing') || snapshot.matches('connected'),
          );
          if (isReady(snapshot)) expect(witness.connected && snapshot.context.synced).toBe(true);
        }
        link.actor.stop();
      }),
      { numRuns: 400 },
    );
  });

  test('an error in any state that has a connection closes it, and the next try comes after a pause', () => {
    for (let reached = 1; reached <= toConnected.length; reached++) {
      const link = run();
      for (const event of toConnected.slice(0, reached)) link.send(event);
      link.effects.length = 0;
      link.send(failed);
      expect(link.types()).toEqual(['link.closeStreams', 'link.notifyReady', 'link.notifyDisconnected']);
      expect(link.value()).toBe('backoff');
      link.clock.advance(999);
      expect(link.value()).toBe('backoff');
      link.clock.advance(1);
      expect(link.value()).toBe('validating');
    }
  });

  test('whatever ends a connection, in whichever state, closes it and leads to its own pause', () => {
    const endings: [NodeLinkEvent, string][] = [
      [failed, 'backoff'],
      [{ type: 'node.refused', reason: 'x', jitter: 0.5 }, 'refused'],
      [{ type: 'interceptor.occupied', jitter: 0.5 }, 'slotTaken'],
    ];
    for (const [event, state] of endings) {
      for (let reached = 1; reached <= toConnected.length; reached++) {
        const link = run();
        for (const before of toConnected.slice(0, reached)) link.send(before);
        if (reached === 1 && event.type === 'interceptor.occupied') continue;
        link.effects.length = 0;
        link.send(event);
        expect(link.value()).toBe(state);
        expect(link.types()[0]).toBe('link.closeStreams');
        link.send({ type: 'retry.requested' });
        expect(link.value()).toBe('validating');
      }
    }
  });

  test('final outcomes are looked up again now and then; the chain is looked at regularly', () => {
    const link = run({ blockSilenceMs: 1e9 });
    for (const event of toConnected) link.send(event);
    link.clock.advance(LIMITS.relookupMs * 3);
    const count = (type: string) => link.types().filter((t) => t === type).length;
    expect(count('link.lookup')).toBe(4);
    expect(count('link.checkSync')).toBe(30);
  });

  test('a node that is not synced is intercepted all the same, but not ready', () => {
    const link = run();
    link.send(started);
    link.send({ type: 'validation.succeeded', synced: false, jitter: 0 });
    for (const event of toConnected.slice(2)) link.send(event);
    expect(link.types()).toContain('link.notifyConnected');
    expect(isReady(link.actor.getSnapshot())).toBe(false);
    expect(link.effects).toContainEqual({
      type: 'link.alarm',
      problem: 'unsynced',
      reason: 'lnd is not synced to chain',
    });
  });

  test('the order of a connection', () => {
    const link = run();
    for (const event of toConnected) link.send(event);
    expect(link.types()).toEqual([
      'link.validate',
      'link.openEvents',
      'link.lookup',
      'link.openBlocks',
      'link.openInterceptor',
      'link.notifyConnected',
      'link.notifyReady',
    ]);
    expect(isReady(link.actor.getSnapshot())).toBe(true);
  });

  test('each wait has an end', () => {
    const waits: [number, number, string][] = [
      [1, LIMITS.validationMs, 'lnd did not answer in time'],
      [2, LIMITS.subscriptionMs, 'HTLC event subscription not confirmed'],
      [3, LIMITS.initialHeightMs, 'initial block height not received'],
    ];
    for (const [reached, ms, reason] of waits) {
      const link = run();
      for (const event of toConnected.slice(0, reached)) link.send(event);
      link.clock.advance(ms - 1);
      expect(link.value()).not.toBe('backoff');
      link.clock.advance(1);
      expect(link.value()).toBe('backoff');
      expect(link.actor.getSnapshot().context.failure?.reason).toBe(reason);
    }
  });

  test('an interceptor that is not refused for a while is open', () => {
    const link = run();
    for (const event of toConnected.slice(0, 4)) link.send(event);
    link.clock.advance(LIMITS.interceptorGraceMs);
    expect(link.types()).toContain('link.notifyConnected');
  });

  test('a taken slot is waited for with steady patience, a misconfigured node with an alarm', () => {
    const link = run();
    for (const event of toConnected.slice(0, 4)) link.send(event);
    for (let i = 0; i < 5; i++) {
      link.send({ type: 'interceptor.occupied', jitter: 0.5 });
      expect(link.value()).toBe('slotTaken');
      expect(link.effects.at(-1)).toMatchObject({ type: 'link.alarm', problem: 'slotTaken' });
      link.clock.advance(LIMITS.slotRetryMs);
      expect(link.value()).toBe('validating');
      for (const event of toConnected.slice(1, 4)) link.send(event);
    }
    link.send({ type: 'node.refused', reason: 'lnd requireinterceptor flag not set', jitter: 0.5 });
    expect(link.value()).toBe('refused');
    expect(link.effects.at(-1)).toEqual({
      type: 'link.alarm',
      problem: 'refused',
      reason: 'lnd requireinterceptor flag not set',
    });
    link.clock.advance(LIMITS.refusedRetryMs);
    expect(link.value()).toBe('validating');
  });

  test('silent blocks and a lost chain end readiness, and come back', () => {
    const link = run({ blockSilenceMs: 1_000_000 });
    for (const event of toConnected) link.send(event);
    const ready = () => isReady(link.actor.getSnapshot());
    link.clock.advance(999_999);
    link.send({ type: 'block.connected', height: 8 });
    link.clock.advance(999_999);
    expect(ready()).toBe(true);
    link.clock.advance(1);
    expect(ready()).toBe(false);
    link.send({ type: 'block.connected', height: 9 });
    expect(ready()).toBe(true);
    link.send({ type: 'sync.checked', synced: false });
    expect(ready()).toBe(false);
    const checks = () => link.types().filter((t) => t === 'link.checkSync').length;
    const before = checks();
    link.clock.advance(LIMITS.unsyncedCheckMs * 3);
    expect(checks() - before).toBe(3);
    link.send({ type: 'sync.checked', synced: true });
    expect(ready()).toBe(true);
  });

  test('the pause grows to its bound and starts anew after a stable connection', () => {
    const link = run();
    link.send(started);
    const pauses: number[] = [];
    for (let i = 0; i < 8; i++) {
      link.send(failed);
      const effect = link.effects.at(-1);
      if (effect?.type === 'link.notifyDisconnected') pauses.push(effect.retryMs);
      link.send({ type: 'retry.requested' });
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 10_000, 10_000, 10_000, 10_000]);
    for (const event of toConnected.slice(1)) link.send(event);
    link.clock.advance(LIMITS.stableMs);
    link.send(failed);
    expect(link.effects.at(-1)).toMatchObject({ retryMs: 1_000 });
  });

  test('pauses are spread by a quarter either way and never above the bound by more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), jitter, (failures, j) => {
        const ms = backoffMs(failures, j, LIMITS);
        expect(ms).toBeGreaterThanOrEqual(750);
        expect(ms).toBeLessThanOrEqual(37_500);
      }),
    );
  });

  test('draining holds across connections', () => {
    const link = run();
    link.send({ type: 'drain.requested' });
    for (const event of toConnected) link.send(event);
    expect(link.value()).toMatchObject({ connected: { traffic: 'draining' } });
    link.send({ type: 'drain.ended' });
    expect(link.value()).toMatchObject({ connected: { traffic: 'open' } });
    link.send({ type: 'drain.requested' });
    link.send(failed);
    link.send({ type: 'drain.ended' });
    link.send({ type: 'drain.requested' });
    link.clock.advance(2_000);
    for (const event of toConnected.slice(1)) link.send(event);
    expect(link.value()).toMatchObject({ connected: { traffic: 'draining' } });
  });

  test('stopping ends a connection in any state', () => {
    for (let reached = 0; reached <= toConnected.length; reached++) {
      const link = run();
      for (const event of toConnected.slice(0, reached)) link.send(event);
      link.send({ type: 'link.stopped' });
      expect(link.value()).toBe('disconnected');
      expect(link.types().slice(-3)[0]).toBe('link.closeStreams');
      link.clock.advance(10_000_000);
      expect(link.value()).toBe('disconnected');
    }
  });
});

afterAll(() => {
  expect(coverage.missing, 'transitions of the chart that no test took').toEqual([]);
  expect(coverage.covered).toEqual(allPairs());
});
