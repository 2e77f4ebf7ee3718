import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { AT, final, NODE_A, NODE_B, type Payment, payment, settle } from './fixtures.ts';

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

const lines = () =>
  database.query(`SELECT seq::int, epoch::int, machine, from_state, event, to_state, details
    FROM lnmux.events WHERE machine = 'nodeLink' ORDER BY seq`);

test('a drain stands until it is ended; a second one changes it and keeps its time', async () => {
  const first = { nodeId: NODE_A, refusesParts: false, since: AT };
  expect(await store.drain(epoch, first)).toEqual({
    kind: 'acknowledged',
    results: [first],
    lastSequence: 1n,
  });
  expect(await store.drain(epoch, { nodeId: NODE_B, refusesParts: true, since: AT + 1 })).toMatchObject({
    lastSequence: 2n,
  });
  const changed = { ...first, refusesParts: true };
  expect(await store.drain(epoch, { ...changed, since: AT + 2 })).toMatchObject({ results: [changed] });
  expect(new Set(await store.readDrains())).toEqual(
    new Set([changed, { nodeId: NODE_B, refusesParts: true, since: AT + 1 }]),
  );
  expect(await store.undrain(epoch, NODE_A, AT + 3)).toEqual({
    kind: 'acknowledged',
    results: [],
    lastSequence: 4n,
  });
  expect(await store.undrain(epoch, NODE_A, AT + 4)).toMatchObject({ kind: 'acknowledged' });
  expect(await store.readDrains()).toEqual([{ nodeId: NODE_B, refusesParts: true, since: AT + 1 }]);
  const drained = { machine: 'nodeLink', from_state: 'open', event: 'drain.requested', to_state: 'draining' };
  expect((await lines()).slice(0, 4)).toEqual([
    { seq: 1, epoch: 1, ...drained, details: { node: NODE_A, refusesParts: false } },
    { seq: 2, epoch: 1, ...drained, details: { node: NODE_B, refusesParts: true } },
    { seq: 3, epoch: 1, ...drained, details: { node: NODE_A, refusesParts: true } },
    {
      seq: 4,
      epoch: 1,
      machine: 'nodeLink',
      from_state: 'draining',
      event: 'drain.ended',
      to_state: 'open',
      details: { node: NODE_A },
    },
  ]);
});

test('who does not lead any more writes nothing', async () => {
  const before = [await store.readDrains(), await lines()];
  expect(await store.drain(epoch - 1n, { nodeId: NODE_A, refusesParts: false, since: AT })).toEqual({
    kind: 'fenced',
  });
  expect(await store.undrain(epoch - 1n, NODE_B, AT)).toEqual({ kind: 'fenced' });
  expect([await store.readDrains(), await lines()]).toEqual(before);
});

test('fees are summed by node over what is finally settled, in a period', async () => {
  const [p, q, r, aborted] = [payment(1, 2), payment(2), payment(3), payment(4)];
  const withFees = (of: Payment, ...fees: (bigint | undefined)[]) => ({
    ...of,
    members: of.members.map((row, i) => ({ ...row, feeMsat: fees[i] })),
  });
  const all = [withFees(p, 10n, 100n), withFees(q, 1_000n), withFees(r, undefined), withFees(aborted, 5n)];
  await store.decide(
    epoch,
    all.map((each) => settle('requestAndRelease', each)),
  );
  const fees = async (since?: number, until?: number) =>
    (await store.readFees({ since, until })).map(
      (node) =>
        `${node.nodeId.slice(0, 4)} ${node.feeMsat} ${node.amountMsat} ${node.parts} ${node.partsWithoutFee}`,
    );
  expect(await fees()).toEqual([]);
  await store.finalise(epoch, [
    { ...final(p, 0, true), at: AT + 1_000 },
    { ...final(p, 1, true), at: AT + 2_000 },
    { ...final(q, 0, false), at: AT + 3_000 },
    { ...final(r, 0, true), at: AT + 4_000 },
  ]);
  expect(await fees()).toEqual(['02aa 10 2000 2 1', '03bb 100 1000 1 0']);
  expect(await fees(AT + 2_000)).toEqual(['02aa 0 1000 1 1', '03bb 100 1000 1 0']);
  expect(await fees(AT + 1_001, AT + 4_000)).toEqual(['03bb 100 1000 1 0']);
  expect(await fees(undefined, AT + 1_000)).toEqual([]);
  const details = (await Promise.all([p, q, r].map((each) => store.eventsByHash(each.hash))))
    .flat()
    .filter(({ event }) => event.startsWith('htlc.'))
    .map((line) => `${line.event} ${line.details?.feeMsat}`);
  expect(details).toEqual([
    'htlc.settled 10',
    'htlc.settled 100',
    'htlc.failed undefined',
    'htlc.settled undefined',
  ]);
  const [stored] = await store.invoicesByHash([p.hash]);
  expect(stored?.members.map(({ feeMsat }) => feeMsat)).toEqual([10n, 100n]);
});
