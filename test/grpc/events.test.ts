import { type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { InvoiceEvent } from '../../src/actors/ports/invoiceEvents.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { InvoiceEvent_Type, type InvoiceEvent as Message } from '../../src/generated/lnmux.ts';
import { eventually, type Running, running } from './harness.ts';

const EVENT: InvoiceEvent = {
  sequence: 2n ** 40n,
  type: 'given_back',
  paymentHash: '11'.repeat(32) as PaymentHash,
  setId: '22'.repeat(32) as SetId,
  at: 1_700_000_000_999,
  failureReason: 'accept_timeout',
  settledMsat: 0n,
};

function collect(on: Running, request: { afterSequence?: bigint; onlyNew?: boolean }) {
  const stream = on.client.subscribeEvents({ afterSequence: 0n, onlyNew: false, ...request });
  const events: Message[] = [];
  stream.on('data', (event: Message) => events.push(event));
  const end = new Promise<ServiceError>((resolve) => stream.once('error', resolve));
  return { stream, events, end };
}

describe('SubscribeEvents', () => {
  it('sends what the core gives, from the cursor on', async () => {
    const on = await running();
    const { events, stream, end } = collect(on, { afterSequence: 41n });
    await eventually(() => on.application.events.length === 1);
    const [source] = on.application.events;
    source?.push(
      { result: 'event', event: EVENT },
      {
        result: 'event',
        event: { ...EVENT, type: 'settled', setId: undefined, failureReason: undefined, settledMsat: 5n },
      },
    );
    await eventually(() => events.length === 2);
    expect(on.application.asked).toEqual(['events 41']);
    expect(events).toEqual([
      {
        sequence: 2n ** 40n,
        type: InvoiceEvent_Type.GIVEN_BACK,
        hash: Buffer.alloc(32, 0x11),
        setId: Buffer.alloc(32, 0x22),
        timeMs: 1_700_000_000_999n,
        failureReason: 'accept_timeout',
        settledMsat: 0n,
      },
      expect.objectContaining({
        type: InvoiceEvent_Type.SETTLED,
        setId: Buffer.alloc(0),
        failureReason: '',
        settledMsat: 5n,
      }),
    ]);
    stream.cancel();
    expect((await end).code).toBe(status.CANCELLED);
    await eventually(() => source?.closed === true);
  });

  it('begins with all events, or with new ones', async () => {
    const on = await running();
    collect(on, {}).end.catch(() => {});
    collect(on, { onlyNew: true }).end.catch(() => {});
    await eventually(() => on.application.events.length === 2);
    expect([...on.application.asked].sort()).toEqual(['events 0', 'events new']);
  });

  it('refuses what contradicts itself or can not be, more streams than the limit, and a foreign cursor', async () => {
    const on = await running({ limits: { maxEventStreams: 1 } });
    const both = await collect(on, { afterSequence: 1n, onlyNew: true }).end;
    expect([both.code, both.details]).toEqual([
      status.INVALID_ARGUMENT,
      expect.stringMatching(/^both after_sequence and only_new/),
    ]);
    expect((await collect(on, { afterSequence: 2n ** 63n }).end).code).toBe(status.INVALID_ARGUMENT);
    const foreign = collect(on, { afterSequence: 9n });
    await eventually(() => on.application.events.length === 1);
    const more = await collect(on, {}).end;
    expect(more.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(more.details).toContain('limits.maxEventStreams');
    on.application.events[0]?.push({ result: 'beyond', last: 3n });
    const refused = await foreign.end;
    expect(refused.code).toBe(status.OUT_OF_RANGE);
    expect(refused.details).toMatch(/^after_sequence is 9, and the last event is 3/);
  });

  it('refuses a cursor after which events have been deleted, and says where to begin', async () => {
    const on = await running();
    const old = collect(on, { afterSequence: 9n });
    await eventually(() => on.application.events.length === 1);
    on.application.events[0]?.push({ result: 'deleted', through: 12n });
    const refused = await old.end;
    expect(refused.code).toBe(status.OUT_OF_RANGE);
    expect(refused.details).toBe(
      'after_sequence is 9, and events up to 12 have been deleted (retention.events): begin with after_sequence 12, ' +
        'or only_new, and look up what you missed',
    );
  });

  it('ends with UNAVAILABLE with the database and with the daemon', async () => {
    const on = await running();
    const first = collect(on, {});
    await eventually(() => on.application.events.length === 1);
    on.application.events[0]?.push({ result: 'unavailable', reason: 'the database is away' });
    expect(await first.end).toMatchObject({ code: status.UNAVAILABLE, details: 'the database is away' });
    const second = collect(on, {});
    await eventually(() => on.application.events.length === 2);
    void on.server.close(1_000);
    expect((await second.end).code).toBe(status.UNAVAILABLE);
  });
});
