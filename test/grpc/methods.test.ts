import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ListedInvoice } from '../../src/actors/ports/application.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { MAX_MSAT } from '../../src/domain/msat.ts';
import { type AddInvoiceRequest, InvoiceStatus } from '../../src/generated/lnmux.ts';
import { NODE_A, NODE_B, PREIMAGE } from './fakeApplication.ts';
import { ask, eventually, refusal, running } from './harness.ts';

const HASH = Buffer.alloc(32, 0x11);
const SET_ID = Buffer.alloc(32, 0x22);
const NONE = Buffer.alloc(0);
const GOOD: AddInvoiceRequest = {
  amtMsat: 20_000n,
  description: 'tea',
  descriptionHash: NONE,
  expirySecs: 600n,
};

function listed(sequence: number): ListedInvoice {
  return {
    paymentHash: HASH.toString('hex') as PaymentHash,
    preimage: PREIMAGE,
    amountMsat: 5n,
    status: 'SETTLE_REQUESTED',
    settleRequestedAt: 1_700_000_000_999,
    finalizedAt: undefined,
    sequenceNumber: BigInt(sequence),
  };
}

describe('GetInfo', () => {
  it('names every configured node in order', async () => {
    const { client } = await running();
    const info = await ask(client, client.getInfo, {});
    expect(info.pubKey.toString('hex')).toBe(NODE_A);
    expect(info.nodes.map((node) => node.pubKey.toString('hex'))).toEqual([NODE_B, NODE_A]);
    expect([info.network, info.autoSettle]).toEqual(['regtest', true]);
  });
});

describe('AddInvoice', () => {
  it('hands the request to the core and its answer back', async () => {
    const { client, application } = await running();
    const added = await ask(client, client.addInvoice, GOOD);
    expect(added.paymentRequest).toBe('lnbcrt1fake');
    expect(added.preimage).toEqual(Buffer.from(PREIMAGE));
    expect(added.hash).toEqual(Buffer.alloc(32, 0xcd));
    expect(application.added).toEqual([
      { amountMsat: 20_000n, expirySecs: 600n, description: 'tea', descriptionHash: undefined },
    ]);
  });

  it('takes a description hash instead of a description', async () => {
    const { client, application } = await running();
    await ask(client, client.addInvoice, { ...GOOD, description: '', descriptionHash: HASH });
    expect(Buffer.from(application.added[0]?.descriptionHash ?? [])).toEqual(HASH);
  });

  const refused: readonly (readonly [string, Partial<AddInvoiceRequest>, RegExp])[] = [
    ['no expiry', { expirySecs: 0n }, /^expiry_secs not specified/],
    ['a negative expiry', { expirySecs: -1n }, /^expiry_secs not specified/],
    ['no amount', { amtMsat: 0n }, /^amt_msat not specified/],
    ['no expiry before no amount', { amtMsat: 0n, expirySecs: 0n }, /^expiry_secs/],
    ['a negative amount', { amtMsat: -(2n ** 63n) }, /^amt_msat not specified/],
    ['31 bytes of hash', { descriptionHash: HASH.subarray(1) }, /^invalid desc hash: .* 31, want 32/],
    ['both descriptions', { descriptionHash: HASH }, /^both description and description hash set/],
    ['640 bytes of description', { description: 'x'.repeat(640) }, /640 bytes long, at most 639/],
    ['320 characters of two bytes', { description: 'é'.repeat(320) }, /640 bytes long/],
    ['more money than exists', { amtMsat: MAX_MSAT + 1n }, /^amt_msat is 2100000000000000001/],
    ['an expiry in a thousand years', { expirySecs: 31_557_600_000n }, /^expiry_secs is 31557600000/],
    ['the largest numbers', { amtMsat: 2n ** 63n - 1n, expirySecs: 2n ** 63n - 1n }, /^amt_msat is/],
  ];
  it.each(refused)('refuses %s', async (_what, change, text) => {
    const { client, application } = await running();
    const answer = await refusal(ask(client, client.addInvoice, { ...GOOD, ...change }));
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    expect(answer.details).toMatch(text);
    expect(application.added).toEqual([]);
  });

  it('takes the largest of everything', async () => {
    const { client } = await running();
    const description = 'x'.repeat(639);
    await ask(client, client.addInvoice, { ...GOOD, description, amtMsat: MAX_MSAT });
  });

  it('gives a problem that the core finds as INVALID_ARGUMENT', async () => {
    const { client, application } = await running();
    application.addResult = { ok: false, problem: 'the invoice is too large' };
    const answer = await refusal(ask(client, client.addInvoice, GOOD));
    expect(answer).toEqual({ code: status.INVALID_ARGUMENT, details: 'the invoice is too large' });
  });

  it('survives an exception, tells nothing of it, and logs it without secrets', async () => {
    const { client, application, log } = await running();
    const canary = 'd0'.repeat(32);
    application.addResult = new Error(`boom with preimage ${canary}`);
    const answer = await refusal(ask(client, client.addInvoice, GOOD));
    expect(answer.code).toBe(status.INTERNAL);
    expect(answer.details).toMatch(/^internal error, reference [0-9a-f]{8}/);
    const text = log.lines.join('\n');
    expect(text).toContain('boom with preimage <hidden>');
    expect(text).not.toContain(canary);
    application.addResult = undefined;
    await ask(client, client.addInvoice, GOOD);
  });

  it('refuses a request that is far too large', async () => {
    const { client } = await running();
    const answer = await refusal(
      ask(client, client.addInvoice, { ...GOOD, description: 'x'.repeat(100_000) }),
    );
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
  });
});

