import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Decision, FinalRecord } from '../../src/actors/ports/decisionStore.ts';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { partIdOf } from '../../src/domain/htlcKey.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { abort, fail, final, type Payment, payment, release, settle } from './fixtures.ts';
import { StoreModel } from './storeModel.ts';

let database: TestDatabase;
let store: PostgresStore;
let next = 1;

beforeAll(async () => {
  database = await createTestDatabase();
  store = await openPostgresStore({ target: database.target, log: silentLog });
});

afterAll(async () => {
  await store?.close();
  await database?.drop();
});

/** Few payments with few parts, so that steps meet. `parts` is a bit mask over three parts. */
const target = fc.record({ of: fc.nat(2), parts: fc.constantFrom(7, 7, 3, 1) });
const decision = fc.record({
  kind: fc.constantFrom('request', 'requestAndRelease', 'release', 'abort', 'fail'),
  target,
  byte: fc.nat(3),
});
const finalOf = fc.record({ of: fc.nat(2), part: fc.nat(2), settled: fc.boolean() });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ decide: fc.array(decision, { minLength: 1, maxLength: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ finalise: fc.array(finalOf, { minLength: 1, maxLength: 5 }) }) },
  { weight: 1, arbitrary: fc.constant('again' as const) },
  { weight: 1, arbitrary: fc.constant('newLeader' as const) },
);

type Drawn = typeof decision extends fc.Arbitrary<infer T> ? T : never;

function decisionOf(payments: readonly Payment[], { kind, target, byte }: Drawn): Decision {
  const of = payments[target.of]!;
  const rows = of.members.filter((_, index) => target.parts & (1 << index));
  if (kind === 'release') return release(of, rows);
  if (kind === 'abort') return abort(of, rows);
  if (kind === 'fail') return fail(of, rows, byte);
  return settle(kind as 'request' | 'requestAndRelease', of, rows);
}

async function bump(): Promise<bigint> {
  await database.query('UPDATE lnmux.leader SET epoch = epoch + 1');
  return BigInt((await database.query('SELECT epoch FROM lnmux.leader'))[0]!.epoch as string);
}

const lastSequence = async () =>
  BigInt((await database.query('SELECT last FROM lnmux.event_counter'))[0]!.last as string);

/** Rows, as the model has them. */
async function compareRows(model: StoreModel, payments: readonly Payment[]): Promise<void> {
  const found = await store.invoicesByHash(payments.map((p) => p.hash));
  expect(found).toHaveLength(model.invoices.size);
  for (const row of found) {
    const invoice = model.invoices.get(row.paymentHash)!;
    expect(row).toMatchObject({ setId: invoice.setId, status: invoice.status, released: invoice.released });
    expect(row.settledMsat).toBe(invoice.settledMsat);
    const members = row.members.map((member) => [partIdOf(member.key), member.status]);
    expect(Object.fromEntries(members)).toEqual(
      Object.fromEntries([...invoice.members].map(([id, member]) => [id, member.status])),
    );
  }
  const hashes = new Set(payments.map((p) => p.hash));
  const fails = (await store.recover(model.epoch)).fails.filter((row) => hashes.has(row.paymentHash));
  expect(Object.fromEntries(fails.map((row) => [partIdOf(row.key), row.failureOnion[0]]))).toEqual(
    Object.fromEntries([...model.fails].map(([id, { byte }]) => [id, byte])),
  );
}

test('random histories are answered and stored as the model says: write-once, monotone, gap-free', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
      const payments = Array.from({ length: 3 }, () => payment(next++, 3));
      const model = new StoreModel(await bump());
      const start = await lastSequence();
      let last: Decision[] | FinalRecord[] = [];
      const decide = async (batch: Decision[]) => {
        const expected = batch.map((one) => ({ outcome: model.decide(one) }));
        expect(await store.decide(model.epoch, batch)).toMatchObject({
          kind: 'acknowledged',
          results: expected,
          lastSequence: start + model.events,
        });
      };
      const finalise = async (batch: FinalRecord[]) => {
        const results = model.finalise(batch);
        const lastSequence = start + model.events;
        expect(await store.finalise(model.epoch, batch)).toEqual({
          kind: 'acknowledged',
          results,
          lastSequence,
        });
      };
      for (const one of steps) {
        if (one === 'newLeader') {
          model.epoch = await bump();
          expect(await store.decide(model.epoch - 1n, [])).toEqual({ kind: 'fenced' });
        } else if (one === 'again') {
          if (last[0] && 'kind' in last[0]) await decide(last as Decision[]);
          else await finalise(last as FinalRecord[]);
        } else if ('decide' in one) {
          last = one.decide.map((drawn) => decisionOf(payments, drawn));
          await decide(last);
        } else {
          last = one.finalise.map(({ of, part, settled }) => final(payments[of]!, part, settled));
          await finalise(last);
        }
      }
      await compareRows(model, payments);
    }),
    { numRuns: 150 },
  );
  const rows = await database.query(
    `SELECT count(*) = max(seq) AS whole, min(seq) AS first FROM lnmux.events`,
  );
  expect(rows).toEqual([{ whole: true, first: '1' }]);
});
