import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { MAX_LOOKUPS_IN_FLIGHT } from '../../src/actors/nodeLink/outcomeLookup.ts';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { offerOf } from './fakeLnd.ts';
import { FOREIGN, NODE, OURS, rig, settle } from './rig.ts';

const preimage = new Uint8Array(32).fill(9);
const paymentHash = new Uint8Array(createHash('sha256').update(preimage).digest());
const onion = new Uint8Array(292);
const ours = (fields = {}) => offerOf({ outgoingRequestedChanId: OURS, paymentHash, ...fields });
const foreign = (fields = {}) => offerOf({ outgoingRequestedChanId: FOREIGN, ...fields });
const lost = new LndError('unavailable', 'UNAVAILABLE: connection dropped');

describe('connecting', () => {
  test('validates, subscribes, looks up and knows the height before the interceptor opens', async () => {
    const r = rig();
    r.hooks.unresolved = [{ chanId: 5n, htlcId: 6n }];
    r.link.start();
    await settle();
    const c = r.lnd.last;
    expect(c.calls).toEqual(['getVersion', 'getInfo', 'events']);
    c.events!.subscribed();
    expect(c.calls.slice(3)).toEqual(['lookup', 'blocks']);
    expect(r.link.streamId).toBe(0);
    c.blocks!.block(100);
    expect(c.calls.at(-1)).toBe('interceptor');
    expect(r.heard).toEqual(['height 100']);
    r.clock.advance(500);
    expect(r.heard).toEqual(['height 100', 'connected 1', 'ready true']);
    expect(r.link.status()).toMatchObject({
      state: 'connected',
      ready: true,
      version: '0.21.2-beta',
      height: 100,
    });
    expect(r.messages()).toEqual(
      expect.arrayContaining(['Starting htlc interception', 'Initial block height', 'Htlc interceptor open']),
    );
    expect(r.lines.every((l) => l.fields.node === NODE)).toBe(true);
  });

  test('any stream error closes everything; the next connection is a new stream', async () => {
    for (const stream of ['events', 'blocks', 'interceptor'] as const) {
      const r = rig();
      const c = await r.connect();
      c[stream]!.closed(lost);
      expect(c.closed).toBe(true);
      expect(r.heard.slice(-2)).toEqual(['ready false', `disconnected 0 ${lost.message}`]);
      expect(r.messages()).toContain(stream === 'events' ? 'Htlc notifier error' : 'Htlc interceptor error');
      r.clock.advance(999);
      expect(r.lnd.connections).toHaveLength(1);
      r.clock.advance(1);
      await r.connect(101);
      expect(r.link.streamId).toBe(2);
      expect(r.link.ready).toBe(true);
    }
  });

  test('a cancelled stream that we did not cancel is an error like any other', async () => {
    const r = rig();
    const c = await r.connect();
    c.events!.closed(new LndError('other', 'CANCELLED: by a proxy'));
    expect(r.link.status().state).toBe('backoff');
  });

  test('what a closed connection still says is not heard', async () => {
    const r = rig();
    const old = await r.connect();
    old.blocks!.closed(lost);
    r.clock.advance(1_000);
    await r.connect(101);
    const before = r.heard.length;
    old.interceptor!.offered(ours());
    old.interceptor!.offered(foreign());
    old.blocks!.block(99);
    old.events!.finalised({ chanId: 1n, htlcId: 1n }, { settled: true, offChain: true });
    old.interceptor!.closed(lost);
    old.interceptor!.drained();
    expect(r.heard).toHaveLength(before);
    expect(old.answers).toEqual([]);
    expect(r.link.status()).toMatchObject({ state: 'connected', height: 101 });
  });

  test('flags lost over a reconnect: refused, with words, until repaired', async () => {
    const r = rig();
    const c = await r.connect();
    r.lnd.info = { ...r.lnd.info, requireHtlcInterceptor: false };
    c.blocks!.closed(lost);
    r.clock.advance(1_000);
    await settle();
    expect(r.link.status()).toMatchObject({ state: 'refused', ready: false });
    expect(r.link.status().words).toContain('lnd requireinterceptor flag not set');
    expect(r.lnd.last.closed).toBe(true);
    expect(r.lnd.last.calls).not.toContain('interceptor');
    expect(r.lines.filter((l) => l.level === 'error').at(-1)?.fields).toMatchObject({ problem: 'refused' });
    r.lnd.info = { ...r.lnd.info, requireHtlcInterceptor: true };
    r.clock.advance(30_000);
    await r.connect();
    expect(r.link.ready).toBe(true);
  });

  test('unusable files and a macaroon that lnd refuses are misconfiguration of this node only', async () => {
    for (const kind of ['credentials', 'denied'] as const) {
      const r = rig();
      r.lnd.connectError = new LndError(kind, 'cannot use macaroon x: ENOENT');
      r.link.start();
      await settle();
      expect(r.link.status().state).toBe('refused');
      expect(r.messages()).toContain('Node unavailable or misconfigured');
      r.lnd.connectError = undefined;
      r.link.retry();
      await r.connect();
      expect(r.link.status().state).toBe('connected');
    }
  });

  test('the slot held by another client: retried patiently', async () => {
    const r = rig();
    r.link.start();
    for (let i = 0; i < 3; i++) {
      await settle();
      r.lnd.last.events!.subscribed();
      r.lnd.last.blocks!.block(100);
      r.lnd.last.interceptor!.closed(new LndError('occupied', 'UNKNOWN: interceptor already exists'));
      expect(r.link.status().state).toBe('slotTaken');
      expect(r.link.status().words).toContain('another client holds');
      r.clock.advance(5_000);
    }
    await r.connect();
    expect(r.link.status().state).toBe('connected');
    expect(r.heard.filter((h) => h.startsWith('disconnected'))).toEqual([]);
  });

  test('an unsynced node serves bystanders but is not ready; GetInfo is asked again', async () => {
    const r = rig();
    r.lnd.info = { ...r.lnd.info, syncedToChain: false };
    const c = await r.connect();
    c.interceptor!.offered(foreign());
    expect(c.answers).toHaveLength(1);
    expect(r.link.ready).toBe(false);
    r.lnd.info = { ...r.lnd.info, syncedToChain: true };
    r.clock.advance(10_000);
    await settle();
    expect(r.link.ready).toBe(true);
    r.lnd.infoError = lost;
    r.clock.advance(60_000);
    await settle();
    expect(r.link.ready).toBe(false);
  });

  test('silence of blocks ends readiness and is logged', async () => {
    const r = rig({ limits: { blockSilenceMs: 5_000, syncCheckMs: 1e9 } });
    const c = await r.connect();
    r.clock.advance(4_999);
    c.blocks!.block(101);
    r.clock.advance(5_000);
    expect(r.link.ready).toBe(false);
    expect(r.link.status().words).toContain('no block came for too long');
    expect(r.lines.some((l) => l.fields.problem === 'blocksSilent')).toBe(true);
    c.blocks!.block(102);
    expect(r.link.ready).toBe(true);
  });
});

