import { describe, expect, it } from 'vitest';
import type { Answer, Epoch } from '../../src/simulator/node/types.ts';
import { answers, CHAN, FakeClient, HASH, incoming, makeNode, PREIMAGE, VIRTUAL } from './coreFixture.ts';

const EPOCHS: Epoch[] = ['L', 'M', 'N'];

function held(epoch: Epoch = 'N', settings = {}) {
  const made = makeNode({ epoch, ...settings });
  const client = new FakeClient();
  made.node.connect(client);
  const htlc = made.node.receive(incoming());
  return { ...made, client, htlc };
}

describe('offers', () => {
  it('sends what a client needs, with the watchdog height', () => {
    const { client, htlc } = held();
    expect(client.offers).toEqual([{ htlc, autoFailHeight: 180 - 19 }]);
  });

  it.each([
    [121, 'expiry_too_soon'],
    [122, undefined],
    [2 ** 31 - 1, undefined],
    [2 ** 31, 'expiry_too_far'],
  ])('at height 100 an expiry of %d gives %s', (incomingExpiry, name) => {
    const { node, timer, recorded } = makeNode();
    const client = new FakeClient();
    node.connect(client);
    node.receive(incoming({ incomingExpiry }));
    timer.advance(20);
    expect(client.offers).toHaveLength(name ? 0 : 1);
    const failures = recorded.outcomes.map(({ outcome }) => outcome);
    expect(failures).toEqual(name ? [{ kind: 'failed', failure: { kind: 'origin', name } }] : []);
  });

  it.each(['L', 'M'] as const)('%s: an absurd expiry ends it all until lnd restarts', (epoch) => {
    const { node, recorded, timer } = makeNode({ epoch });
    const client = new FakeClient();
    node.connect(client);
    const first = node.receive(incoming());
    node.receive(incoming({ incomingExpiry: 2 ** 31 }));
    node.receive(incoming());
    node.answer(client, answers.settle(first));
    // Only a restart helps, not the end of another fault.
    node.setStalled(false);
    node.mine(100);
    timer.advance(20);
    expect({ offers: client.offers.length, outcomes: recorded.outcomes }).toEqual({
      offers: 1,
      outcomes: [],
    });
    node.restart();
    const next = new FakeClient();
    node.connect(next);
    node.receive(incoming({ chanId: CHAN + 1n, incomingExpiry: 500 }));
    expect(next.offers).toHaveLength(1);
  });

  it('has other deltas before 0.21', () => {
    const { node } = makeNode({ series: '0.20' });
    const client = new FakeClient();
    node.connect(client);
    node.receive(incoming({ incomingExpiry: 116 }));
    expect(client.offers.map(({ autoFailHeight }) => autoFailHeight)).toEqual([103]);
  });

  it('refuses a second client and keeps the first', () => {
    const { node, client } = held();
    expect(node.connect(new FakeClient())).toEqual({ code: 2, message: 'interceptor already exists' });
    node.receive(incoming());
    expect(client.offers).toHaveLength(2);
  });

  it('is silent until the switch has started, though the slot is taken', () => {
    const { node } = makeNode();
    const client = new FakeClient();
    node.setSwitchStarted(false);
    node.connect(client);
    node.receive(incoming());
    expect(client.offers).toHaveLength(0);
    expect(node.connect(new FakeClient())?.message).toBe('interceptor already exists');
  });

  it('holds up everything while the switch is stalled, and nothing is lost', () => {
    const { node, client, htlc, timer, recorded } = held();
    node.setStalled(true);
    node.receive(incoming());
    node.answer(client, answers.settle(htlc));
    node.mine(70);
    timer.advance(100);
    expect([client.offers.length, recorded.outcomes.length]).toEqual([1, 0]);
    node.setStalled(false);
    timer.advance(100);
    expect(recorded.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['settled', 'failed']);
  });
});

