import { describe, expect, it } from 'vitest';
import type { Epoch } from '../../src/simulator/node/types.ts';
import { decodeRecord, encodeRecord } from '../../src/simulator/server/journal.ts';
import { answers, CHAN, FakeClient, incoming, makeNode, PREIMAGE } from './coreFixture.ts';

function held(epoch: Epoch = 'N', settings = {}, changes = {}) {
  const made = makeNode({ epoch, ...settings });
  const client = new FakeClient();
  made.node.connect(client);
  const htlc = made.node.receive(incoming(changes));
  return { ...made, client, htlc };
}

const MANUAL = { signDelayMs: undefined, finalDelayMs: undefined, relinkDelayMs: undefined };

describe('mailbox', () => {
  it('an answer not yet signed is lost by a restart, and the HTLC returns when its peer does', () => {
    const { node, client, htlc, recorded } = held('N', MANUAL);
    node.answer(client, answers.settle(htlc));
    node.restart();
    expect(client.ends[0]?.code).toBe(14);
    const next = new FakeClient();
    node.connect(next);
    expect(next.offers).toHaveLength(0);
    node.relink(CHAN);
    expect(next.offers.map((offer) => offer.htlc.htlcId)).toEqual([0n]);
    node.sign(CHAN);
    node.finalise(CHAN);
    expect(recorded.outcomes).toHaveLength(0);
  });

  it('an answer that was signed survives', () => {
    const { node, client, htlc, recorded } = held('N', MANUAL);
    node.answer(client, answers.settle(htlc));
    node.sign(CHAN);
    node.restart();
    const next = new FakeClient();
    node.connect(next);
    node.relink(CHAN);
    expect(next.offers).toHaveLength(0);
    node.finalise(CHAN);
    expect(recorded.outcomes).toHaveLength(1);
    expect(recorded.events.at(-1)?.kind).toBe('final');
  });

  it('is kept over a flap of the link: the event repeats, the offer does not', () => {
    const { node, client, htlc, recorded } = held('N', MANUAL);
    node.unlink(CHAN);
    node.answer(client, answers.settle(htlc));
    expect(recorded.events).toHaveLength(0);
    node.sign(CHAN);
    node.relink(CHAN);
    node.unlink(CHAN);
    node.relink(CHAN);
    expect(recorded.events.map(({ kind }) => kind)).toEqual(['settle', 'settle']);
    expect(client.offers).toHaveLength(1);
    node.sign(CHAN);
    expect(recorded.outcomes).toHaveLength(1);
  });

  it('a replay while no client is connected is held, not failed', () => {
    const { node } = held('N', MANUAL);
    node.restart();
    node.relink(CHAN);
    expect(node.heldCount).toBe(1);
  });

  it('a commitment that was due before a restart does not take an answer given after it', () => {
    const { node, client, htlc, timer, recorded } = held('N', { signDelayMs: 5, relinkDelayMs: 2 });
    node.answer(client, answers.settle(htlc));
    timer.advance(1);
    node.restart();
    timer.advance(2);
    const next = new FakeClient();
    node.connect(next);
    node.answer(next, answers.settle(htlc));
    timer.advance(4);
    expect(recorded.outcomes).toHaveLength(0);
    timer.advance(1);
    expect(recorded.outcomes).toHaveLength(1);
  });

  it('peers come back by themselves after a restart', () => {
    const { node, timer } = held();
    node.restart();
    expect(node.heldCount).toBe(0);
    expect(() => node.receive(incoming())).toThrow('link is down');
    timer.advance(20);
    expect(node.heldCount).toBe(1);
  });
});

describe('final resolutions', () => {
  it('are stored even when the event is lost', () => {
    const { node, client, htlc, timer, recorded } = held('N', { loseFinalEvents: true });
    node.answer(client, answers.settle(htlc));
    timer.advance(20);
    expect(recorded.events.map(({ kind }) => kind)).toEqual(['settle']);
    expect(node.lookup(htlc)).toEqual({ settled: true, offchain: true });
  });

  it('cannot be looked up without the flag, nor from before it', () => {
    const { node, client, htlc, timer } = held('N', { storeFinals: false });
    expect(node.lookup(htlc)).toEqual({
      code: 14,
      message: 'cannot lookup with flag --store-final-htlc-resolutions=false',
    });
    node.answer(client, answers.settle(htlc));
    timer.advance(20);
    node.change({ storeFinals: true });
    expect(node.lookup(htlc)).toEqual({ code: 5, message: 'htlc unknown' });
  });
});