describe('bystanders', () => {
  test('are resumed before anything else, even when the listener throws at everything', async () => {
    const r = rig();
    const c = await r.connect();
    r.hooks.throwing = true;
    r.hooks.onOffer = () => {
      c.interceptor!.offered(foreign({ key: { chanId: 3n, htlcId: 4n } }));
      expect(c.answers.at(-1)).toEqual({ action: 'resume', key: { chanId: 3n, htlcId: 4n } });
    };
    c.interceptor!.offered(ours());
    c.interceptor!.offered(foreign({ key: { chanId: 3n, htlcId: 5n } }));
    expect(c.answers.map((a) => a.action)).toEqual(['resume', 'resume']);
    expect(r.link.status()).toMatchObject({ state: 'connected', held: 1 });
    c.blocks!.block(101);
    expect(r.link.status().counters.listenerErrors).toBeGreaterThan(1);
    r.endTurn();
    expect(r.link.status().state).toBe('connected');
  });

  test('are resumed also before the interceptor counts as open, and again when lnd offers them again', async () => {
    const r = rig();
    r.link.start();
    await settle();
    r.lnd.last.events!.subscribed();
    r.lnd.last.blocks!.block(100);
    const again = foreign();
    r.lnd.last.interceptor!.offered(again);
    r.lnd.last.interceptor!.offered(again);
    expect(r.lnd.last.answers.map((a) => a.action)).toEqual(['resume', 'resume']);
    expect(r.link.status().state).toBe('connected');
  });

  test('on chain, or already given back by lnd, get silence', async () => {
    const r = rig();
    const c = await r.connect();
    c.interceptor!.offered(foreign({ autoFailHeight: 0 }));
    c.interceptor!.offered(foreign({ autoFailHeight: 200, incomingExpiry: 200 }));
    c.interceptor!.offered(foreign({ autoFailHeight: 100 }));
    expect(c.answers).toEqual([]);
    expect(r.link.status().counters).toMatchObject({ ignored: 2, forgotten: 1 });
  });
});

