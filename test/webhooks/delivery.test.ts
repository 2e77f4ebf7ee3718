import { createHmac } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/actors/ports/clock.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { payment, settle } from '../postgres/fixtures.ts';
import { eventually, hashOf, line, QUICK, SECRET, World, webhook } from './harness.ts';
import { type Answer, type Received, Receiver } from './receiver.ts';

async function receiver(answer?: (received: Received) => Answer): Promise<Receiver> {
  const opened = await new Receiver(answer).open();
  onTestFinished(() => opened.close());
  return opened;
}

/** Our patience, ten times as short. pg-boss has a time of its own. */
const impatient: Clock = { ...systemClock, setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms / 10) };

describe('a webhook', () => {
  test('gets what happens from now on, signed, and nothing secret', async () => {
    const world = await World.open();
    const shop = await receiver();
    const before = await world.epoch();
    await world.store.journal(before, [line(1), line(2)], 0);
    const leader = await world.leader({ webhooks: [webhook(shop.url)] });
    const p = payment(1);
    const decision = {
      ...settle('requestAndRelease', p),
      line: { machine: 'htlcSet', from: 'releasing', event: 'settle.requested', to: 'released' } as const,
    };
    const decided = await world.store.decide(leader.epoch, [decision]);
    if (decided.kind !== 'acknowledged') throw new Error(decided.kind);
    leader.tail.advanced(decided.lastSequence);
    await leader.write(line(3, 'none'), line(4, 'settled', 1_700_000_000_123));
    await eventually(() => shop.taken.length === 2);
    await eventually(() => leader.measures.delivered.of('shop') === 2);
    const inOrder = [...shop.taken].sort((a, b) => Number(a.sequence - b.sequence));
    expect(inOrder.map(({ body }) => JSON.parse(body))).toEqual([
      expect.objectContaining({ sequence: '3', type: 'SETTLE_REQUESTED', hash: p.hash, settled_msat: '0' }),
      {
        sequence: '5',
        type: 'SETTLED',
        hash: hashOf(4),
        time_ms: '1700000000123',
        settled_msat: '9007199254740993',
      },
    ]);
    for (const { headers, body } of shop.taken) {
      const timestamp = String(headers['lnmux-timestamp']);
      const expected = createHmac('sha256', SECRET).update(`${timestamp}.${body}`).digest('hex');
      expect(headers['lnmux-signature']).toBe(`v1=${expected}`);
      expect(headers['content-type']).toBe('application/json');
      expect(headers['lnmux-sequence']).toBe(JSON.parse(body).sequence);
      expect(Math.abs(Number(timestamp) - Date.now() / 1_000)).toBeLessThan(60);
    }
    const jobs = await world.database.query('SELECT data::text, output::text FROM pgboss.job');
    const said = JSON.stringify([shop.all, leader.log.lines, jobs], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    );
    for (const canary of [
      SECRET,
      Buffer.from(p.preimage).toString('hex'),
      Buffer.from(p.preimage).toString('base64'),
    ]) {
      expect(said).not.toContain(canary);
    }
    expect(leader.log.lines.filter(({ level }) => level !== 'info')).toEqual([]);
  });

  test('gets only the events that it asked for, and its place moves on beyond the others', async () => {
    const world = await World.open();
    const shop = await receiver();
    const leader = await world.leader({ webhooks: [webhook(shop.url, 'shop', new Set(['settled']))] });
    const last = await leader.write(line(1), line(2, 'settled'), line(3), line(4, 'none'));
    await eventually(() => shop.taken.length === 1);
    expect(shop.sequences).toEqual([2n]);
    await eventually(async () => BigInt(await world.number('SELECT cursor FROM lnmux.webhooks')) === last);
  });

  test('that fails, redirects or is away is tried again until it takes the event', async () => {
    const world = await World.open();
    const answers = [500, 302, 404];
    const shop = await receiver(() => answers.shift() ?? 204);
    const leader = await world.leader({ webhooks: [webhook(shop.url)] });
    await leader.write(line(1));
    await eventually(() => shop.taken.length === 1);
    expect(shop.all).toHaveLength(4);
    expect(new Set(shop.all.map(({ body }) => body)).size).toBe(1);
    await shop.close();
    await leader.write(line(2));
    await eventually(() => leader.measures.failedAttempts.of('shop') >= 4);
    await shop.open();
    await eventually(() => shop.taken.length === 2);
    const faults = leader.log.of('Webhook not delivered, trying again').map(({ fields }) => fields.error);
    expect(faults.slice(0, 4)).toEqual(['HTTP 500', 'HTTP 302', 'HTTP 404', 'ECONNREFUSED']);
    expect(JSON.stringify(leader.log.lines)).not.toContain(shop.url);
  });

  test('that does not answer is cut off, and given up in the end, loudly', async () => {
    const world = await World.open();
    const shop = await receiver(() => 'hang');
    const leader = await world.leader({
      webhooks: [webhook(shop.url)],
      clock: impatient,
      paces: { ...QUICK, retries: 1 },
    });
    await leader.write(line(1));
    await eventually(() => leader.measures.givenUp.of('shop') === 1);
    expect(leader.measures.failedAttempts.of('shop')).toBe(2);
    expect(shop.all).toHaveLength(2);
    expect(leader.log.of('Webhook given up, nobody took the event')).toMatchObject([
      { level: 'error', fields: { webhook: 'shop', sequence: '1' } },
    ]);
    expect(leader.log.of('Webhook not delivered, trying again')[0]?.fields.error).toBe(
      'no answer within 10 seconds',
    );
  });

  test('that is dead or slow holds up no other', async () => {
    const world = await World.open();
    const [slow, shop] = await Promise.all([receiver(() => 'hang'), receiver()]);
    const gone = await receiver();
    await gone.close();
    const webhooks = [webhook(slow.url, 'slow'), webhook(gone.url, 'gone'), webhook(shop.url, 'shop')];
    const leader = await world.leader({ webhooks });
    await leader.write(...Array.from({ length: 60 }, (_, i) => line(i)));
    await eventually(() => slow.all.length > 0 && leader.measures.failedAttempts.of('gone') > 0);
    const begun = Date.now();
    await leader.write(...Array.from({ length: 40 }, (_, i) => line(i + 60)));
    await eventually(() => shop.sequences.length === 100);
    expect(Date.now() - begun).toBeLessThan(5_000);
    await eventually(() => (leader.measures.waiting.get('gone') ?? 0) >= 100);
  });
});