describe('force close', () => {
  it.each(['M', 'N'] as const)('%s promotes a held HTLC: settle deadline is its expiry', (epoch) => {
    const { node, client, htlc, recorded } = held(epoch);
    node.forceClose(CHAN);
    expect(client.offers.at(-1)).toEqual({ htlc, autoFailHeight: 180 });
    expect(node.answer(client, answers.settle(htlc))).toBeUndefined();
    expect(recorded.outcomes).toHaveLength(0);
    node.mine();
    expect(recorded.outcomes[0]?.outcome).toEqual({ kind: 'settled', preimage: PREIMAGE, onChain: true });
    expect(node.lookup(htlc)).toEqual({ settled: true, offchain: false });
  });

  it.each(['fail', 'resume'] as const)('M and N keep an on-chain HTLC after a %s, L drops it', (verb) => {
    for (const epoch of ['M', 'N'] as const) {
      const { node, client, htlc } = held(epoch);
      node.forceClose(CHAN);
      const fault = node.answer(client, answers[verb](htlc));
      expect(fault).toEqual({ code: 2, message: `cannot ${verb} held htlc in the on-chain flow` });
      const next = new FakeClient();
      node.connect(next);
      expect(next.offers).toHaveLength(1);
    }
    const { node, client, htlc } = held('L', MANUAL);
    node.answer(client, answers.settle(htlc));
    node.sign(CHAN);
    node.forceClose(CHAN);
    const message = `cannot ${verb} in the on-chain flow`;
    expect(node.answer(client, answers[verb](htlc))).toEqual({ code: 2, message });
    expect(node.heldCount).toBe(0);
  });

  it('L offers with height 0, and evicts at the next block', () => {
    // Nothing was held off-chain, for the answer had been signed.
    const { node, client, htlc } = held('L', MANUAL);
    node.answer(client, answers.settle(htlc));
    node.sign(CHAN);
    node.forceClose(CHAN);
    expect(client.offers.at(-1)?.autoFailHeight).toBe(0);
    expect(node.heldCount).toBe(1);
    node.mine();
    expect(node.heldCount).toBe(0);
  });

  it('L keeps an HTLC that was held, and settling it leads nowhere until a restart', () => {
    const { node, client, htlc, recorded } = held('L');
    node.forceClose(CHAN);
    expect(client.offers).toHaveLength(1);
    node.answer(client, answers.settle(htlc));
    node.mine();
    expect(recorded.outcomes).toHaveLength(0);
    node.restart();
    const next = new FakeClient();
    node.connect(next);
    expect(next.offers.map(({ autoFailHeight }) => autoFailHeight)).toEqual([0]);
    expect(node.answer(next, answers.settle(htlc))).toBeUndefined();
    node.mine();
    expect(recorded.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['settled']);
  });

  it.each([
    ['L', 0],
    ['M', 1],
    ['N', 1],
  ] as const)(
    '%s without --requireinterceptor, and no client: an on-chain offer waits %d times',
    (epoch, count) => {
      const { node } = held(epoch, { ...MANUAL, requireInterceptor: false });
      node.forceClose(CHAN);
      node.restart();
      expect(node.heldCount).toBe(count);
    },
  );

  it('on-chain HTLCs are offered again after a restart, whatever was answered off-chain', () => {
    const { node, client, htlc } = held('N', MANUAL);
    node.answer(client, answers.settle(htlc));
    node.sign(CHAN);
    node.forceClose(CHAN);
    node.restart();
    const next = new FakeClient();
    node.connect(next);
    expect(next.offers.map(({ autoFailHeight }) => autoFailHeight)).toEqual([180]);
  });

  it('ends unsettled at expiry, withdrawn without notice', () => {
    const { node, client, htlc, recorded } = held();
    node.forceClose(CHAN);
    node.mine(79);
    expect(recorded.outcomes).toHaveLength(0);
    node.mine(1);
    expect(recorded.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['failedOnChain']);
    expect(node.lookup(htlc)).toEqual({ settled: false, offchain: false });
    expect([node.heldCount, client.ends.length]).toEqual([0, 0]);
  });

  it('dust is final at once, even if settled', () => {
    const { node, client, htlc, recorded } = held('N', MANUAL, { incomingAmountMsat: 353_999n });
    node.answer(client, answers.settle(htlc));
    node.forceClose(CHAN);
    expect(node.lookup(htlc)).toEqual({ settled: false, offchain: false });
    expect(recorded.outcomes.map(({ outcome }) => outcome.kind)).toEqual(['failedOnChain']);
    expect(client.offers).toHaveLength(1);
  });

  it('takes no more HTLCs', () => {
    const { node } = held();
    node.forceClose(CHAN);
    expect(() => node.receive(incoming())).toThrow('channel is closed');
  });
});