describe('answers', () => {
  test('one answer per offer; a second one is refused here', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    expect(r.offers[0]).toMatchObject({ key: { ...offer.key, nodeId: NODE }, onChain: false });
    expect(r.link.awaitsAnswer(offer.key)).toBe(true);
    expect(r.link.settle(offer.key, preimage)).toBe(true);
    expect(r.link.awaitsAnswer(offer.key)).toBe(false);
    expect(r.link.settle(offer.key, preimage)).toBe(false);
    expect(r.link.fail(offer.key, onion)).toBe(false);
    expect(r.link.failWithCode(offer.key, 'invalid_onion_hmac')).toBe(false);
    expect(c.answers).toEqual([{ action: 'settle', key: expect.objectContaining(offer.key), preimage }]);
    expect(r.link.fail({ chanId: 77n, htlcId: 1n }, onion)).toBe(false);
  });

  test('a duplicate of a held HTLC is handed over again, and still answered once', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    c.interceptor!.offered(offer);
    expect(r.offers).toHaveLength(2);
    expect(r.link.status().held).toBe(1);
    expect(r.link.fail(offer.key, onion)).toBe(true);
    expect(r.link.fail(offer.key, onion)).toBe(false);
    expect(c.answers).toHaveLength(1);
  });

  test('on-chain offers are settled or left alone, never failed', async () => {
    const r = rig();
    const c = await r.connect();
    for (const onChain of [{ autoFailHeight: 0 }, { autoFailHeight: 200, incomingExpiry: 200 }]) {
      const offer = ours(onChain);
      c.interceptor!.offered(offer);
      expect(r.offers.at(-1)!.onChain).toBe(true);
      expect(r.link.fail(offer.key, onion)).toBe(false);
      expect(r.link.failWithCode(offer.key, 'temporary_channel_failure')).toBe(false);
      expect(r.link.awaitsAnswer(offer.key)).toBe(true);
      expect(r.link.settle(offer.key, preimage)).toBe(true);
    }
    const promoted = ours();
    c.interceptor!.offered(promoted);
    c.interceptor!.offered({ ...promoted, autoFailHeight: promoted.incomingExpiry });
    expect(r.link.fail(promoted.key, onion)).toBe(false);
    expect(c.answers.map((a) => a.action)).toEqual(['settle', 'settle']);
  });

  test('bytes that lnd would end the stream for are not sent', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    expect(r.link.settle(offer.key, new Uint8Array(32))).toBe(false);
    expect(r.link.settle(offer.key, preimage.subarray(1))).toBe(false);
    expect(r.link.fail(offer.key, new Uint8Array(291))).toBe(false);
    expect(c.answers).toEqual([]);
    expect(r.link.awaitsAnswer(offer.key)).toBe(true);
    expect(r.link.settle(offer.key, preimage)).toBe(true);
  });

  test('what lnd gives back at a block is not answered any more', async () => {
    const r = rig();
    const c = await r.connect();
    const [soon, later, legacy] = [ours({ autoFailHeight: 103 }), ours(), ours({ autoFailHeight: 0 })];
    for (const offer of [soon, later, legacy]) c.interceptor!.offered(offer);
    c.blocks!.block(101);
    expect(r.link.awaitsAnswer(legacy.key)).toBe(false);
    c.blocks!.block(102);
    expect(r.link.awaitsAnswer(soon.key)).toBe(true);
    c.blocks!.block(103);
    expect(r.link.awaitsAnswer(soon.key)).toBe(false);
    expect(r.link.settle(soon.key, preimage)).toBe(false);
    expect(r.link.settle(later.key, preimage)).toBe(true);
    expect(r.link.status()).toMatchObject({ held: 0, counters: { forgotten: 2 } });
  });

  test('answers wait for the transport in order, and too late ones are dropped', async () => {
    const r = rig();
    const c = await r.connect();
    c.writable = false;
    const offers = [ours(), ours({ autoFailHeight: 102 }), ours(), ours()];
    for (const offer of offers) c.interceptor!.offered(offer);
    for (const offer of offers) expect(r.link.settle(offer.key, preimage)).toBe(true);
    expect(c.answers).toHaveLength(1);
    expect(r.link.status().queued).toBe(3);
    c.blocks!.block(102);
    c.interceptor!.drained();
    expect(c.answers).toHaveLength(2);
    c.writable = true;
    c.interceptor!.drained();
    expect(c.answers.map((a) => a.key.htlcId)).toEqual(
      [offers[0], offers[2], offers[3]].map((o) => o!.key.htlcId),
    );
    c.interceptor!.offered(foreign());
    expect(c.answers).toHaveLength(4);
  });

  test('an answer that can not be written ends the connection, not the process', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    c.answers.push = () => {
      throw new Error('write after end');
    };
    expect(r.link.settle(offer.key, preimage)).toBe(false);
    expect(r.link.status().state).toBe('backoff');
  });

  test('after a reconnect only what is offered anew may be answered', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    c.interceptor!.closed(lost);
    expect(r.link.awaitsAnswer(offer.key)).toBe(false);
    expect(r.link.settle(offer.key, preimage)).toBe(false);
    r.clock.advance(1_000);
    const next = await r.connect();
    expect(r.link.settle(offer.key, preimage)).toBe(false);
    next.interceptor!.offered(offer);
    expect(r.link.settle(offer.key, preimage)).toBe(true);
    expect(next.answers).toHaveLength(1);
  });

  test('a malformed payment hash is failed as the node would, foreign or on chain handled as such', async () => {
    const r = rig();
    const c = await r.connect();
    c.interceptor!.offered(ours({ paymentHash: new Uint8Array(31) }));
    expect(c.answers).toMatchObject([{ action: 'failWithCode', code: 'temporary_channel_failure' }]);
    c.interceptor!.offered(ours({ paymentHash: new Uint8Array(0), autoFailHeight: 0 }));
    expect(c.answers).toHaveLength(1);
    expect(r.offers).toEqual([]);
  });

  test('property: per offer at most one answer, on-chain offers never failed, foreign ones never kept', async () => {
    const command = fc.oneof(
      fc.record({
        do: fc.constant('offer' as const),
        id: fc.nat(5),
        foreign: fc.boolean(),
        autoFail: fc.constantFrom(0, 103, 181, 200),
      }),
      fc.record({ do: fc.constant('settle' as const), id: fc.nat(5) }),
      fc.record({ do: fc.constant('fail' as const), id: fc.nat(5) }),
      fc.record({ do: fc.constant('code' as const), id: fc.nat(5) }),
      fc.record({ do: fc.constant('block' as const), by: fc.integer({ min: -1, max: 3 }) }),
      fc.record({ do: fc.constant('write' as const), writable: fc.boolean() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(command, { maxLength: 60 }), async (commands) => {
        const r = rig();
        const c = await r.connect();
        let height = 100;
        // lnd's side: what it holds, and whether an answer that reaches it would end the stream.
        const held = new Map<bigint, { onChain: boolean; foreign: boolean; autoFail: number }>();
        let judged = 0;
        const judge = () => {
          for (; judged < c.answers.length; judged++) {
            const answer = c.answers[judged]!;
            const htlc = held.get(answer.key.htlcId);
            expect(htlc, 'answered what lnd does not hold').toBeDefined();
            if (htlc!.onChain) expect(answer.action).toBe('settle');
            expect(answer.action === 'resume').toBe(htlc!.foreign);
            held.delete(answer.key.htlcId);
          }
        };
        for (const x of commands) {
          const key = { chanId: 1n, htlcId: 'id' in x ? BigInt(x.id) : 0n };
          if (x.do === 'offer') {
            if (held.has(key.htlcId) || (x.autoFail > 0 && x.autoFail <= height)) continue;
            held.set(key.htlcId, {
              onChain: x.autoFail % 200 === 0,
              foreign: x.foreign,
              autoFail: x.autoFail,
            });
            const fields = { key, autoFailHeight: x.autoFail };
            c.interceptor!.offered(x.foreign ? foreign(fields) : ours(fields));
          } else if (x.do === 'settle') r.link.settle(key, preimage);
          else if (x.do === 'fail') r.link.fail(key, onion);
          else if (x.do === 'code') r.link.failWithCode(key, 'temporary_channel_failure');
          else if (x.do === 'block') {
            height += x.by;
            for (const [id, h] of held) if (h.autoFail <= height) held.delete(id);
            c.blocks!.block(height);
          } else {
            c.writable = x.writable;
            if (x.writable) c.interceptor!.drained();
          }
          judge();
        }
        c.writable = true;
        c.interceptor!.drained();
        judge();
        for (const htlc of held.values()) if (htlc.foreign) expect(htlc.onChain).toBe(true);
        await r.link.stop({ flushMs: 0 });
      }),
      { numRuns: 200 },
    );
  });
});

