import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import { nodeIdFromText } from '../../../src/domain/hash.ts';
import { virtualChannelId } from '../../../src/domain/virtualChannel.ts';
import type { CircuitKey } from '../../../src/generated/lnd/router.ts';
import { encodeFailure } from '../../../src/lightning/failureOnion.ts';
import { decodeFinalPayload } from '../../../src/lightning/finalPayload.ts';
import { peelOnion } from '../../../src/lightning/onion.ts';
import type { Generation } from '../scenarios/cluster.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { AMOUNT_MSAT, refused } from '../scenarios/steps.ts';
import { ACTION, Contract, FEE_MSAT, type HeldHtlc, HOP_DELTA, payable } from './held.ts';
import type { RawInterceptor } from './rawNode.ts';

/** Blocks before its expiry at which lnd gives an HTLC back, and below which it does not offer one. */
const rejectDelta = ({ series }: Generation) => (series === '0.20' ? 13 : 19);
const interceptDelta = (generation: Generation) => rejectDelta(generation) + 3;

/** `2:1:0` of a short channel id. */
const scidText = (id: bigint) => `${id >> 40n}:${(id >> 16n) & 0xffffffn}:${id & 0xffffn}`;

function notHeldText({ epoch }: Generation, { chanId, htlcId }: CircuitKey): string {
  const name = `(Chan ID=${scidText(chanId)}, HTLC ID=${htlcId})`;
  return epoch === 'L' ? `fwd ${name} not found` : `forward does not exist: ${name}`;
}

/** A scenario with a client of alice's own. */
export const contract = (name: string, play: (contract: Contract) => Promise<void>): Scenario => ({
  name: `interface: ${name}`,
  timeouts: 'none',
  async run(stage) {
    const own = new Contract(stage);
    try {
      await play(own);
    } finally {
      own.close();
    }
  },
});

function settleNow(interceptor: RawInterceptor, { key, invoice }: HeldHtlc): void {
  interceptor.answer(key, { action: ACTION.settle, preimage: invoice.preimage });
}

async function paid({ payment, invoice }: HeldHtlc): Promise<void> {
  const result = await payment;
  assert.deepEqual([result.status, result.preimage], ['settled', invoice.preimage.toString('hex')]);
}

const offer = contract(
  'an offer tells the HTLC, the virtual channel and when it will be given back',
  async (own) => {
    const interceptor = await own.intercept();
    const height = await own.stage.cluster.height();
    const htlc = await own.held(interceptor);
    const { offer: told, invoice } = htlc;
    const nodeId = nodeIdFromText(own.stage.cluster.nodes.alice.connection.pubkey)!;
    assert.equal(told.outgoingRequestedChanId, virtualChannelId(nodeId));
    assert.equal(told.outgoingAmountMsat, AMOUNT_MSAT);
    assert.equal(told.incomingAmountMsat, AMOUNT_MSAT + FEE_MSAT);
    assert.equal(told.outgoingExpiry, height + 80);
    assert.equal(told.incomingExpiry, told.outgoingExpiry + HOP_DELTA);
    assert.equal(told.autoFailHeight, told.incomingExpiry - rejectDelta(own.stage.cluster.generation));
    const { payload } = peelOnion({
      identityKey: invoice.identityKey,
      onionBlob: Uint8Array.from(told.onionBlob),
      paymentHash: Uint8Array.from(told.paymentHash),
    });
    const { amountMsat, cltvExpiry, paymentData } = decodeFinalPayload(payload);
    assert.deepEqual([amountMsat, cltvExpiry], [AMOUNT_MSAT, told.outgoingExpiry], 'in the onion');
    assert.equal(paymentData?.totalMsat, AMOUNT_MSAT);
    settleNow(interceptor, htlc);
    await paid(htlc);
  },
);

const second = contract('a second interceptor is refused while the first is there', async (own) => {
  const first = await own.intercept();
  const next = own.follow(own.node.intercept());
  assert.deepEqual(await next.ended, { code: status.UNKNOWN, details: 'interceptor already exists' });
  await own.leave(first);
  await own.intercept();
});

const again = contract('what is held is offered again to the next interceptor, the same', async (own) => {
  const first = await own.intercept();
  const htlc = await own.held(first);
  await own.leave(first);
  const next = await own.intercept();
  assert.deepEqual(await own.offered(next, htlc.invoice), htlc.offer);
  settleNow(next, htlc);
  await paid(htlc);
});

const twice = contract('a second answer for the same HTLC ends the stream', async (own) => {
  const interceptor = await own.intercept();
  const htlc = await own.held(interceptor);
  settleNow(interceptor, htlc);
  settleNow(interceptor, htlc);
  const details = notHeldText(own.stage.cluster.generation, htlc.key);
  assert.deepEqual(await interceptor.ended, { code: status.UNKNOWN, details });
  await paid(htlc);
});

