import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { UnresolvedPart } from '../../src/actors/ports/unresolved.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { NODE_B } from './fakeApplication.ts';
import { ask, refusal, running } from './harness.ts';

const PART: UnresolvedPart = {
  key: { nodeId: NODE_B, chanId: 2n ** 64n - 1n, htlcId: 7n },
  nodeName: 'bob',
  configured: false,
  paymentHash: '11'.repeat(32) as PaymentHash,
  decision: 'requested',
  amountMsat: 5n,
  autoFailHeight: undefined,
};
const END = {
  node: Buffer.from(NODE_B, 'hex'),
  chanId: 2n ** 64n - 1n,
  htlcId: 7n,
  outcome: 2 as const,
  evenIfConfigured: false,
};

describe('ListUnresolvedParts', () => {
  it('lists what the core has, a page at most, and says whether there is more', async () => {
    const { client, application } = await running();
    application.unresolved = new Array<UnresolvedPart>(1_500).fill(PART);
    const all = await ask(client, client.listUnresolvedParts, { all: true, max: 0 });
    expect([all.parts.length, all.more]).toEqual([1_000, true]);
    expect(all.parts[0]).toEqual({
      node: Buffer.from(NODE_B, 'hex'),
      nodeName: 'bob',
      chanId: 2n ** 64n - 1n,
      htlcId: 7n,
      hash: Buffer.alloc(32, 0x11),
      decision: 2,
      amountMsat: 5n,
      autoFailHeight: 0,
      configured: false,
    });
    application.unresolved = [PART, PART];
    const two = await ask(client, client.listUnresolvedParts, { all: false, max: 2 });
    expect([two.parts.length, two.more]).toEqual([2, false]);
    const one = await ask(client, client.listUnresolvedParts, { all: false, max: 1 });
    expect([one.parts.length, one.more]).toEqual([1, true]);
    expect(application.asked).toEqual(['unresolved true 1001', 'unresolved false 3', 'unresolved false 2']);
  });
});

describe('FinalizePart', () => {
  it('passes the word on and gives the answer', async () => {
    const { client, application } = await running();
    expect(await ask(client, client.finalizePart, END)).toEqual({});
    await ask(client, client.finalizePart, { ...END, outcome: 1, evenIfConfigured: true });
    expect(application.asked).toEqual([
      `finalize ${NODE_B} 18446744073709551615 7 false false`,
      `finalize ${NODE_B} 18446744073709551615 7 true true`,
    ]);
    application.finalized = { result: 'not_found' };
    expect((await refusal(ask(client, client.finalizePart, END))).code).toBe(status.NOT_FOUND);
    application.finalized = { result: 'refused', reason: 'node bob is configured' };
    expect(await refusal(ask(client, client.finalizePart, END))).toEqual({
      code: status.FAILED_PRECONDITION,
      details: 'node bob is configured',
    });
    application.finalized = { result: 'unavailable', reason: 'not written yet' };
    expect((await refusal(ask(client, client.finalizePart, END))).code).toBe(status.UNAVAILABLE);
  });

  it('refuses what is not a node, and a word that is not said', async () => {
    const { client, application } = await running();
    for (const node of [Buffer.alloc(0), Buffer.alloc(33), Buffer.alloc(32, 2)]) {
      const refused = await refusal(ask(client, client.finalizePart, { ...END, node }));
      expect([refused.code, refused.details]).toEqual([
        status.INVALID_ARGUMENT,
        expect.stringMatching(/^node must be/),
      ]);
    }
    for (const outcome of [0, 3]) {
      const refused = await refusal(ask(client, client.finalizePart, { ...END, outcome: outcome as 0 }));
      expect(refused.details).toMatch(/^outcome not specified/);
    }
    expect(application.asked).toEqual([]);
  });
});
