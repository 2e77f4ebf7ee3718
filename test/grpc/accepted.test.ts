import { once } from 'node:events';
import { credentials, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { ServiceClient, type SubscribeInvoiceAcceptedResponse } from '../../src/generated/lnmux.ts';
import { setOf } from './fakeApplication.ts';
import { ask, closeAfterTest, eventually, running } from './harness.ts';

const SETS = 10_000;

function endOf(stream: NodeJS.EventEmitter): Promise<ServiceError> {
  return new Promise((resolve) => stream.once('error', resolve));
}

describe('SubscribeInvoiceAccepted', () => {
  it('sends what is there and what comes, with the deadline', async () => {
    const { client, application } = await running();
    application.initialSets = [setOf(1)];
    const stream = client.subscribeInvoiceAccepted({});
    const [first] = (await once(stream, 'data')) as [SubscribeInvoiceAcceptedResponse];
    expect(first.hash.toString('hex')).toBe(setOf(1).paymentHash);
    expect(first.setId.toString('hex')).toBe(setOf(1).setId);
    expect([first.deadlineHeight, first.blocksLeft]).toEqual([800_001, -4]);
    application.subscriptions[0]?.push(setOf(2));
    const [second] = (await once(stream, 'data')) as [SubscribeInvoiceAcceptedResponse];
    expect(second.setId.toString('hex')).toBe(setOf(2).setId);
    stream.on('error', () => {});
    stream.cancel();
    await eventually(() => application.subscriptions[0]?.closed === true);
  });

  it('waits for a slow client, which gets all 10,000 sets, and nobody else notices', async () => {
    const { client, application, server } = await running();
    application.initialSets = Array.from({ length: SETS }, (_, i) => setOf(i));
    const slowClient = new ServiceClient(server.address, credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
    });
    closeAfterTest(() => slowClient.close());
    const slow = slowClient.subscribeInvoiceAccepted({});
    slow.on('error', () => {});
    await once(slow, 'readable');
    await eventually(() => (application.subscriptions[0]?.pulled ?? 0) > 0);

    const fast = client.subscribeInvoiceAccepted({});
    fast.on('error', () => {});
    let count = 0;
    for await (const _set of fast) {
      count += 1;
      if (count === SETS) break;
    }
    expect(count).toBe(SETS);
    await ask(client, client.getInfo, {});

    // Sockets and HTTP/2 windows hold some; the rest stays in the core.
    const pulledWhileSlow = application.subscriptions[0]?.pulled ?? 0;
    expect(pulledWhileSlow).toBeLessThan(SETS);
    let next = 0;
    for await (const set of slow) {
      expect((set as SubscribeInvoiceAcceptedResponse).deadlineHeight).toBe(800_000 + next);
      next += 1;
      if (next === SETS) break;
    }
    expect(next).toBe(SETS);
  });

  it('ends the subscription of a client that vanishes while the stream is blocked', async () => {
    const { application, server } = await running();
    application.initialSets = Array.from({ length: SETS }, (_, i) => setOf(i));
    const client = new ServiceClient(server.address, credentials.createInsecure());
    const stream = client.subscribeInvoiceAccepted({});
    stream.on('error', () => {});
    await once(stream, 'readable');
    client.getChannel().close();
    client.close();
    stream.cancel();
    await eventually(() => application.subscriptions[0]?.closed === true);
    expect(application.subscriptions[0]?.pulled).toBeLessThan(SETS);
  });

  it('ends with UNAVAILABLE when the core ends it', async () => {
    const { client, application } = await running();
    const stream = client.subscribeInvoiceAccepted({});
    const ended = endOf(stream);
    stream.on('data', () => {});
    await eventually(() => application.subscriptions.length === 1);
    application.subscriptions[0]?.close();
    expect((await ended).code).toBe(status.UNAVAILABLE);
  });

  it('ends with INTERNAL when the core throws, and the daemon lives', async () => {
    const { client, application, log } = await running();
    application.subscribeAccepted = () => {
      throw new Error('broken');
    };
    const ended = endOf(client.subscribeInvoiceAccepted({}).on('data', () => {}));
    expect((await ended).code).toBe(status.INTERNAL);
    expect(log.lines.join()).toContain('broken');
    await ask(client, client.getInfo, {});
  });

  it('refuses more subscribers than the limit', async () => {
    const { client, application } = await running({ limits: { maxSubscribers: 1 } });
    const first = client.subscribeInvoiceAccepted({});
    first.on('error', () => {});
    await eventually(() => application.subscriptions.length === 1);
    const second = await endOf(client.subscribeInvoiceAccepted({}).on('data', () => {}));
    expect(second.code).toBe(status.RESOURCE_EXHAUSTED);
    first.cancel();
    await eventually(() => application.subscriptions[0]?.closed === true);
    client.subscribeInvoiceAccepted({}).on('error', () => {});
    await eventually(() => application.subscriptions.length === 2);
  });
});
