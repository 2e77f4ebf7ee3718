import { readFileSync } from 'node:fs';
import { type ServiceError, status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import {
  type InvoiceEvent,
  InvoiceEvent_Type,
  type InvoiceReport,
  InvoiceReport_State,
  Part_Status,
} from '../../src/generated/lnmux.ts';
import { Cluster, eventually } from './cluster.ts';
import { E2E_IDENTITY_KEY } from './daemon.ts';

let cluster: Cluster;
/** Preimages of every invoice there was: they must never show anywhere. */
const preimages: string[] = [];

const invoice = async (amountMsat: bigint, expirySecs?: bigint) => {
  const issued = await cluster.app.invoice(amountMsat, expirySecs);
  preimages.push(issued.preimageHex);
  return issued;
};

beforeAll(async () => {
  cluster = await Cluster.start(['holdTimeout: 2s', 'acceptTimeout: 3s']);
});
afterAll(() => cluster?.stop());

describe('a payment', () => {
  it('in one part is accepted, settled and final; calls after that are answered from the decision', async () => {
    const { app, payer } = cluster;
    const issued = await invoice(10_000n);
    const paying = payer.pay(issued.text);
    const setId = await app.acceptedSet(issued);
    expect(await app.code(app.client.waitForInvoiceFinalStatus, { hash: issued.hash })).toBe(
      status.NOT_FOUND,
    );
    const wrong = Buffer.alloc(32);
    expect(await app.settle(issued, wrong)).toBe(status.NOT_FOUND);
    expect(await app.cancel(issued, wrong)).toBe(status.NOT_FOUND);
    expect(await app.settle(issued, setId)).toBe(status.OK);
    expect(await paying).toMatchObject({
      status: 'settled',
      preimage: issued.preimageHex,
      paidMsat: 10_000n,
    });
    expect(await app.finalStatus(issued)).toBe('SETTLED');
    expect(await app.settle(issued, setId)).toBe(status.OK);
    expect(await app.cancel(issued, setId)).toBe(status.FAILED_PRECONDITION);
    const { invoice: listed } = await app.call(app.client.listInvoices, {
      maxInvoicesCount: 100n,
      sequenceStart: 0n,
    });
    const row = listed.find(({ hash }) => Buffer.from(hash).equals(issued.hash));
    expect(Buffer.from(row!.preimage).toString('hex')).toBe(issued.preimageHex);
    expect(row).toMatchObject({ amountMsat: 10_000n, status: 3 });
  });

  it('over two nodes settles as a whole, and the events tell its story', async () => {
    const { app, payer, alice, bob } = cluster;
    const issued = await invoice(10_001n);
    const paying = payer.pay(issued.text, { splits: 2 });
    expect(await app.settle(issued, await app.acceptedSet(issued))).toBe(status.OK);
    const result = await paying;
    expect(result).toMatchObject({ status: 'settled', paidMsat: 10_001n });
    const nodes = [alice, bob].map(({ child }) => child.info.pubkey).sort();
    expect(result.attempts.map(({ nodeId }) => String(nodeId)).sort()).toEqual(nodes);
    expect(await app.finalStatus(issued)).toBe('SETTLED');
    await eventually(async () => (await cluster.events(issued.hashHex)).includes('part.added complete'));
    const story = await cluster.events(issued.hashHex);
    // A node that is just being asked for its outcomes makes the release wait: then it is a step of its own.
    const decided = story.includes('barrier.held released')
      ? ['settle.requested requested', 'barrier.held released']
      : ['settle.requested released'];
    expect([...story].sort()).toEqual(
      [
        'part.added collecting',
        'part.added complete',
        ...decided,
        'htlc.settled released',
        'htlc.settled settled',
      ].sort(),
    );
  });

  it('is followed from before it is paid to its end, and looked at on its way', async () => {
    const { app, payer } = cluster;
    const issued = await invoice(10_000n);
    expect(await app.code(app.client.lookupInvoice, { hash: issued.hash })).toBe(status.NOT_FOUND);
    const reports: InvoiceReport[] = [];
    const stream = app.client.subscribeSingleInvoice({ hash: issued.hash });
    const ended = new Promise<number>((resolve) => {
      stream.on('error', ({ code }: ServiceError) => resolve(code)).on('end', () => resolve(status.OK));
    });
    stream.on('data', (report: InvoiceReport) => reports.push(report));
    await eventually(() => reports.length === 1);
    const waiting = app.call(app.client.waitForInvoiceFinalStatus, { hash: issued.hash, fromIssue: true });
    const refused = payer.pay(issued.text, { maxRetries: 0 });
    await app.cancel(issued, await app.acceptedSet(issued));
    await refused;
    const paying = payer.pay(issued.text, { splits: 2 });
    const setId = await app.acceptedSet(issued, 2);
    const lookUp = () => app.call(app.client.lookupInvoice, { hash: issued.hash });
    // The part of the attempt that was cancelled is reported beside the others until it is final.
    await eventually(async () => (await lookUp()).parts.length === 2);
    const report = await lookUp();
    expect(report).toMatchObject({ amountMsat: 10_000n, receivedMsat: 10_000n, setId });
    expect(report.state).toBe(InvoiceReport_State.ACCEPTED);
    expect(report.parts.map(({ nodeName }) => nodeName).sort()).toEqual(['alice', 'bob']);
    // A node that is just being asked for its outcomes is not believed for a moment.
    const here: number[] = [Part_Status.HELD, Part_Status.ABSENT];
    expect(report.parts.every((part) => here.includes(part.status))).toBe(true);
    expect(report.deadlineSecondsEstimate).toBe(BigInt(report.blocksLeft) * 600n);
    expect(Number(report.timeoutSecondsLeft)).toBeLessThanOrEqual(3);
    expect(await app.settle(issued, setId)).toBe(status.OK);
    expect((await paying).status).toBe('settled');
    expect(await ended).toBe(status.OK);
    // What lies between two reads may be left out, the beginning and the end never.
    const states = reports.map(({ state }) => state);
    expect([states[0], states.at(-1)]).toEqual([InvoiceReport_State.OPEN, InvoiceReport_State.SETTLED]);
    expect(states).toContain(InvoiceReport_State.ACCEPTED);
    expect(reports.at(-1)).toMatchObject({
      settledMsat: 10_000n,
      explanation: 'Paid: every part is settled.',
    });
    expect((await waiting).invoiceStatus).toBe(3);
  });

  it('and all others are in the stream of events, also for who comes back with a cursor', async () => {
    const { app, payer } = cluster;
    const read = (afterSequence: bigint) => {
      const events: InvoiceEvent[] = [];
      const stream = app.client.subscribeEvents({ afterSequence, onlyNew: false });
      stream.on('data', (event: InvoiceEvent) => events.push(event)).on('error', () => {});
      return { events, close: () => stream.cancel() };
    };
    const first = read(0n);
    const issued = await invoice(10_000n);
    const refused = payer.pay(issued.text, { maxRetries: 0 });
    const canceled = await app.acceptedSet(issued);
    await app.cancel(issued, canceled);
    await refused;
    const of = (events: readonly InvoiceEvent[], type: number) =>
      events.find((event) => event.type === type && event.hash.equals(issued.hash));
    await eventually(() => of(first.events, InvoiceEvent_Type.GIVEN_BACK) !== undefined);
    first.close();
    const cursor = of(first.events, InvoiceEvent_Type.GIVEN_BACK)!;
    expect(cursor).toMatchObject({ setId: canceled, failureReason: 'canceled' });
    const paying = payer.pay(issued.text);
    expect(await app.settle(issued, await app.acceptedSet(issued, 2))).toBe(status.OK);
    await paying;
    const second = read(cursor.sequence);
    await eventually(() => of(second.events, InvoiceEvent_Type.SETTLED) !== undefined);
    second.close();
    expect(of(second.events, InvoiceEvent_Type.SETTLED)).toMatchObject({ settledMsat: 10_000n });
    expect(second.events.every(({ sequence }) => sequence > cursor.sequence)).toBe(true);
    expect(of(second.events, InvoiceEvent_Type.GIVEN_BACK)).toBeUndefined();
  });

  it('of more than the invoice asks is taken, up to twice that', async () => {
    const { app, payer } = cluster;
    const issued = await invoice(10_000n);
    const paying = payer.pay(issued.text, { amountMsat: 20_000n });
    expect(await app.settle(issued, await app.acceptedSet(issued))).toBe(status.OK);
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 20_000n });
    const other = await invoice(10_000n);
    const refused = await payer.pay(other.text, { amountMsat: 20_001n, maxRetries: 0 });
    expect(refused.attempts[0]?.failure?.message).toMatchObject({ code: 0x400f, amountMsat: 20_001n });
    expect(refused.attempts[0]?.failure?.message?.height).toBeGreaterThanOrEqual(1_000);
  });

  it('that is cancelled fails at the payer; the set id is worth nothing afterwards', async () => {
    const { app, payer } = cluster;
    const issued = await invoice(10_000n);
    const paying = payer.pay(issued.text, { splits: 2, maxRetries: 0 });
    const setId = await app.acceptedSet(issued);
    expect(await app.cancel(issued, setId)).toBe(status.OK);
    expect(await app.cancel(issued, setId)).toBe(status.NOT_FOUND);
    expect(await app.settle(issued, setId)).toBe(status.NOT_FOUND);
    const result = await paying;
    expect(result).toMatchObject({ status: 'failed', paidMsat: 0n });
    for (const { failure } of result.attempts)
      expect(failure).toMatchObject({ hop: 1, message: { code: 0x400f } });
    // The invoice can be paid again.
    const again = payer.pay(issued.text);
    expect(await app.settle(issued, await app.acceptedSet(issued, 2))).toBe(status.OK);
    expect((await again).status).toBe('settled');
  });

  it('that nobody decides upon times out with 400f, one that stays incomplete with mpp_timeout', async () => {
    const { app, payer, alice } = cluster;
    const [undecided, incomplete] = [await invoice(10_000n), await invoice(10_000n)];
    const half = [{ amountMsat: 4_000n, nodeId: nodeIdFromText(alice.child.info.pubkey)! }];
    const [one, other] = await Promise.all([
      payer.pay(undecided.text, { maxRetries: 0 }),
      payer.pay(incomplete.text, { parts: half, totalMsat: 10_000n, maxRetries: 0 }),
    ]);
    expect(one.attempts.map(({ failure }) => failure?.message?.code)).toEqual([0x400f]);
    expect(other.attempts.map(({ failure }) => failure?.text)).toEqual(['mpp_timeout']);
    const setId = await app.acceptedSet(undecided);
    expect(await app.settle(undecided, setId)).toBe(status.NOT_FOUND);
    await eventually(async () => (await cluster.events(undecided.hashHex)).length === 3);
    expect((await cluster.events(undecided.hashHex)).sort()).toEqual(
      ['htlc.failed failing', 'part.added complete', 'set.failed failed'].sort(),
    );
    const [{ details } = {}] = await cluster.database.query(
      `SELECT details FROM lnmux.events WHERE hash = $1 AND event = 'set.failed'`,
      [undecided.hash],
    );
    expect(details).toMatchObject({ reason: 'accept_timeout' });
  });

  it('for an expired invoice is refused', async () => {
    const { payer } = cluster;
    const issued = await invoice(10_000n, 1n);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const result = await payer.pay(issued.text, { maxRetries: 0 });
    expect(result.attempts[0]?.failure?.message).toMatchObject({ code: 0x400f });
  });

  it('with an onion full of garbage fails alone', async () => {
    const { app, payer, alice } = cluster;
    const good = await invoice(10_000n);
    const paying = payer.pay(good.text);
    const setId = await app.acceptedSet(good);
    const { buildOnion } = await import('../../src/lightning/onion.ts');
    const { encodeHopPayload } = await import('../../src/lightning/finalPayload.ts');
    const { virtualChannelId } = await import('../../src/domain/virtualChannel.ts');
    const info = await app.call(app.client.getInfo, {});
    const nodeId = nodeIdFromText(alice.child.info.pubkey)!;
    const send = async (payload: Uint8Array, fill: number) => {
      const cltvExpiry = 1_000 + 60;
      const { onionBlob } = buildOnion({
        sessionKey: new Uint8Array(32).fill(fill),
        paymentHash: good.hash,
        hops: [
          {
            publicKey: Buffer.from(nodeId, 'hex'),
            payload: encodeHopPayload({ amountMsat: 10_000n, cltvExpiry, chanId: virtualChannelId(nodeId) }),
          },
          { publicKey: Buffer.from(info.pubKey), payload },
        ],
      });
      return alice.control.sendHtlc({
        chanId: 5n << 40n,
        amountMsat: 20_000n,
        expiry: 1_000 + 140,
        paymentHash: good.hash,
        onionBlob: Buffer.from(onionBlob),
        forwardPreimage: Buffer.alloc(0),
      });
    };
    const bad = [Uint8Array.of(0xff, 0xff, 0xff, 0xff), new Uint8Array(0), new Uint8Array(100).fill(0xfe)];
    const outcomes = await Promise.all(bad.map((payload, i) => send(payload, i + 1)));
    expect(outcomes.map(({ kind }) => kind)).toEqual(['failed', 'failed', 'failed']);
    expect(await app.settle(good, setId)).toBe(status.OK);
    expect((await paying).status).toBe('settled');
  });
});

