import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { offerOf } from './fakeLnd.ts';
import { OURS, rig } from './rig.ts';

const preimage = new Uint8Array(32).fill(9);
const paymentHash = hash('sha256', preimage, 'buffer');
const ours = () => offerOf({ outgoingRequestedChanId: OURS, paymentHash });
const failed = { settled: false, offChain: true };

describe('an HTLC that lnd has ended while it was offered', () => {
  test('does not await an answer any more: lnd would end the stream for it, and it is part of no payment', async () => {
    const r = rig();
    const c = await r.connect();
    const [over, open] = [ours(), ours()];
    for (const offer of [over, open]) c.interceptor!.offered(offer);
    c.events!.finalised(over.key, failed);
    expect([over, open].map(({ key }) => r.link.awaitsAnswer(key))).toEqual([false, true]);
    expect(r.finals).toMatchObject([{ key: over.key, settled: false }]);
    expect(r.link.settle(over.key, preimage)).toBe(false);
    expect(r.link.failWithCode(over.key, 'temporary_channel_failure')).toBe(false);
    expect(r.link.failWithCode(open.key, 'temporary_channel_failure')).toBe(true);
    expect(c.answers).toMatchObject([{ key: open.key }]);
  });

  test('nor does it get the answer that waits for the transport', async () => {
    const r = rig();
    const c = await r.connect();
    c.writable = false;
    const [first, over, open] = [ours(), ours(), ours()];
    for (const offer of [first, over, open]) c.interceptor!.offered(offer);
    for (const { key } of [first, over, open]) r.link.failWithCode(key, 'temporary_channel_failure');
    c.events!.finalised(over.key, failed);
    c.writable = true;
    c.interceptor!.drained();
    expect(c.answers.map(({ key }) => key)).toEqual([first.key, open.key]);
  });

  test('may be offered again by lnd, and then awaits one', async () => {
    const r = rig();
    const c = await r.connect();
    const offer = ours();
    c.interceptor!.offered(offer);
    c.events!.finalised(offer.key, failed);
    c.interceptor!.offered(offer);
    expect(r.link.awaitsAnswer(offer.key)).toBe(true);
  });
});