describe('disconnect', () => {
  it('with require: held ones wait for the next client, new ones fail', () => {
    const { node, client, htlc, timer, recorded } = held();
    node.disconnect(client);
    node.receive(incoming());
    timer.advance(20);
    expect(recorded.outcomes.map(({ outcome }) => outcome)).toEqual([
      { kind: 'failed', failure: { kind: 'origin', name: 'temporary_channel_failure' } },
    ]);
    const next = new FakeClient();
    expect(node.connect(next)).toBeUndefined();
    expect(next.offers.map((offer) => offer.htlc)).toEqual([htlc]);
  });

  it('without require: held and new ones go on to a channel that nobody has', () => {
    const { node, client, timer, recorded } = held('N', { requireInterceptor: false });
    node.disconnect(client);
    node.receive(incoming());
    timer.advance(20);
    expect(node.heldCount).toBe(0);
    const unknownPeer = { kind: 'failed', failure: { kind: 'origin', name: 'unknown_next_peer' } };
    expect(recorded.outcomes.map(({ outcome }) => outcome)).toEqual([unknownPeer, unknownPeer]);
    expect(recorded.events.map(({ kind }) => kind)).toEqual(['linkFail', 'linkFail', 'final', 'final']);
  });

  it.each(EPOCHS)('without require, %s, an on-chain one is kept by M and N only', (epoch) => {
    const { node, client } = held(epoch, { requireInterceptor: false });
    node.forceClose(CHAN);
    node.disconnect(client);
    // L ignored the on-chain offer, for the HTLC was held, and let the off-chain one go.
    expect(node.heldCount).toBe(epoch === 'L' ? 0 : 1);
  });

  it('re-offers in an order that depends on the seed', () => {
    const orderOf = (seed: number) => {
      const { node } = makeNode({}, { seed });
      const first = new FakeClient();
      node.connect(first);
      for (let i = 0; i < 8; i++) node.receive(incoming());
      node.disconnect(first);
      const next = new FakeClient();
      node.connect(next);
      return next.offers.map(({ htlc }) => Number(htlc.htlcId));
    };
    expect(orderOf(3)).toEqual(orderOf(3));
    expect(orderOf(3).toSorted()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(new Set([1, 2, 3, 4].map((seed) => orderOf(seed).join())).size).toBeGreaterThan(1);
  });
});

describe('answers', () => {
  it('settle: event on sending, preimage once signed, final last', () => {
    const { node, client, htlc, timer, recorded } = held();
    const key = { chanId: CHAN, htlcId: 0n };
    expect(node.answer(client, answers.settle(htlc))).toBeUndefined();
    expect(recorded.events).toEqual([
      { kind: 'settle', ...key, outgoingChanId: VIRTUAL, preimage: PREIMAGE },
    ]);
    expect(node.lookup(key)).toEqual({ code: 5, message: 'htlc unknown' });
    timer.advance(5);
    expect(recorded.outcomes).toHaveLength(1);
    expect(recorded.events).toHaveLength(1);
    timer.advance(5);
    expect(recorded.events[1]).toEqual({ kind: 'final', ...key, settled: true, offchain: true });
    expect(node.lookup(key)).toEqual({ settled: true, offchain: true });
  });

  it('fail: the sender has it only when it is final', () => {
    const { node, client, htlc, timer, recorded } = held();
    node.answer(client, answers.fail(htlc));
    timer.advance(5);
    expect(recorded.outcomes).toHaveLength(0);
    timer.advance(5);
    expect(recorded.outcomes[0]?.outcome.kind).toBe('failed');
    expect(recorded.events.map(({ kind }) => kind)).toEqual(['forwardFail', 'final']);
  });

  it('resume of a foreign HTLC: the next hop settles', () => {
    const { node, timer, recorded } = makeNode();
    const client = new FakeClient();
    node.connect(client);
    const htlc = node.receive(incoming({ forwardPreimage: PREIMAGE, outgoingChanId: 9n }));
    node.answer(client, answers.resume(htlc));
    timer.advance(20);
    expect(recorded.outcomes[0]?.outcome.kind).toBe('settled');
    expect(recorded.events.map(({ kind }) => kind)).toEqual(['forward', 'settle', 'final']);
  });

  const key = { chanId: CHAN, htlcId: 0n };
  const bad: [string, Answer, number, RegExp][] = [
    ['no key', answers.settle(undefined), 3, /CircuitKey missing/],
    ['unknown action', { ...answers.resume(key), action: 9 }, 3, /unrecognized/],
    ['both failure fields', answers.fail(key, new Uint8Array(292), 15), 3, /mutually exclusive/],
    ['a failure of a wrong length', answers.fail(key, new Uint8Array(291)), 3, /length invalid/],
    ['a failure code not allowed', answers.fail(key, new Uint8Array(0), 1), 3, /unsupported failure code/],
    ['no preimage', answers.settle(key, new Uint8Array(0)), 2, /^missing preimage$/],
    ['a short preimage', answers.settle(key, new Uint8Array(31)), 2, /^invalid preimage length of 31/],
    ['a wrong preimage', answers.settle(key, new Uint8Array(32)), 2, /^preimage does not match hash$/],
  ];

  it.each(bad)('%s closes the stream, and M and N keep the HTLC', (_name, answer, code, message) => {
    for (const epoch of ['M', 'N'] as const) {
      const { node, client, recorded } = held(epoch);
      const fault = node.answer(client, answer);
      expect(fault?.code).toBe(code);
      expect(fault?.message).toMatch(message);
      expect([node.isIntercepted, node.heldCount, recorded.answered.length]).toEqual([false, 1, 0]);
    }
  });

  it('L orphans an HTLC over a wrong preimage until its link restarts', () => {
    const { node, client } = held('L');
    node.answer(client, answers.settle(key, new Uint8Array(32)));
    const next = new FakeClient();
    node.connect(next);
    expect(next.offers).toHaveLength(0);
    node.relink(CHAN);
    expect(next.offers).toHaveLength(1);
  });

  it.each([
    ['L', 'fwd (Chan ID=700000:5:1, HTLC ID=0) not found'],
    ['M', 'forward does not exist: (Chan ID=700000:5:1, HTLC ID=0)'],
    ['N', 'forward does not exist: (Chan ID=700000:5:1, HTLC ID=0)'],
  ] as const)('%s: a second answer closes the stream', (epoch, message) => {
    const { node, client, htlc, timer, recorded } = held(epoch);
    node.answer(client, answers.settle(htlc));
    expect(node.answer(client, answers.settle(htlc))).toEqual({ code: 2, message });
    timer.advance(20);
    expect(recorded.outcomes).toHaveLength(1);
  });

  it.each([
    [0, 'temporary_channel_failure'],
    [8, 'invalid_onion_version'],
    [9, 'invalid_onion_hmac'],
    [10, 'invalid_onion_key'],
    [15, 'temporary_channel_failure'],
  ])('failure code %d makes the node the origin of %s', (code, name) => {
    const { node, client, htlc, timer, recorded } = held();
    node.answer(client, answers.fail(htlc, new Uint8Array(0), code));
    timer.advance(20);
    expect(recorded.outcomes[0]?.outcome).toEqual({ kind: 'failed', failure: { kind: 'origin', name } });
  });

  it('of a client that has lost its slot are ignored', () => {
    const { node, client, htlc } = held();
    node.dropClient();
    expect(client.ends).toHaveLength(1);
    expect(node.answer(client, answers.settle(htlc))).toBeUndefined();
    expect(node.heldCount).toBe(1);
  });
});

describe('watchdog', () => {
  it('fails a held HTLC at its height, not before, without telling the client', () => {
    const { node, client, htlc, timer, recorded } = held();
    node.mine(60);
    expect(node.heldCount).toBe(1);
    node.mine(1);
    timer.advance(20);
    expect(node.heldCount).toBe(0);
    expect(client.ends).toHaveLength(0);
    expect(recorded.outcomes[0]?.outcome.kind).toBe('failed');
    expect(node.answer(client, answers.settle(htlc))?.message).toMatch(/^forward does not exist/);
  });

  it('works while no client is connected', () => {
    const { node, client } = held();
    node.disconnect(client);
    node.mine(61);
    expect(node.heldCount).toBe(0);
  });

  it('a link flap just before it fails the HTLC but leaves it held, and a settle does nothing', () => {
    const { node, client, htlc, timer, recorded } = held();
    node.mine(59);
    node.relink(CHAN);
    expect(node.heldCount).toBe(1);
    expect(node.answer(client, answers.settle(htlc))).toBeUndefined();
    timer.advance(20);
    expect(recorded.outcomes.map(({ outcome }) => outcome)).toEqual([
      { kind: 'failed', failure: { kind: 'origin', name: 'expiry_too_soon' } },
    ]);
  });
});

it('the fixture preimage is that of its hash', () => {
  expect(HASH).toHaveLength(64);
});
