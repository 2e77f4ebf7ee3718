import { readFileSync } from 'node:fs';
import { Client, credentials } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { ServiceService } from '../../src/generated/lnmux.ts';
import { NODE_A, NODE_B, PREIMAGE, setOf } from './fakeApplication.ts';
import { closeAfterTest, eventually, type Running, running } from './harness.ts';

/**
 * The bytes that a client of the Go program sends and expects, written out field by field: a tag is
 * (field number << 3) | wire type, and wire type 0 is a varint, 2 is length and bytes.
 */
const raw = (bytes: Buffer) => bytes;
const hex = (bytes: Buffer | undefined) => bytes?.toString('hex');
const B32 = '20';

function call({ server }: Running, method: string, requestHex: string): Promise<string | undefined> {
  const client = new Client(server.address, credentials.createInsecure());
  closeAfterTest(() => client.close());
  const request = Buffer.from(requestHex.replaceAll(' ', ''), 'hex');
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(`/lnmux.Service/${method}`, raw, raw, request, (error, response) =>
      error ? reject(error) : resolve(hex(response)),
    );
  });
}

const H = '11'.repeat(32);
const S = '22'.repeat(32);
const joined = (...parts: string[]) => parts.join('').replaceAll(' ', '');

describe('the bytes on the wire', () => {
  it('of the method paths: those of the Go program, then what was added', () => {
    const paths = Object.values(ServiceService).map((method) => method.path);
    expect(paths).toEqual(
      [
        'GetInfo',
        'AddInvoice',
        'SubscribeInvoiceAccepted',
        'WaitForInvoiceFinalStatus',
        'SettleInvoice',
        'CancelInvoice',
        'ListInvoices',
        'LookupInvoice',
        'SubscribeSingleInvoice',
        'SubscribeEvents',
        'ListNodes',
        'DrainNode',
        'UndrainNode',
        'ListFees',
        'ListUnresolvedParts',
        'FinalizePart',
      ].map((name) => `/lnmux.Service/${name}`),
    );
  });

  it('of GetInfo', async () => {
    const response = await call(await running(), 'GetInfo', '');
    const network = Buffer.from('regtest').toString('hex');
    expect(response).toBe(
      joined('0a 21', NODE_A, '12 07', network, '1a 23 0a 21', NODE_B, '1a 23 0a 21', NODE_A, '20 01'),
    );
  });

  it('of AddInvoice', async () => {
    const on = await running();
    // amt_msat 20000, description "hi", expiry_secs 600
    const response = await call(on, 'AddInvoice', '08 a09c01 12 02 6869 20 d804');
    expect(on.application.added[0]).toMatchObject({
      amountMsat: 20_000n,
      description: 'hi',
      expirySecs: 600n,
    });
    const invoice = Buffer.from('lnbcrt1fake').toString('hex');
    expect(response).toBe(
      joined('0a 0b', invoice, '12', B32, Buffer.from(PREIMAGE).toString('hex'), '1a', B32, 'cd'.repeat(32)),
    );
    await call(on, 'AddInvoice', joined('08 01 1a', B32, H, '20 01'));
    expect(Buffer.from(on.application.added[1]?.descriptionHash ?? []).toString('hex')).toBe(H);
  });

  it('of SettleInvoice and CancelInvoice', async () => {
    const on = await running();
    expect(await call(on, 'SettleInvoice', joined('0a', B32, H, '12', B32, S))).toBe('');
    expect(await call(on, 'CancelInvoice', joined('0a', B32, H, '12', B32, S))).toBe('');
    expect(on.application.asked).toEqual([`settle ${H} ${S}`, `cancel ${H} ${S}`]);
  });

  it('of WaitForInvoiceFinalStatus', async () => {
    const on = await running();
    on.application.wait = async () => ({ result: 'settled' });
    expect(await call(on, 'WaitForInvoiceFinalStatus', joined('0a', B32, H))).toBe('0803');
    on.application.wait = async () => ({ result: 'failed', reason: 'no' });
    expect(await call(on, 'WaitForInvoiceFinalStatus', joined('0a', B32, H))).toBe(
      joined('08 01', '12 02 6e6f'),
    );
  });

  it('of ListInvoices', async () => {
    const on = await running();
    on.application.list = async () => ({
      ok: true,
      invoices: [
        {
          paymentHash: H as PaymentHash,
          preimage: PREIMAGE,
          amountMsat: 5n,
          status: 'SETTLE_REQUESTED',
          settleRequestedAt: 1_000,
          finalizedAt: 2_000,
          sequenceNumber: 300n,
        },
      ],
    });
    const response = await call(on, 'ListInvoices', '08 02 10 ac02');
    expect(on.application.asked).toEqual(['list 300 2']);
    const preimage = Buffer.from(PREIMAGE).toString('hex');
    const invoice = joined('0a', B32, H, '12', B32, preimage, '18 05 20 02 28 01 30 02 38 ac02');
    expect(response).toBe(joined('0a', (invoice.length / 2).toString(16), invoice, '10 ac02 18 ac02'));
  });

  it('of SubscribeInvoiceAccepted, whose added fields come after the old ones', async () => {
    const on = await running();
    on.application.initialSets = [{ ...setOf(1), deadlineHeight: 300, blocksLeft: 7 }];
    const client = new Client(on.server.address, credentials.createInsecure());
    closeAfterTest(() => client.close());
    const path = '/lnmux.Service/SubscribeInvoiceAccepted';
    const stream = client.makeServerStreamRequest(path, raw, raw, Buffer.alloc(0));
    const seen: string[] = [];
    stream.on('data', (bytes: Buffer) => seen.push(bytes.toString('hex')));
    stream.on('error', () => {});
    await eventually(() => seen.length === 1);
    const { paymentHash, setId } = setOf(1);
    expect(seen[0]).toBe(joined('0a', B32, paymentHash, '12', B32, setId, '18 ac02 20 07 28 e820 30 3b'));
    stream.cancel();
  });

  it('carries unknown fields of newer clients without complaint', async () => {
    const on = await running();
    expect(await call(on, 'SettleInvoice', joined('0a', B32, H, '12', B32, S, 'fa3f 03 616263'))).toBe('');
  });

  it('keeps the Go package option, so that Go clients regenerate into the same import path', () => {
    const proto = readFileSync(new URL('../../proto/lnmux.proto', import.meta.url), 'utf8');
    expect(proto).toContain('option go_package = "github.com/bottlepay/lnmux/lnmuxrpc";');
  });
});
