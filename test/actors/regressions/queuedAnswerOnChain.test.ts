import { hash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ReplyTimes } from '../../../src/actors/measures/replyTimes.ts';
import { Interception } from '../../../src/actors/nodeLink/interception.ts';
import { noCounts } from '../../../src/actors/nodeLink/status.ts';
import type { HtlcAnswer, LndHtlcOffer } from '../../../src/actors/ports/lndClient.ts';
import type { NodeId } from '../../../src/domain/hash.ts';
import { silentLog } from '../../support/silentLog.ts';

const VIRTUAL = 7n;
const preimage = new Uint8Array(32).fill(1);
const key = { chanId: 5n, htlcId: 2n };

const offer = (autoFailHeight: number, other: Partial<LndHtlcOffer> = {}): LndHtlcOffer => ({
  key,
  paymentHash: new Uint8Array(hash('sha256', preimage, 'buffer')),
  incomingAmountMsat: 1_000n,
  outgoingAmountMsat: 1_000n,
  incomingExpiry: 200,
  outgoingExpiry: 160,
  outgoingRequestedChanId: VIRTUAL,
  autoFailHeight,
  onionBlob: new Uint8Array(0),
  ...other,
});

function rig() {
  const written: HtlcAnswer[] = [];
  let full = false;
  const interception = new Interception(
    {
      nodeId: `02${'00'.repeat(32)}` as NodeId,
      virtualChannel: VIRTUAL,
      log: silentLog,
      counters: noCounts(),
      replyTimes: new ReplyTimes(() => 0),
      offered: () => {},
      broken: () => {},
    },
    100,
  );
  interception.attach({
    answer(answer) {
      written.push(answer);
      return !full;
    },
    finish: () => {},
  });
  /** From here on the transport takes one more answer, and those after it wait. */
  const fill = () => {
    full = true;
    const other = { chanId: 9n, htlcId: 9n };
    interception.offer(offer(181, { key: other }));
    interception.failWithCode(other, 'temporary_channel_failure');
    written.length = 0;
  };
  const drain = () => {
    full = false;
    interception.drained();
  };
  return { interception, written, fill, drain };
}

// Found by simulation (seed 2011): the transport was full, the channel was closed meanwhile, and the failure that
// waited was written after the HTLC had been offered on chain, which ends the stream for every HTLC of the node.
test('a failure that waits for the transport is dropped when its HTLC goes on chain', () => {
  const { interception, written, fill, drain } = rig();
  interception.offer(offer(181));
  fill();
  expect(interception.fail(key, new Uint8Array(292))).toBe(true);
  interception.offer(offer(200));
  drain();
  expect(written).toEqual([]);
  expect(interception.awaitsAnswer(key)).toBe(true);
});

test('a settle that waits is written once, though it is given again for the offer on chain', () => {
  const { interception, written, fill, drain } = rig();
  interception.offer(offer(181));
  fill();
  expect(interception.settle(key, preimage)).toBe(true);
  interception.offer(offer(200));
  expect(interception.settle(key, preimage)).toBe(true);
  drain();
  expect(written).toEqual([{ action: 'settle', key, preimage }]);
});

test('what waits for a foreign HTLC is dropped as well; others keep their place', () => {
  const { interception, written, fill, drain } = rig();
  fill();
  interception.offer(offer(181, { outgoingRequestedChanId: 1n }));
  interception.offer(offer(181, { outgoingRequestedChanId: 1n, key: { chanId: 5n, htlcId: 3n } }));
  interception.offer(offer(200, { outgoingRequestedChanId: 1n }));
  drain();
  expect(written).toEqual([{ action: 'resume', key: { chanId: 5n, htlcId: 3n } }]);
});
