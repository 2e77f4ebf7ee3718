import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { offerOf } from './fakeLnd.ts';
import { FOREIGN, NODE, OURS, rig } from './rig.ts';

const preimage = new Uint8Array(32).fill(9);
const paymentHash = new Uint8Array(createHash('sha256').update(preimage).digest());
const onion = new Uint8Array(292);
const ours = (fields = {}) => offerOf({ outgoingRequestedChanId: OURS, paymentHash, ...fields });
const foreign = (fields = {}) => offerOf({ outgoingRequestedChanId: FOREIGN, ...fields });
const lost = new LndError('unavailable', 'UNAVAILABLE: connection dropped');

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