describe('bad calls', () => {
  it.each([
    ['addInvoice', { amtMsat: 0n }, /amt_msat/],
    ['addInvoice', { amtMsat: -1n }, /amt_msat/],
    ['addInvoice', { expirySecs: 0n }, /expiry_secs/],
    ['addInvoice', { expirySecs: 9_223_372_036_854_775_807n }, /expiry_secs/],
    ['addInvoice', { amtMsat: 9_223_372_036_854_775_807n }, /amt_msat/],
    ['addInvoice', { descriptionHash: Buffer.alloc(31) }, /hash/],
    ['addInvoice', { description: 'd', descriptionHash: Buffer.alloc(32) }, /description/],
    ['addInvoice', { description: 'x'.repeat(640) }, /description/],
    ['settleInvoice', { hash: Buffer.alloc(31), setId: Buffer.alloc(32) }, /hash/],
    ['cancelInvoice', { hash: Buffer.alloc(32), setId: Buffer.alloc(0) }, /set/],
    ['waitForInvoiceFinalStatus', { hash: Buffer.alloc(33) }, /hash/],
    ['listInvoices', { maxInvoicesCount: 0n, sequenceStart: 0n }, /max_invoices_count/],
  ] as const)('%s %o is an invalid argument', async (method, request, text) => {
    const { app } = cluster;
    const defaults =
      method === 'addInvoice'
        ? { amtMsat: 1n, description: '', descriptionHash: Buffer.alloc(0), expirySecs: 60n }
        : {};
    const call = app.call(app.client[method] as never, { ...defaults, ...request } as never);
    await expect(call).rejects.toMatchObject({
      code: status.INVALID_ARGUMENT,
      details: expect.stringMatching(text),
    });
  });
});

describe('secrets', () => {
  it('show in no log line and in no event, at the most talkative level', async () => {
    const { alice, bob, daemon, database } = cluster;
    const rows = await database.query('SELECT to_jsonb(e)::text AS line FROM lnmux.events e');
    const text = [daemon.output, ...rows.map(({ line }) => String(line))].join('\n').toLowerCase();
    const macaroons = [alice, bob].map(({ child }) => readFileSync(child.info.macaroonPath, 'hex'));
    expect(preimages.length).toBeGreaterThan(8);
    expect(macaroons.every((macaroon) => macaroon.length > 64)).toBe(true);
    const canaries = [...preimages, ...macaroons, E2E_IDENTITY_KEY];
    for (const canary of canaries) {
      const bytes = Buffer.from(canary, 'hex');
      const forms = [canary, bytes.toString('base64'), bytes.toString('base64url'), bytes.join(',')];
      for (const form of forms) expect(text.includes(form.toLowerCase().replace(/=+$/, ''))).toBe(false);
    }
    // What may show does: otherwise nothing was looked at.
    expect(text).toContain('set complete');
  });
});
