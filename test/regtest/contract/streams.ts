import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import type { Scenario } from '../scenarios/scenario.ts';
import { ACTION } from './held.ts';
import { contract } from './interceptor.ts';
import { RawNode } from './rawNode.ts';

const UNKNOWN_HTLC = { code: status.NOT_FOUND, details: 'htlc unknown' };

const finals = contract('a settled HTLC is final as an event and, for ever, as a lookup', async (own) => {
  const events = own.follow(own.node.events());
  await own.stage.eventually('the first event', () => events.messages.length > 0);
  assert.equal(events.messages[0]?.event?.$case, 'subscribedEvent');
  const interceptor = await own.intercept();
  const { key, invoice, offer, payment } = await own.held(interceptor);
  assert.deepEqual(await own.node.lookup(key), UNKNOWN_HTLC, 'while it is held');
  interceptor.answer(key, { action: ACTION.settle, preimage: invoice.preimage });
  await payment;
  const of = (kind: string) =>
    events.messages.find(
      ({ event, incomingChannelId, incomingHtlcId }) =>
        event?.$case === kind && incomingChannelId === key.chanId && incomingHtlcId === key.htlcId,
    );
  await own.stage.eventually('the final event', () => of('finalHtlcEvent') !== undefined);
  assert.deepEqual(of('finalHtlcEvent')?.event, {
    $case: 'finalHtlcEvent',
    value: { settled: true, offchain: true },
  });
  assert.equal(of('settleEvent')?.outgoingChannelId, offer.outgoingRequestedChanId);
  assert.deepEqual(await own.node.lookup(key), { settled: true, offchain: true });
});

const failedFinal = contract('a failed HTLC is final as well, and not settled', async (own) => {
  const interceptor = await own.intercept();
  const { key, payment } = await own.held(interceptor);
  interceptor.answer(key, { action: ACTION.fail });
  await payment;
  await own.stage.eventually('the resolution', async () => !('code' in (await own.node.lookup(key))));
  assert.deepEqual(await own.node.lookup(key), { settled: false, offchain: true });
});

const blocks = contract('the block stream begins with the tip and tells every block', async (own) => {
  const { cluster } = own.stage;
  const height = await cluster.height();
  const heard = own.follow(own.node.blocks());
  await own.stage.eventually('the tip', () => heard.messages.length > 0);
  await cluster.mine(2);
  await own.stage.eventually('two blocks', () => heard.messages.length >= 3);
  assert.deepEqual(
    heard.messages.map((block) => block.height),
    [height, height + 1, height + 2],
  );
});

const macaroon = contract('a call without macaroon, or with another, is refused', async (own) => {
  const { connection } = own.stage.cluster.nodes.alice;
  for (const [bytes, says] of [
    [Buffer.alloc(0), /expected 1 macaroon, got 0/],
    [Buffer.from('abcd', 'hex'), /./],
  ] as const) {
    const stranger = new RawNode(connection, bytes);
    const ended = await own.follow(stranger.intercept()).ended;
    stranger.close();
    assert.equal(ended.code, status.UNKNOWN);
    assert.match(ended.details, says);
  }
});

export const STREAMS: readonly Scenario[] = [finals, failedFinal, blocks, macaroon];
