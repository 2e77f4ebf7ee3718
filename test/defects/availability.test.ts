import { describe, expect, it } from 'vitest';
import { LndError } from '../../src/actors/ports/lndClient.ts';
import { clientConfig, parseDsn } from '../../src/adapters/postgres/dsn.ts';
import { startRig } from '../actors/rig.ts';
import { offerOf } from '../nodeLink/fakeLnd.ts';
import { FOREIGN, settle as letPromisesRun, rig as linkRig, OURS } from '../nodeLink/rig.ts';
import { testInvoice, testPart } from '../support/payments.ts';

const ONION = new Uint8Array(292);
const foreign = () => offerOf({ outgoingRequestedChanId: FOREIGN });
const ours = () => offerOf({ outgoingRequestedChanId: OURS });

describe('defects of the Go program that stopped the daemon or a node', () => {
  it('D5 a database error in settle or cancel ends that call and nothing else', async () => {
    const rig = await startRig();
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    rig.session.decideFates.push('fail');
    expect(await rig.settle(invoice.paymentHash)).toMatchObject({ result: 'unavailable' });
    expect(rig.alice.answers).toEqual([]);
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });

    const other = testInvoice(10_000n);
    await rig.pay(testPart(other));
    rig.session.decideFates.push('fail');
    const cancelling = rig.supervisor.cancel(other.paymentHash, rig.setOf(other.paymentHash));
    await rig.clock.advance(2_000);
    expect(await cancelling).toEqual({ result: 'canceled' });
    expect(rig.fenced()).toBe(0);
  });

  it('D7 an HTLC with a payload that can not be read fails alone, however often it is offered', async () => {
    const rig = await startRig();
    const bad = testPart(testInvoice(10_000n), { payload: new Uint8Array([0xff, 0xff, 1, 2, 3]) });
    await rig.pay(bad);
    for (let round = 0; round < 3; round++) {
      rig.alice.disconnect();
      rig.alice.connect();
    }
    const invoice = testInvoice(10_000n);
    await rig.pay(testPart(invoice));
    expect(await rig.settle(invoice.paymentHash)).toEqual({ result: 'requested' });
    const [answer] = rig.alice.answersTo(bad.id);
    expect(answer?.kind === 'fail' && bad.read(answer.onion)).toMatchObject({
      name: 'invalid_onion_payload',
    });
  });

  it('D26 ten thousand answers that lnd is slow to take end no stream and get lost nowhere', async () => {
    const rig = linkRig();
    const lnd = await rig.connect();
    lnd.writable = false;
    const held = Array.from({ length: 10_000 }, ours);
    for (const offer of held) lnd.interceptor!.offered(offer);
    for (const { key } of held) rig.link.fail(key, ONION);
    lnd.interceptor!.offered(foreign());
    expect(lnd.closed).toBe(false);
    lnd.writable = true;
    lnd.interceptor!.drained();
    expect(lnd.answers).toHaveLength(10_001);
    expect(lnd.answers.at(-1)?.action).toBe('resume');
  });

  it('D28 bystanders are resumed while the database does not answer at all', async () => {
    const rig = linkRig();
    const lnd = await rig.connect();
    // A listener that takes our HTLCs and never answers them: what a supervisor without its database looks like.
    for (let i = 0; i < 100; i++) {
      lnd.interceptor!.offered(ours());
      lnd.interceptor!.offered(foreign());
      expect(lnd.answers).toHaveLength(i + 1);
    }
    expect(lnd.answers.every(({ action }) => action === 'resume')).toBe(true);
  });

  it('D29 a connection on which blocks keep coming is not given up after 30 minutes, nor ever', async () => {
    const rig = linkRig();
    const lnd = await rig.connect(100);
    for (let block = 1; block <= 7 * 144; block++) {
      rig.clock.advance(600_000);
      await letPromisesRun();
      lnd.blocks!.block(100 + block);
    }
    expect(rig.lnd.connections).toHaveLength(1);
    expect(rig.link.ready).toBe(true);
  });

  it('D30 a thousand reconnects leave behind what one leaves', async () => {
    const rig = linkRig();
    const pendingAfter: number[] = [];
    for (let round = 0; round < 1_000; round++) {
      const lnd = await rig.connect();
      pendingAfter.push(rig.clock.pending);
      lnd.blocks!.closed(new LndError('unavailable', 'gone'));
      rig.clock.advance(60_000);
    }
    expect(rig.lnd.connections.every(({ closed }, i) => closed || i >= 999)).toBe(true);
    expect(Math.max(...pendingAfter.slice(500))).toBeLessThanOrEqual(Math.max(...pendingAfter.slice(0, 10)));
  });
});

describe('defects of the Go program that kept silent', () => {
  it('D61 the verify modes of a DSN do verify the certificate of the database', () => {
    const ssl = (mode: string) => clientConfig(parseDsn(`postgres://h/d?sslmode=${mode}`), 'test').ssl;
    expect(ssl('verify-full')).toEqual({ rejectUnauthorized: true });
    expect(ssl('verify-ca')).toMatchObject({ rejectUnauthorized: true });
    expect(ssl('require')).toEqual({ rejectUnauthorized: false });
    expect(ssl('disable')).toBe(false);
  });
});
