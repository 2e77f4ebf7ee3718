import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Decision } from '../../src/actors/ports/decisionStore.ts';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { AT, abort, fail, failRow, final, member, NODE_A, payment, release, settle } from './fixtures.ts';

let database: TestDatabase;
let store: PostgresStore;
let epoch: bigint;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openPostgresStore({ target: database.target, log: silentLog });
  const lead = await store.acquire('test', 3_600_000);
  if (!lead.acquired) throw new Error('not leader');
  epoch = lead.epoch;
});

afterAll(async () => {
  await store?.close();
  await database?.drop();
});

let next = 1;
const fresh = (parts = 1) => payment(next++, parts);

/** Outcomes of a batch: `committed`, or the reason of a refusal. */
async function decide(...decisions: Decision[]): Promise<string[]> {
  const answer = await store.decide(epoch, decisions);
  if (answer.kind !== 'acknowledged') throw new Error(JSON.stringify(answer));
  return answer.results.map((result) => (result.outcome === 'committed' ? 'committed' : result.because));
}

async function finalise(...finals: ReturnType<typeof final>[]) {
  const answer = await store.finalise(epoch, finals);
  if (answer.kind !== 'acknowledged') throw new Error(JSON.stringify(answer));
  return answer.results;
}

const stored = async (of: { hash: ReturnType<typeof payment>['hash'] }) =>
  (await store.invoicesByHash([of.hash]))[0];
const events = async (of: { hash: ReturnType<typeof payment>['hash'] }) =>
  (await store.eventsByHash(of.hash)).map((line) => `${line.event}>${line.to}`);

describe('settling', () => {
  test('requestAndRelease is stored with its members and comes back as it was given', async () => {
    const p = fresh(2);
    expect(await decide(settle('requestAndRelease', p))).toEqual(['committed']);
    const decision = settle('requestAndRelease', p);
    expect(await stored(p)).toEqual({
      paymentHash: p.hash,
      preimage: p.preimage,
      setId: decision.setId,
      amountMsat: 2_000n,
      status: 'SETTLE_REQUESTED',
      released: true,
      cause: undefined,
      settledMsat: undefined,
      sequenceNumber: expect.any(BigInt),
      settleRequestedAt: AT,
      finalizedAt: undefined,
      members: p.members.map((row) => ({ ...row, status: 'SETTLE_REQUESTED' })),
    });
    const [line] = await store.eventsByHash(p.hash);
    expect(line).toMatchObject({ at: AT, epoch, setId: decision.setId, ...decision.line });
  });

  test('channel ids of 2^63 and above are stored as two’s complement', async () => {
    const p = fresh();
    const top = {
      ...p,
      members: [member({ nodeId: NODE_A, chanId: 2n ** 64n - 1n, htlcId: 2n ** 64n - 2n })],
    };
    expect(await decide(settle('request', top))).toEqual(['committed']);
    const rows = await database.query(
      `SELECT chan_id, htlc_id FROM lnmux.htlcs WHERE hash = '\\x${p.hash}'::bytea`,
    );
    expect(rows).toEqual([{ chan_id: '-1', htlc_id: '-2' }]);
    expect((await stored(p))?.members[0]?.key).toEqual(top.members[0]!.key);
    expect(await finalise(final(top, 0, true))).toEqual([
      { outcome: 'invoiceFinal', status: 'settled', settledMsat: 1_000n },
    ]);
  });

  test('the same again is confirmed, with one line of events', async () => {
    const p = fresh(2);
    expect(await decide(settle('request', p), settle('request', p))).toEqual(['committed', 'committed']);
    expect(await decide(settle('request', p))).toEqual(['committed']);
    expect(await decide(release(p))).toEqual(['committed']);
    expect(await decide(release(p), release(p))).toEqual(['committed', 'committed']);
    // A request is contained in its release.
    expect(await decide(settle('request', p), settle('requestAndRelease', p))).toEqual([
      'committed',
      'committed',
    ]);
    expect(await events(p)).toEqual(['request>requested', 'release>released']);
    expect((await stored(p))?.released).toBe(true);
  });

  test('another set of the hash is refused', async () => {
    const p = fresh(2);
    await decide(settle('requestAndRelease', p));
    const other = [p.members[0]!];
    expect(await decide(settle('requestAndRelease', p, other))).toEqual([
      'another set of this payment hash is recorded',
    ]);
    expect(await decide(release(p, other), abort(p, other))).toEqual([
      'another set of this payment hash is recorded',
      'another set of this payment hash is recorded',
    ]);
    expect((await stored(p))?.members).toHaveLength(2);
  });

  test('requestAndRelease does not release what was only requested; release needs a request', async () => {
    const [p, q] = [fresh(), fresh()];
    await decide(settle('request', p));
    expect(await decide(settle('requestAndRelease', p), release(q))).toEqual([
      'the set is requested, but not released',
      'no such set is requested',
    ]);
    expect((await stored(p))?.released).toBe(false);
  });

  test('what is malformed never gets to the database', async () => {
    const [p, q] = [fresh(2), fresh(2)];
    const wrongPreimage = { ...settle('request', p), preimage: q.preimage } as Decision;
    const wrongSet = { ...settle('request', p), setId: settle('request', q).setId } as Decision;
    const short = { ...settle('request', p), amountMsat: 2_001n } as Decision;
    expect(await decide(wrongPreimage, wrongSet, settle('request', q), short)).toEqual([
      'wrong preimage',
      'wrong set id',
      'committed',
      'the members do not add up to the amount',
    ]);
    expect(await stored(p)).toBeUndefined();
  });
});

