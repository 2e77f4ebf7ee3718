import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { LndNode_State } from '../../src/generated/lnmux.ts';
import { NODE_A, NODE_B } from './fakeApplication.ts';
import { ask, refusal, running } from './harness.ts';

const NONE = Buffer.alloc(0);
const keyOf = (hex: string) => Buffer.from(hex, 'hex');

describe('ListNodes', () => {
  it('tells all that is known of a node, and zero or nothing where it is not', async () => {
    const { client } = await running();
    const { nodes } = await ask(client, client.listNodes, {});
    expect(nodes).toEqual([
      {
        pubKey: keyOf(NODE_A),
        name: 'a',
        state: LndNode_State.BLOCKS_SILENT,
        ready: false,
        since: 1_764_000_000n,
        health: 'intercepting, 2 HTLCs held, but no block came for too long',
        alias: 'alice',
        lndVersion: '0.18.0-beta',
        warning: 'forgets HTLCs',
        blockHeight: 812_000,
        priority: -3,
        hinted: false,
        hint: 'not named in new invoices: it is drained',
        heldParts: 2,
        heldMsat: 30_000n,
        heldUntilHeight: 812_100,
        draining: true,
        drainingSince: 1_763_000_000n,
        refusesParts: true,
        mayBeStopped: false,
        stopping: '2 parts held',
      },
      expect.objectContaining({
        pubKey: keyOf(NODE_B),
        state: LndNode_State.DISCONNECTED,
        alias: '',
        lndVersion: '',
        blockHeight: 0,
        heldUntilHeight: 0,
        drainingSince: 0n,
      }),
    ]);
  });
});

describe('DrainNode and UndrainNode', () => {
  it('name a node by its key or by its name', async () => {
    const { client, nodes } = await running();
    const drained = await ask(client, client.drainNode, {
      pubKey: keyOf(NODE_A),
      name: '',
      refuseParts: true,
    });
    expect(drained.node).toMatchObject({ name: 'a', stopping: '2 parts held' });
    await ask(client, client.drainNode, { pubKey: NONE, name: 'b', refuseParts: false });
    await ask(client, client.undrainNode, { pubKey: NONE, name: 'b' });
    expect(nodes.ordered).toEqual([
      `drain {"nodeId":"${NODE_A}"} true`,
      'drain {"name":"b"} false',
      'undrain {"name":"b"}',
    ]);
  });

  it.each([
    ['no node', NONE, '', /which node\? Give its pub_key, or its name/],
    ['a key that is none', Buffer.alloc(33, 9), '', /invalid pub_key of 33 bytes/],
    [
      'a key in hex',
      Buffer.from(NODE_A),
      '',
      /invalid pub_key of 66 bytes: give the 33 of the compressed key/,
    ],
    ['both', keyOf(NODE_A), 'a', /both pub_key and name given/],
  ])('with %s are INVALID_ARGUMENT and order nothing', async (_, pubKey, name, text) => {
    const { client, nodes } = await running();
    for (const call of [
      ask(client, client.drainNode, { pubKey, name, refuseParts: false }),
      ask(client, client.undrainNode, { pubKey, name }),
    ]) {
      expect(await refusal(call)).toMatchObject({
        code: status.INVALID_ARGUMENT,
        details: expect.stringMatching(text),
      });
    }
    expect(nodes.ordered).toEqual([]);
  });

  it.each([
    [{ result: 'not_found' as const, known: ['a', 'b'] }, status.NOT_FOUND, /there are: a, b$/],
    [{ result: 'unavailable' as const, reason: 'database away' }, status.UNAVAILABLE, /database away/],
    [{ result: 'unknown' as const, reason: 'no clear answer' }, status.ABORTED, /no clear answer/],
  ])('say that %o', async (result, code, text) => {
    const { client, nodes } = await running();
    nodes.result = result;
    for (const call of [
      ask(client, client.drainNode, { pubKey: NONE, name: 'c', refuseParts: false }),
      ask(client, client.undrainNode, { pubKey: NONE, name: 'c' }),
    ]) {
      expect(await refusal(call)).toMatchObject({ code, details: expect.stringMatching(text) });
    }
  });
});

describe('ListFees', () => {
  it('tells what each node earned, and the sum', async () => {
    const { client, nodes } = await running();
    expect(await ask(client, client.listFees, { since: 5n, until: 0n })).toEqual({
      nodes: [
        {
          pubKey: keyOf(NODE_A),
          name: 'a',
          feeMsat: 2_500n,
          amountMsat: 500_000n,
          parts: 3n,
          partsWithoutFee: 1n,
        },
        { pubKey: keyOf(NODE_B), name: '', feeMsat: 10n, amountMsat: 9n, parts: 1n, partsWithoutFee: 0n },
      ],
      feeMsat: 2_510n,
    });
    await ask(client, client.listFees, { since: 0n, until: 7n });
    expect(nodes.ordered).toEqual(['fees 5000 undefined', 'fees undefined 7000']);
  });

  it.each([
    [{ since: 7n, until: 7n }, status.INVALID_ARGUMENT, /until is not after since/],
    [{ since: 1_764_000_000_000n, until: 0n }, status.INVALID_ARGUMENT, /not milliseconds/],
    [{ since: 0n, until: 2n ** 64n - 1n }, status.INVALID_ARGUMENT, /not milliseconds/],
    [{ since: 0n, until: 0n }, status.UNAVAILABLE, /the database is away/],
  ])('of %o is refused in words', async (request, code, text) => {
    const { client, nodes } = await running();
    nodes.earned = { ok: false, reason: 'the database is away' };
    expect(await refusal(ask(client, client.listFees, request))).toMatchObject({
      code,
      details: expect.stringMatching(text),
    });
  });
});
