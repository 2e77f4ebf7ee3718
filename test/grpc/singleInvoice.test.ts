import { once } from 'node:events';
import { type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { type InvoiceReport, InvoiceReport_State, Part_Status } from '../../src/generated/lnmux.ts';
import { NODE_B, reportOf } from './fakeApplication.ts';
import { ask, eventually, type Running, refusal, running } from './harness.ts';

const HASH = Buffer.alloc(32, 0x11);

/** Everything that a stream brings, to its end. */
function collect(on: Running, hash = HASH) {
  const stream = on.client.subscribeSingleInvoice({ hash });
  const reports: InvoiceReport[] = [];
  stream.on('data', (report: InvoiceReport) => reports.push(report));
  const end = new Promise<number>((resolve) => {
    stream.once('error', ({ code }: ServiceError) => resolve(code));
    stream.once('end', () => resolve(status.OK));
  });
  return { stream, reports, end };
}

describe('LookupInvoice', () => {
  it('tells all that the core knows', async () => {
    const on = await running();
    on.application.lookup = { result: 'found', report: reportOf() };
    const report = await ask(on.client, on.client.lookupInvoice, { hash: HASH });
    expect(on.application.asked).toEqual([`lookup ${HASH.toString('hex')}`]);
    expect(report).toEqual({
      hash: HASH,
      state: InvoiceReport_State.ACCEPTED,
      phase: 'complete',
      explanation: 'Waits for the application to settle or cancel, for at most 59 s more.',
      failureReason: '',
      setId: Buffer.alloc(32, 0x22),
      amountMsat: 20_000n,
      totalMsat: 20_001n,
      receivedMsat: 20_001n,
      settledMsat: 0n,
      parts: [
        {
          node: Buffer.from(NODE_B, 'hex'),
          nodeName: 'bob',
          chanId: 2n ** 64n - 1n,
          htlcId: 7n,
          amountMsat: 20_001n,
          cltvExpiry: 800_040,
          feeMsat: 1_020n,
          autoFailHeight: 800_021,
          status: Part_Status.HELD,
          failureReason: '',
        },
      ],
      deadlineHeight: 800_015,
      blocksLeft: 15,
      deadlineSecondsEstimate: 9_000n,
      timeoutSecondsLeft: 59n,
      settleRequestedAt: 0n,
      finalizedAt: 0n,
      sequenceNumber: 0n,
    });
  });

  it('leaves empty what is not there, and gives times in seconds', async () => {
    const on = await running();
    const report = reportOf({
      state: 'failed',
      failureReason: 'deadline_reached',
      setId: undefined,
      amountMsat: undefined,
      parts: [
        {
          ...reportOf().parts[0]!,
          feeMsat: undefined,
          cltvExpiry: undefined,
          autoFailHeight: undefined,
          status: 'failing',
        },
      ],
      deadline: undefined,
      timeoutMs: undefined,
      settleRequestedAt: 1_700_000_000_999,
      finalizedAt: 1_700_000_001_000,
      sequenceNumber: 9n,
    });
    on.application.lookup = { result: 'found', report };
    expect(await ask(on.client, on.client.lookupInvoice, { hash: HASH })).toMatchObject({
      state: InvoiceReport_State.FAILED,
      failureReason: 'deadline_reached',
      setId: Buffer.alloc(0),
      amountMsat: 0n,
      parts: [{ feeMsat: 0n, cltvExpiry: 0, autoFailHeight: 0, status: Part_Status.FAILING }],
      deadlineHeight: 0,
      blocksLeft: 0,
      deadlineSecondsEstimate: 0n,
      timeoutSecondsLeft: 0n,
      settleRequestedAt: 1_700_000_000n,
      finalizedAt: 1_700_000_001n,
      sequenceNumber: 9n,
    });
  });

  it('of what is not known is NOT_FOUND in words, of a database that is away UNAVAILABLE', async () => {
    const on = await running();
    const ofNothing = await refusal(ask(on.client, on.client.lookupInvoice, { hash: HASH }));
    expect(ofNothing.code).toBe(status.NOT_FOUND);
    expect(ofNothing.details).toMatch(/^nothing is known of this hash/);
    on.application.lookup = { result: 'unavailable', reason: 'the database is away' };
    expect(await refusal(ask(on.client, on.client.lookupInvoice, { hash: HASH }))).toEqual({
      code: status.UNAVAILABLE,
      details: 'the database is away',
    });
  });
});

describe('SubscribeSingleInvoice', () => {
  it('sends each report and ends with OK after the last', async () => {
    const on = await running();
    const { reports, end } = collect(on);
    await eventually(() => on.application.watches.length === 1);
    const [watch] = on.application.watches;
    watch?.push({ result: 'report', report: reportOf({ state: 'open', setId: undefined }) });
    await eventually(() => reports.length === 1);
    watch?.push(
      { result: 'report', report: reportOf() },
      { result: 'report', report: reportOf({ state: 'settle_requested' }) },
      { result: 'report', report: reportOf({ state: 'settled' }) },
      { result: 'over' },
    );
    expect(await end).toBe(status.OK);
    expect(reports.map(({ state }) => state)).toEqual([1, 2, 3, 4]);
    expect(on.application.asked).toEqual([`watch ${HASH.toString('hex')}`]);
    await eventually(() => watch?.closed === true);
  });

  it('ends with UNAVAILABLE when the core ends it, and when the daemon does', async () => {
    const on = await running();
    const first = collect(on);
    await eventually(() => on.application.watches.length === 1);
    on.application.watches[0]?.push({ result: 'unavailable', reason: 'the database is away' });
    expect(await first.end).toBe(status.UNAVAILABLE);
    const second = collect(on);
    await eventually(() => on.application.watches.length === 2);
    void on.server.close(1_000);
    expect(await second.end).toBe(status.UNAVAILABLE);
    await eventually(() => on.application.watches.every(({ closed }) => closed));
  });

  it('ends the watch of a client that leaves', async () => {
    const on = await running();
    const { stream, end } = collect(on);
    await eventually(() => on.application.watches.length === 1);
    stream.cancel();
    expect(await end).toBe(status.CANCELLED);
    await eventually(() => on.application.watches[0]?.closed === true);
  });

  it('refuses a hash of any other length, and more streams than the limit', async () => {
    const on = await running({ limits: { maxInvoiceStreams: 1 } });
    for (const length of [0, 31, 33]) {
      expect(await collect(on, Buffer.alloc(length)).end).toBe(status.INVALID_ARGUMENT);
    }
    const first = collect(on);
    await eventually(() => on.application.watches.length === 1);
    const second = on.client.subscribeSingleInvoice({ hash: HASH });
    const [error] = (await once(
      second.on('data', () => {}),
      'error',
    ).catch((e) => [e])) as [ServiceError];
    expect(error.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(error.details).toContain('limits.maxInvoiceStreams');
    first.stream.cancel();
    await first.end;
    await eventually(() => on.application.watches[0]?.closed === true);
    collect(on);
    await eventually(() => on.application.watches.length === 2);
  });

  it('pulls no faster than the client reads', async () => {
    const on = await running();
    const stream = on.client.subscribeSingleInvoice({ hash: HASH });
    stream.on('error', () => {});
    await eventually(() => on.application.watches.length === 1);
    const [watch] = on.application.watches;
    const report = reportOf({ explanation: 'x'.repeat(10_000) });
    for (let i = 0; i < 2_000; i += 1) watch?.push({ result: 'report', report });
    await once(stream, 'readable');
    await ask(on.client, on.client.getInfo, {});
    expect(watch?.pulled).toBeLessThan(2_000);
    stream.cancel();
    await eventually(() => watch?.closed === true);
  });
});

describe('WaitForInvoiceFinalStatus', () => {
  it('waits from issue on only where it is told to', async () => {
    const on = await running();
    on.application.wait = async () => ({ result: 'settled' });
    const hex = HASH.toString('hex');
    for (const request of [{}, { fromIssue: false }, { fromIssue: true }]) {
      await ask(on.client, on.client.waitForInvoiceFinalStatus, { hash: HASH, ...request });
    }
    expect(on.application.asked).toEqual([`wait ${hex}`, `wait ${hex}`, `wait ${hex} from issue`]);
  });
});