describe('failing and aborting', () => {
  test('a failed part can never be a member, and the first reason and onion stay', async () => {
    const p = fresh(2);
    expect(await decide(fail(p, [p.members[0]!], 1))).toEqual(['committed']);
    expect(await decide(fail(p, [p.members[0]!], 2))).toEqual(['committed']);
    expect(await decide(settle('requestAndRelease', p))).toEqual(['a part is already failed']);
    expect(await stored(p)).toBeUndefined();
    const found = (await store.recover(epoch)).fails.filter((row) => row.paymentHash === p.hash);
    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({
      key: p.members[0]!.key,
      reason: 'mpp_timeout',
      autoFailHeight: 800_100,
    });
    expect(found[0]!.failureOnion).toEqual(new Uint8Array(292).fill(1));
    expect(await events(p)).toEqual(['fail>failed']);
  });

  test('a member can never be failed; the rest of the batch is not touched by the refusal', async () => {
    const [p, q] = [fresh(2), fresh()];
    await decide(settle('request', p));
    expect(await decide(fail(p), settle('request', q), fail(p, [p.members[1]!]))).toEqual([
      'a part belongs to a set that is requested',
      'committed',
      'a part belongs to a set that is requested',
    ]);
    expect((await store.recover(epoch)).fails.filter((row) => row.paymentHash === p.hash)).toEqual([]);
  });

  test('several fails of one hash share a statement', async () => {
    const p = fresh(3);
    const before = await store.decide(epoch, []);
    expect(await decide(...p.members.map((row) => fail(p, [row])))).toEqual(Array(3).fill('committed'));
    expect(await events(p)).toEqual(Array(3).fill('fail>failed'));
    const after = await store.decide(epoch, []);
    if (before.kind !== 'acknowledged' || after.kind !== 'acknowledged') throw new Error('not acknowledged');
    expect(after.lastSequence - before.lastSequence).toBe(3n);
  });

  test('abort fails every part, removes the members, and is final', async () => {
    const p = fresh(2);
    await decide(settle('request', p));
    expect(await decide(abort(p))).toEqual(['committed']);
    expect(await decide(abort(p))).toEqual(['committed']);
    expect(await stored(p)).toMatchObject({ status: 'FAILED', cause: 'deadline_reached', members: [] });
    expect((await store.recover(epoch)).fails.filter((row) => row.paymentHash === p.hash)).toHaveLength(2);
    expect(await decide(release(p), settle('request', p), settle('requestAndRelease', p))).toEqual([
      'the set is aborted',
      'a part is already failed',
      'a part is already failed',
    ]);
    expect(await finalise(final(p, 0, false), final(p, 1, false))).toEqual([
      { outcome: 'noted' },
      { outcome: 'noted' },
    ]);
    expect((await store.recover(epoch)).fails.filter((row) => row.paymentHash === p.hash)).toEqual([]);
    // Also when nothing of the fails is left.
    expect(await decide(abort(p), settle('request', p))).toEqual(['committed', 'the set is aborted']);
    expect(await events(p)).toEqual([
      'request>requested',
      'abort>aborted',
      'htlc.failed>failing',
      'htlc.failed>failing',
    ]);
  });

  test('reads that decide are fenced: a row seen as released must be one that nobody can abort any more', async () => {
    const p = fresh();
    await decide(settle('requestAndRelease', p));
    expect(await store.invoicesByHash([p.hash], epoch)).toHaveLength(1);
    await expect(store.invoicesByHash([p.hash], epoch - 1n)).rejects.toThrow('another leader');
    await expect(store.recover(epoch - 1n)).rejects.toThrow('another leader');
  });

  test('a released set is aborted only by the epoch that released it', async () => {
    const [p, q] = [fresh(), fresh()];
    await decide(settle('requestAndRelease', p), settle('requestAndRelease', q));
    expect(await decide(abort(p))).toEqual(['committed']);
    await database.query('UPDATE lnmux.leader SET epoch = epoch + 1');
    epoch++;
    expect(await decide(settle('requestAndRelease', q), release(q), abort(q))).toEqual([
      'committed',
      'committed',
      'the set was released by another leader, or a part is settled',
    ]);
  });

  test('abort after one part was given back keeps no fail for that part', async () => {
    const p = fresh(2);
    await decide(settle('request', p));
    expect(await finalise(final(p, 0, false))).toEqual([{ outcome: 'pending' }]);
    expect(await decide(abort(p))).toEqual(['committed']);
    const fails = (await store.recover(epoch)).fails.filter((row) => row.paymentHash === p.hash);
    expect(fails.map((row) => row.key)).toEqual([p.members[1]!.key]);
  });

  test('a set with a settled part is never aborted', async () => {
    const p = fresh(2);
    await decide(settle('requestAndRelease', p));
    await finalise(final(p, 0, true));
    expect(await decide(abort(p))).toEqual(['the set was released by another leader, or a part is settled']);
  });
});