describe('hashes and set ids', () => {
  it('of any length but 32 are INVALID_ARGUMENT in every method', async () => {
    const { client, application } = await running();
    const lengths = fc.integer({ min: 0, max: 80 }).filter((length) => length !== 32);
    await fc.assert(
      fc.asyncProperty(lengths, async (length) => {
        const bytes = Buffer.alloc(length, 1);
        const hash = `invalid hash length of ${length}, want 32`;
        const answers = await Promise.all([
          refusal(ask(client, client.settleInvoice, { hash: bytes, setId: SET_ID })),
          refusal(ask(client, client.cancelInvoice, { hash: bytes, setId: SET_ID })),
          refusal(ask(client, client.waitForInvoiceFinalStatus, { hash: bytes })),
          refusal(ask(client, client.settleInvoice, { hash: HASH, setId: bytes })),
          refusal(ask(client, client.cancelInvoice, { hash: HASH, setId: bytes })),
        ]);
        expect(answers.map((answer) => answer.code)).toEqual(new Array(5).fill(status.INVALID_ARGUMENT));
        for (const answer of answers.slice(0, 3)) expect(answer.details).toContain(hash);
        for (const answer of answers.slice(3)) expect(answer.details).toMatch(/^invalid set id/);
      }),
      { numRuns: 20 },
    );
    expect(application.asked).toEqual([]);
  });
});

describe('SettleInvoice', () => {
  it('passes hash and set id on', async () => {
    const { client, application } = await running();
    expect(await ask(client, client.settleInvoice, { hash: HASH, setId: SET_ID })).toEqual({});
    expect(application.asked).toEqual([`settle ${HASH.toString('hex')} ${SET_ID.toString('hex')}`]);
  });

  it.each([
    [{ result: 'not_found' }, status.NOT_FOUND, 'unable to locate invoice'],
    [{ result: 'failed_precondition', reason: 'too late' }, status.FAILED_PRECONDITION, 'too late'],
    [
      { result: 'unavailable', reason: 'lnmux is in auto-settle mode' },
      status.UNAVAILABLE,
      'lnmux is in auto-settle mode',
    ],
    [{ result: 'unknown', reason: '100% unknown: %s' }, status.ABORTED, '100% unknown: %s'],
  ] as const)('answers %o', async (result, code, details) => {
    const { client, application } = await running();
    application.settle = async () => result;
    const answer = await refusal(ask(client, client.settleInvoice, { hash: HASH, setId: SET_ID }));
    expect(answer).toEqual({ code, details });
  });

  it('answers INTERNAL when the core rejects', async () => {
    const { client, application } = await running();
    application.settle = () => Promise.reject(new Error('broken'));
    const answer = await refusal(ask(client, client.settleInvoice, { hash: HASH, setId: SET_ID }));
    expect(answer.code).toBe(status.INTERNAL);
    expect(answer.details).not.toContain('broken');
  });
});