describe('final outcomes', () => {
  test('events and look-ups reach the listener; pending ones do not', async () => {
    const r = rig();
    r.hooks.unresolved = [
      { chanId: 1n, htlcId: 1n },
      { chanId: 1n, htlcId: 2n },
    ];
    r.lnd.lookup = async (key) => (key.htlcId === 1n ? { settled: true, offChain: false } : undefined);
    const c = await r.connect();
    await settle();
    c.events!.finalised({ chanId: 9n, htlcId: 9n }, { settled: false, offChain: true });
    expect(r.finals).toEqual([
      { key: { nodeId: NODE, chanId: 1n, htlcId: 1n }, settled: true, offChain: false },
      { key: { nodeId: NODE, chanId: 9n, htlcId: 9n }, settled: false, offChain: true },
    ]);
  });

  test('look-ups are bounded in flight, run in the background, and one bad one holds up nothing', async () => {
    const r = rig();
    r.hooks.unresolved = Array.from({ length: 100 }, (_, i) => ({ chanId: 1n, htlcId: BigInt(i) }));
    const answers: (() => void)[] = [];
    let failing = true;
    r.lnd.lookup = (key) =>
      new Promise((resolve, reject) => {
        answers.push(() => {
          if (key.htlcId === 0n && failing) reject(new LndError('other', 'UNKNOWN: odd'));
          else resolve({ settled: true, offChain: true });
        });
      });
    const c = await r.connect();
    expect(r.link.status().state).toBe('connected');
    expect(c.lookups).toHaveLength(MAX_LOOKUPS_IN_FLIGHT);
    while (answers.length) {
      answers.shift()!();
      await settle();
    }
    expect(r.finals).toHaveLength(99);
    expect(r.link.status().state).toBe('connected');
    expect(r.messages()).toContain('Look-up of final htlc outcomes failed');
    failing = false;
    r.clock.advance(10_000);
    answers.shift()!();
    await settle();
    expect(r.finals).toHaveLength(100);
    expect(c.lookups).toHaveLength(101);
  });

  test('outcomes that come after the connection are not heard', async () => {
    const r = rig();
    r.hooks.unresolved = [{ chanId: 1n, htlcId: 1n }];
    let answer = () => {};
    r.lnd.lookup = () =>
      new Promise((resolve) => {
        answer = () => resolve({ settled: true, offChain: true });
      });
    const c = await r.connect();
    c.blocks!.closed(lost);
    answer();
    await settle();
    expect(r.finals).toEqual([]);
  });
});

