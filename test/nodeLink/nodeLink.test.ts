import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { MAX_LOOKUPS_IN_FLIGHT } from '../../src/actors/nodeLink/outcomeLookup.ts';
import { REPLAY_MS } from '../../src/actors/nodeLink/replayDoubts.ts';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { offerOf } from './fakeLnd.ts';
import { FOREIGN, NODE, OURS, rig, settle } from './rig.ts';

const preimage = new Uint8Array(32).fill(9);
const paymentHash = new Uint8Array(createHash('sha256').update(preimage).digest());
const _onion = new Uint8Array(292);
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

  test('what is held and was not offered again is looked up once lnd has had time for it', async () => {
    const r = rig();
    r.hooks.missing = [{ chanId: 3n, htlcId: 4n }];
    r.lnd.lookup = async () => ({ settled: false, offChain: false });
    const c = await r.connect();
    await settle();
    expect(c.lookups).toEqual([]);
    r.clock.advance(REPLAY_MS);
    await settle();
    expect(c.lookups).toEqual([{ chanId: 3n, htlcId: 4n }]);
    expect(r.finals).toEqual([
      { key: { nodeId: NODE, chanId: 3n, htlcId: 4n }, settled: false, offChain: false },
    ]);
    c.blocks!.closed(lost);
    r.clock.advance(REPLAY_MS);
    await settle();
    expect(c.lookups).toHaveLength(1);
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