describe('chain', () => {
  it('repeats heights with other hashes in a reorganisation', () => {
    const { node, recorded } = makeNode();
    node.mine(2);
    node.reorg(2);
    expect(recorded.blocks.map(({ height }) => height)).toEqual([101, 102, 101, 102]);
    expect(new Set(recorded.blocks.map(({ hash }) => hash)).size).toBe(4);
  });
});

describe('journal', () => {
  const roundTrip = (records: Parameters<typeof encodeRecord>[0][]) =>
    records.map((record) => decodeRecord(encodeRecord(record)));

  it('a killed process comes back with what was held, signed and final', () => {
    const before = makeNode(MANUAL);
    const client = new FakeClient();
    before.node.connect(client);
    const [open, lost, signed, final] = [0, 1, 2, 3].map((i) =>
      before.node.receive(incoming({ senderRef: `ref ${i}`, sharedSecret: Buffer.alloc(32, i) })),
    );
    before.node.answer(client, answers.fail(final));
    before.node.sign(CHAN);
    before.node.finalise(CHAN);
    before.node.answer(client, answers.settle(signed));
    before.node.sign(CHAN);
    before.node.answer(client, answers.settle(lost));
    before.node.mine(3);

    const after = makeNode(MANUAL, { journal: roundTrip(before.recorded.journal) });
    expect(after.node.height).toBe(103);
    const next = new FakeClient();
    after.node.connect(next);
    after.node.relink(CHAN);
    expect(new Set(next.offers.map(({ htlc }) => htlc.htlcId))).toEqual(
      new Set([open?.htlcId, lost?.htlcId]),
    );
    expect(next.offers[0]?.htlc.sharedSecret).toHaveLength(32);
    expect(after.node.lookup(final!)).toEqual({ settled: false, offchain: true });
    expect(after.node.findBySender('ref 3')?.outcome?.kind).toBe('failed');
    expect(after.node.findBySender('ref 2')?.outcome?.kind).toBe('settled');
    after.node.finalise(CHAN);
    expect(after.node.lookup(signed!)).toEqual({ settled: true, offchain: true });
    expect(after.recorded.outcomes).toHaveLength(0);
    expect(after.node.receive(incoming()).htlcId).toBe(4n);
  });

  it('a closed channel stays closed and its claim is made', () => {
    const before = makeNode(MANUAL);
    const client = new FakeClient();
    before.node.connect(client);
    const htlc = before.node.receive(incoming());
    before.node.forceClose(CHAN);
    before.node.answer(client, answers.settle(htlc));
    const after = makeNode(MANUAL, { journal: roundTrip(before.recorded.journal) });
    expect(after.node.heldCount).toBe(0);
    after.node.mine();
    expect(after.node.lookup(htlc)).toEqual({ settled: true, offchain: false });
  });

  it('never gives an id of an HTLC that was not journalled again', () => {
    const before = makeNode(MANUAL);
    before.node.connect(new FakeClient());
    const htlc = before.node.receive(incoming({ volatile: true }));
    const after = makeNode({ ...MANUAL }, { journal: before.recorded.journal });
    after.node.relink(CHAN);
    expect(after.node.receive(incoming()).htlcId).toBeGreaterThan(htlc.htlcId);
  });
});