describe('CancelInvoice', () => {
  it('passes hash and set id on', async () => {
    const { client, application } = await running();
    expect(await ask(client, client.cancelInvoice, { hash: HASH, setId: SET_ID })).toEqual({});
    expect(application.asked).toEqual([`cancel ${HASH.toString('hex')} ${SET_ID.toString('hex')}`]);
  });

  it.each([
    [{ result: 'not_found' }, status.NOT_FOUND, 'unable to locate invoice'],
    [{ result: 'settle_already_requested' }, status.FAILED_PRECONDITION, 'invoice settle already requested'],
    [{ result: 'unavailable', reason: 'database away' }, status.UNAVAILABLE, 'database away'],
  ] as const)('answers %o', async (result, code, details) => {
    const { client, application } = await running();
    application.cancel = async () => result;
    const answer = await refusal(ask(client, client.cancelInvoice, { hash: HASH, setId: SET_ID }));
    expect(answer).toEqual({ code, details });
  });
});

describe('WaitForInvoiceFinalStatus', () => {
  it.each([
    [{ result: 'settled' }, InvoiceStatus.SETTLED, ''],
    [{ result: 'failed', reason: 'mpp_timeout' }, InvoiceStatus.FAILED, 'mpp_timeout'],
  ] as const)('answers %o', async (result, invoiceStatus, failureReason) => {
    const { client, application } = await running();
    application.wait = async () => result;
    expect(await ask(client, client.waitForInvoiceFinalStatus, { hash: HASH })).toEqual({
      invoiceStatus,
      failureReason,
    });
  });

  it.each([
    [{ result: 'not_found' }, status.NOT_FOUND, 'unable to locate invoice'],
    [{ result: 'unavailable', reason: 'database away' }, status.UNAVAILABLE, 'database away'],
  ] as const)('answers %o', async (result, code, details) => {
    const { client, application } = await running();
    application.wait = async () => result;
    const answer = await refusal(ask(client, client.waitForInvoiceFinalStatus, { hash: HASH }));
    expect(answer).toEqual({ code, details });
  });

  it('stops waiting when the client cancels', async () => {
    const { client, application } = await running();
    const call = client.waitForInvoiceFinalStatus({ hash: HASH }, () => {});
    await eventually(() => application.waiting.size === 1);
    call.cancel();
    await eventually(() => application.waiting.size === 0);
  });

  it("stops waiting at the client's deadline", async () => {
    const { client, application } = await running();
    const options = { deadline: Date.now() + 300 };
    const answer = await refusal(ask(client, client.waitForInvoiceFinalStatus, { hash: HASH }, options));
    expect(answer.code).toBe(status.DEADLINE_EXCEEDED);
    await eventually(() => application.waiting.size === 0);
  });

  it('refuses more waits than the limit', async () => {
    const { client, application } = await running({ limits: { maxWaits: 2 } });
    const calls = [1, 2].map(() => client.waitForInvoiceFinalStatus({ hash: HASH }, () => {}));
    await eventually(() => application.waiting.size === 2);
    const answer = await refusal(ask(client, client.waitForInvoiceFinalStatus, { hash: HASH }));
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
    calls[0]?.cancel();
    await eventually(() => application.waiting.size === 1);
    client.waitForInvoiceFinalStatus({ hash: HASH }, () => {});
    await eventually(() => application.waiting.size === 2);
  });
});