describe('batches', () => {
  test('a decision that violates a constraint is refused alone', async () => {
    const [p, q, r] = [fresh(), fresh(), fresh()];
    const bad = {
      ...fail(q),
      parts: [{ ...failRow(q.members[0]!), failureOnion: new Uint8Array(3) }],
    } as Decision;
    const answers = await decide(settle('request', p), bad, settle('request', r));
    expect(answers[0]).toBe('committed');
    expect(answers[1]).toMatch(/^SQLSTATE 23514: .*failed_htlcs_failure_onion_check/);
    expect(answers[2]).toBe('committed');
    expect(await events(q)).toEqual([]);
  });

  test('a part that belongs to another payment is refused', async () => {
    const [p, q] = [fresh(2), fresh()];
    await decide(settle('request', p));
    const stolen = { ...q, members: [p.members[1]!] };
    expect((await decide(settle('request', stolen)))[0]).toMatch(/^SQLSTATE 23505/);
    expect(await stored(q)).toBeUndefined();
  });

  test('decisions that touch each other take effect in their order', async () => {
    const p = fresh(2);
    expect(
      await decide(settle('request', p), release(p), abort(p), release(p), fail(p), settle('request', p)),
    ).toEqual([
      'committed',
      'committed',
      'committed',
      'the set is aborted',
      'committed',
      'a part is already failed',
    ]);
  });

  test('two hundred at once', async () => {
    const payments = Array.from({ length: 200 }, () => fresh());
    expect(await decide(...payments.map((p) => settle('requestAndRelease', p)))).toEqual(
      Array(200).fill('committed'),
    );
    expect(await finalise(...payments.map((p) => final(p, 0, true)))).toEqual(
      Array(200).fill({ outcome: 'invoiceFinal', status: 'settled', settledMsat: 1_000n }),
    );
  });
});