describe('handing over and stopping', () => {
  test('offers that arrive together end with one offersEnd', async () => {
    const r = rig();
    const c = await r.connect();
    for (let i = 0; i < 3; i++) c.interceptor!.offered(ours());
    expect(r.heard.slice(-3)).toEqual(['offered', 'offered', 'offered']);
    r.endTurn();
    expect(r.heard.filter((h) => h === 'offersEnd')).toHaveLength(1);
    c.interceptor!.offered(ours());
    r.endTurn();
    expect(r.heard.filter((h) => h === 'offersEnd')).toHaveLength(2);
  });

  test('stop sends what was answered, waits for lnd within bounds, and leaves no timer', async () => {
    const r = rig();
    const c = await r.connect();
    c.writable = false;
    const [a, b] = [ours(), ours()];
    for (const offer of [a, b]) c.interceptor!.offered(offer);
    for (const offer of [a, b]) r.link.settle(offer.key, preimage);
    const stopped = r.link.stop();
    expect(c.finished).toBe(false);
    c.writable = true;
    c.interceptor!.drained();
    expect(c.answers).toHaveLength(2);
    expect(c.finished).toBe(true);
    c.interceptor!.offered(ours());
    c.interceptor!.closed(new LndError('other', 'stream ended by lnd'));
    await stopped;
    expect(c.closed).toBe(true);
    expect(r.heard.slice(-2)).toEqual(['ready false', 'disconnected 0 stopped']);
    expect(r.clock.pending).toBe(0);
  });

  test('stop does not wait longer than told, not at all when fenced, and the link can start again', async () => {
    const r = rig();
    const c = await r.connect();
    const stopped = r.link.stop({ flushMs: 300 });
    expect(c.closed).toBe(false);
    r.clock.advance(300);
    await stopped;
    expect(c.closed).toBe(true);
    const next = await r.connect();
    void r.link.stop({ flushMs: 0 });
    expect(next.closed).toBe(true);
    expect(r.clock.pending).toBe(0);
  });

  test('lives in an actor system that is already there, and shows in its inspection', async () => {
    const seen = new Set<string>();
    const r = rig({}, (clock) => {
      const system = createActorSystem(clock);
      system.inspect((event) => seen.add('id' in event.actorRef ? String(event.actorRef.id) : ''));
      return { parent: system.root };
    });
    const c = await r.connect();
    expect(r.link.ready).toBe(true);
    c.blocks!.closed(lost);
    r.clock.advance(1_000);
    await r.connect();
    expect(r.link.status()).toMatchObject({ state: 'connected', streamId: 2 });
    expect([...seen]).toContain(`nodeLink:${NODE}`);
    await r.link.stop({ flushMs: 0 });
    expect(r.clock.pending).toBe(0);
  });

  test('a statechart that breaks is built anew, without its listener or the process noticing more than a reconnect', async () => {
    const r = rig();
    const c = await r.connect();
    const setTimeout = r.clock.setTimeout.bind(r.clock);
    let broken = true;
    r.clock.setTimeout = (fn, ms) => {
      if (!broken) return setTimeout(fn, ms);
      broken = false;
      throw new Error('no timers');
    };
    c.blocks!.block(101);
    expect(c.closed).toBe(true);
    expect(r.messages()).toContain('Node link statechart failed and is built anew');
    expect(r.heard.slice(-2)).toEqual(['ready false', 'disconnected 0 internal error']);
    r.clock.advance(30_000);
    await r.connect();
    expect(r.link.status()).toMatchObject({ state: 'connected', ready: true });
  });

  test('draining shows, and answers go on', async () => {
    const r = rig();
    const c = await r.connect();
    r.link.drain();
    expect(r.link.status()).toMatchObject({ state: 'draining', draining: true, ready: true });
    const offer = ours();
    c.interceptor!.offered(offer);
    expect(r.link.settle(offer.key, preimage)).toBe(true);
    r.link.undrain();
    expect(r.link.status().state).toBe('connected');
  });

  test('no line holds a preimage', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    r.link.settle(offer.key, preimage);
    r.link.settle(offer.key, preimage);
    const text = JSON.stringify(r.lines);
    expect(text).not.toContain(Buffer.from(preimage).toString('hex'));
  });
});