describe('ListInvoices', () => {
  it('has hash and preimage in their own fields, and 0 for a time that is not there', async () => {
    const { client, application } = await running();
    application.list = async () => ({ ok: true, invoices: [listed(7), { ...listed(9), status: 'SETTLED' }] });
    const response = await ask(client, client.listInvoices, { maxInvoicesCount: 5n, sequenceStart: 3n });
    expect(application.asked).toEqual(['list 3 5']);
    expect(response.firstSequenceNumber).toBe(7n);
    expect(response.lastSequenceNumber).toBe(9n);
    expect(response.invoice[0]).toEqual({
      hash: HASH,
      preimage: Buffer.from(PREIMAGE),
      amountMsat: 5n,
      status: InvoiceStatus.SETTLE_REQUESTED,
      settleRequestedAt: 1_700_000_000n,
      finalizedAt: 0n,
      sequenceNumber: 7n,
    });
    expect(response.invoice[1]?.status).toBe(InvoiceStatus.SETTLED);
  });

  it('is empty with zero bounds when there is nothing', async () => {
    const { client } = await running();
    const response = await ask(client, client.listInvoices, { maxInvoicesCount: 1n, sequenceStart: 0n });
    expect(response).toEqual({ invoice: [], firstSequenceNumber: 0n, lastSequenceNumber: 0n });
  });

  it.each([
    [0n, 0n, /^should provide 'max_invoices_count' field/],
    [1n, 2n ** 63n, /^sequence_start is 9223372036854775808, beyond/],
  ])('refuses %s from %s', async (maxInvoicesCount, sequenceStart, text) => {
    const { client, application } = await running();
    const answer = await refusal(ask(client, client.listInvoices, { maxInvoicesCount, sequenceStart }));
    expect(answer.code).toBe(status.INVALID_ARGUMENT);
    expect(answer.details).toMatch(text);
    expect(application.asked).toEqual([]);
  });

  it('never asks the core for more than a page and one, whatever the client asks', async () => {
    const { client, application } = await running({ limits: { maxListedInvoices: 10 } });
    const asks = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n });
    await fc.assert(
      fc.asyncProperty(asks, async (maxInvoicesCount) => {
        application.asked.length = 0;
        await ask(client, client.listInvoices, { maxInvoicesCount, sequenceStart: 0n });
        const expected = maxInvoicesCount > 10n ? 11 : Number(maxInvoicesCount);
        expect(application.asked).toEqual([`list 0 ${expected}`]);
      }),
      { numRuns: 30, examples: [[10n], [11n], [2n ** 64n - 1n]] },
    );
  });

  it('gives everything when it fits a page, and says so when it does not', async () => {
    const { client, application } = await running({ limits: { maxListedInvoices: 10 } });
    const huge = { maxInvoicesCount: 2n ** 64n - 1n, sequenceStart: 0n };
    application.list = async () => ({ ok: true, invoices: Array.from({ length: 10 }, (_, i) => listed(i)) });
    expect((await ask(client, client.listInvoices, huge)).invoice).toHaveLength(10);
    application.list = async () => ({ ok: true, invoices: Array.from({ length: 11 }, (_, i) => listed(i)) });
    const answer = await refusal(ask(client, client.listInvoices, huge));
    expect(answer.code).toBe(status.RESOURCE_EXHAUSTED);
    expect(answer.details).toContain('at most 10 at a time');
  });

  it('is UNAVAILABLE when the database is', async () => {
    const { client, application } = await running();
    application.list = async () => ({ ok: false, reason: 'database away' });
    const call = ask(client, client.listInvoices, { maxInvoicesCount: 1n, sequenceStart: 0n });
    expect(await refusal(call)).toEqual({ code: status.UNAVAILABLE, details: 'database away' });
  });
});
