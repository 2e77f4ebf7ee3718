import { expect, test } from 'vitest';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { rig, settle } from './rig.ts';

test('unusable files and a macaroon that lnd refuses are misconfiguration of this node only', async () => {
  for (const kind of ['credentials', 'denied'] as const) {
    const r = rig();
    r.lnd.connectError = new LndError(kind, 'cannot use macaroon x: ENOENT');
    r.link.start();
    await settle();
    expect(r.link.status().state).toBe('refused');
    expect(r.messages()).toContain('Node unavailable or misconfigured');
    r.lnd.connectError = undefined;
    r.link.retry();
    await r.connect();
    expect(r.link.status().state).toBe('connected');
  }
});

test.each(['events', 'blocks', 'interceptor'] as const)(
  'a macaroon without the right to %s is misconfiguration, not a lost connection',
  async (stream) => {
    const r = rig();
    r.link.start();
    await settle();
    const { last } = r.lnd;
    if (stream !== 'events') last.events!.subscribed();
    if (stream === 'interceptor') last.blocks!.block(100);
    last[stream]!.closed(new LndError('denied', 'UNKNOWN: permission denied'));
    expect(r.link.status()).toMatchObject({ state: 'refused', ready: false });
    expect(r.messages()).toContain('Node unavailable or misconfigured');
    r.clock.advance(29_000);
    expect(r.link.status().state).toBe('refused');
    r.clock.advance(5_000);
    await r.connect();
    expect(r.link.status().state).toBe('connected');
  },
);