const nothing = contract('an answer for an HTLC that never was ends the stream', async (own) => {
  const interceptor = await own.intercept();
  const key = { chanId: (900n << 40n) | (7n << 16n) | 3n, htlcId: 11n };
  interceptor.answer(key, { action: ACTION.resume });
  const details = notHeldText(own.stage.cluster.generation, key);
  assert.deepEqual(await interceptor.ended, { code: status.UNKNOWN, details });
});

const wrongPreimage = contract(
  'a wrong preimage ends the stream; old lnds forget the HTLC until they restart',
  async (own) => {
    const first = await own.intercept();
    const htlc = await own.held(first);
    first.answer(htlc.key, { action: ACTION.settle, preimage: randomBytes(32) });
    assert.deepEqual(await first.ended, { code: status.UNKNOWN, details: 'preimage does not match hash' });
    let next = await own.intercept();
    if (own.stage.cluster.generation.epoch === 'L') {
      assert.equal(next.offers.length, 0, 'it is not offered again');
      const { alice } = own.stage.cluster.nodes;
      await alice.kill();
      await next.ended;
      await alice.start();
      next = await own.intercept();
    }
    assert.deepEqual((await own.offered(next, htlc.invoice)).incomingCircuitKey, htlc.key);
    settleNow(next, htlc);
    await paid(htlc);
  },
);

const malformed = contract('a malformed answer ends the stream, and the HTLC stays', async (own) => {
  const bad: [code: number, what: Parameters<RawInterceptor['answer']>[1]][] = [
    [status.UNKNOWN, { action: ACTION.settle }],
    [status.UNKNOWN, { action: ACTION.settle, preimage: randomBytes(31) }],
    [status.INVALID_ARGUMENT, { action: ACTION.fail, failureMessage: randomBytes(291) }],
    [status.INVALID_ARGUMENT, { action: ACTION.fail, failureCode: 1 }],
    [status.INVALID_ARGUMENT, { action: ACTION.fail, failureMessage: randomBytes(292), failureCode: 15 }],
    [status.INVALID_ARGUMENT, { action: 77 as 0 }],
  ];
  let interceptor = await own.intercept();
  const htlc = await own.held(interceptor);
  for (const [code, what] of bad) {
    interceptor.answer(htlc.key, what);
    const ended = await interceptor.ended;
    assert.equal(ended.code, code, `${JSON.stringify(what)} ended with: ${ended.details}`);
    interceptor = await own.intercept();
    await own.offered(interceptor, htlc.invoice);
  }
  settleNow(interceptor, htlc);
  await paid(htlc);
});

const resumed = contract('a resumed HTLC finds no peer behind the virtual channel', async (own) => {
  const interceptor = await own.intercept();
  const htlc = await own.held(interceptor);
  interceptor.answer(htlc.key, { action: ACTION.resume });
  await refused(htlc.payment, 'unknown_next_peer', 0);
});

const failed = contract(
  'a failure is of the node when it is a code, and of the payee when it is a message',
  async (own) => {
    const interceptor = await own.intercept();
    const byCode = await own.held(interceptor);
    // Without a code it is one of the channel's.
    interceptor.answer(byCode.key, { action: ACTION.fail });
    await refused(byCode.payment, 'temporary_channel_failure', 0);
    const byHmac = await own.held(interceptor);
    interceptor.answer(byHmac.key, { action: ACTION.fail, failureCode: 9 });
    await refused(byHmac.payment, 'invalid_onion_hmac', 0);
    const byPayee = await own.held(interceptor);
    const { sharedSecret } = peelOnion({
      identityKey: byPayee.invoice.identityKey,
      onionBlob: Uint8Array.from(byPayee.offer.onionBlob),
      paymentHash: Uint8Array.from(byPayee.offer.paymentHash),
    });
    const mppTimeout = Uint8Array.of(0, 23);
    const failureMessage = Buffer.from(encodeFailure(sharedSecret, mppTimeout));
    interceptor.answer(byPayee.key, { action: ACTION.fail, failureMessage });
    await refused(byPayee.payment, 'mpp_timeout', 1);
  },
);

const nobody = contract('without an interceptor an HTLC is given back at once', async (own) => {
  await refused(own.pay(payable(own.stage, 'alice')), 'temporary_channel_failure', 0);
});

const tooSoon = contract(
  'an HTLC that expires too soon is not offered, one block more is enough',
  async (own) => {
    const interceptor = await own.intercept();
    const least = interceptDelta(own.stage.cluster.generation);
    // Both deltas together are what the HTLC has left.
    const withBlocksLeft = (blocks: number) => payable(own.stage, 'alice', 10, blocks - 10);
    await refused(own.pay(withBlocksLeft(least - 1)), 'expiry_too_soon', 0);
    const htlc = await own.held(interceptor, withBlocksLeft(least));
    assert.equal(interceptor.offers.length, 1);
    settleNow(interceptor, htlc);
    await paid(htlc);
  },
);

export const INTERCEPTOR: readonly Scenario[] = [
  ...[offer, second, again, twice, nothing, wrongPreimage, malformed, resumed, failed, nobody, tooSoon],
];