describe('finals', () => {
  test('the invoice is settled when its last part is, within one batch too', async () => {
    const p = fresh(3);
    await decide(settle('requestAndRelease', p));
    expect(await finalise(final(p, 1, true))).toEqual([{ outcome: 'pending' }]);
    expect(await finalise(final(p, 0, true), final(p, 0, true), final(p, 2, true))).toEqual([
      { outcome: 'pending' },
      { outcome: 'pending' },
      { outcome: 'invoiceFinal', status: 'settled', settledMsat: 3_000n },
    ]);
    expect(await stored(p)).toMatchObject({ status: 'SETTLED', settledMsat: 3_000n, finalizedAt: AT + 12 });
    expect(await events(p)).toEqual([
      'requestAndRelease>requested',
      'htlc.settled>released',
      'htlc.settled>released',
      'htlc.settled>settled',
    ]);
  });

  test('recorded again, it says how the invoice stands and changes nothing', async () => {
    const p = fresh(2);
    await decide(settle('requestAndRelease', p));
    await finalise(final(p, 0, true));
    expect(await finalise(final(p, 0, false))).toEqual([{ outcome: 'pending' }]);
    const last = { outcome: 'invoiceFinal', status: 'settled', settledMsat: 2_000n };
    expect(await finalise(final(p, 1, true))).toEqual([last]);
    expect(await finalise(final(p, 1, true))).toEqual([last]);
    expect(await events(p)).toHaveLength(3);
  });

  test('partly settled and not settled at all are both failed, with cause and amount', async () => {
    const [p, q] = [fresh(2), fresh(2)];
    await decide(settle('requestAndRelease', p), settle('request', q));
    const results = await finalise(
      final(p, 0, true),
      final(q, 0, false),
      final(p, 1, false),
      final(q, 1, false),
    );
    expect(results).toEqual([
      { outcome: 'pending' },
      { outcome: 'pending' },
      { outcome: 'invoiceFinal', status: 'failed', settledMsat: 1_000n },
      { outcome: 'invoiceFinal', status: 'failed', settledMsat: 0n },
    ]);
    expect(await stored(p)).toMatchObject({
      status: 'FAILED',
      cause: 'partially_settled',
      settledMsat: 1_000n,
    });
    expect(await stored(q)).toMatchObject({ status: 'FAILED', cause: 'parts_failed', settledMsat: 0n });
    expect(await decide(settle('request', q))).toEqual(['the invoice is final: FAILED']);
  });

  test('of HTLCs that are not ours nothing is written', async () => {
    const p = fresh();
    expect(await finalise(final(p, 0, true))).toEqual([{ outcome: 'noted' }]);
    expect(await events(p)).toEqual([]);
  });
});

describe('journal and reading', () => {
  test('the journal appends lines, and the height never falls', async () => {
    const p = fresh();
    const before = await store.journal(epoch, [], 800_000);
    const of = { paymentHash: p.hash, setId: undefined, at: AT };
    const after = await store.journal(
      epoch,
      [
        { ...of, machine: 'htlcSet', from: 'a', event: 'b', to: 'c' },
        {
          ...of,
          paymentHash: undefined,
          machine: 'nodeLink',
          from: 'd',
          event: 'e',
          to: 'f',
          details: { height: 1 },
        },
      ],
      799_999,
    );
    if (before.kind !== 'acknowledged' || after.kind !== 'acknowledged') throw new Error('not acknowledged');
    expect(after.lastSequence).toBe(before.lastSequence + 2n);
    expect(await store.eventsByHash(p.hash)).toEqual([
      { ...of, sequence: after.lastSequence - 1n, epoch, machine: 'htlcSet', from: 'a', event: 'b', to: 'c' },
    ]);
    expect((await store.recover(epoch)).height).toBe(800_000);
  });

  test('recovery holds what is not final, the list goes by sequence number', async () => {
    const [p, q] = [fresh(), fresh()];
    await decide(settle('requestAndRelease', p));
    await decide(settle('request', q));
    await finalise(final(p, 0, true));
    const { invoices } = await store.recover(epoch);
    expect(invoices.some((row) => row.paymentHash === p.hash)).toBe(false);
    expect(invoices.find((row) => row.paymentHash === q.hash)).toEqual(await stored(q));
    const start = (await stored(p))!.sequenceNumber;
    const listed = await store.listInvoices({ sequenceStart: start, max: 2 });
    expect(listed.map((row) => row.paymentHash)).toEqual([p.hash, q.hash]);
    expect(await store.listInvoices({ sequenceStart: start, max: 1 })).toHaveLength(1);
    expect(await store.listInvoices({ sequenceStart: 2n ** 62n, max: 9 })).toEqual([]);
  });
});
