import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DatabaseReadError,
  openPostgresStore,
  type PostgresStore,
} from '../../src/adapters/postgres/decisionStore.ts';
import { clientConfig } from '../../src/adapters/postgres/dsn.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { silentLog } from '../support/silentLog.ts';
import { FaultyProxy } from './faultyProxy.ts';
import { AT, fail, final, payment, settle } from './fixtures.ts';

let database: TestDatabase;
let proxy: FaultyProxy;
let store: PostgresStore;
let epoch: bigint;
let next = 1;

const committed = { kind: 'acknowledged', results: [{ outcome: 'committed' }] };

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await FaultyProxy.start(database.target);
  store = await openPostgresStore({ target: proxy.target, log: silentLog, timeoutMs: 1_500 });
});

beforeEach(async () => {
  proxy.fault = 'none';
  await database.query('UPDATE lnmux.leader SET epoch = epoch + 1');
  epoch = BigInt((await database.query('SELECT epoch FROM lnmux.leader'))[0]!.epoch as string);
  // The connections are there before the harm begins.
  await store.decide(epoch, [settle('request', payment(next++))]);
  await store.finalise(epoch, []);
});

afterAll(async () => {
  await store?.close();
  await proxy?.stop();
  await database?.drop();
});

async function rowsOf(p: ReturnType<typeof payment>) {
  const [invoice] = await store.invoicesByHash([p.hash]);
  return { members: invoice?.members.length, events: (await store.eventsByHash(p.hash)).length };
}

/** Locks the event counter from outside, so that every statement gets stuck just before its commit. */
async function stuck(work: (letGo: () => Promise<void>) => Promise<void>): Promise<void> {
  const client = new pg.Client(clientConfig(database.target, 'lock'));
  await client.connect();
  let held = true;
  const letGo = async () => {
    if (held) await client.query('ROLLBACK');
    held = false;
  };
  try {
    await client.query('BEGIN');
    await client.query('SELECT * FROM lnmux.event_counter FOR UPDATE');
    await work(letGo);
  } finally {
    await letGo();
    await client.end();
  }
}

/** Waits until so many statements of the store wait for a lock. */
async function untilWaiting(count: number): Promise<void> {
  for (;;) {
    const rows = await database.query(`SELECT 1 FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event_type = 'Lock'`);
    if (rows.length >= count) return;
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

describe('a decision whose acknowledgement is lost', () => {
  test('was committed: submitted again it is confirmed, and there is one row and one event', async () => {
    const p = payment(next++, 2);
    proxy.fault = 'cutAnswer';
    expect(await store.decide(epoch, [settle('requestAndRelease', p)])).toMatchObject({ kind: 'ambiguous' });
    expect(await rowsOf(p)).toEqual({ members: 2, events: 1 });
    expect(await store.decide(epoch, [settle('requestAndRelease', p)])).toMatchObject(committed);
    expect(await rowsOf(p)).toEqual({ members: 2, events: 1 });
  });

  test('was never sent on: submitted again it is written', async () => {
    const p = payment(next++, 2);
    proxy.fault = 'cutRequest';
    expect(await store.decide(epoch, [settle('requestAndRelease', p)])).toMatchObject({ kind: 'ambiguous' });
    expect(await rowsOf(p)).toEqual({ members: undefined, events: 0 });
    expect(await store.decide(epoch, [settle('requestAndRelease', p)])).toMatchObject(committed);
    expect(await rowsOf(p)).toEqual({ members: 2, events: 1 });
  });

  test.each(['request', 'fail'] as const)(
    'is still running (%s): the second one waits for it',
    async (kind) => {
      const p = payment(next++, 2);
      const decision = kind === 'fail' ? fail(p) : settle('request', p);
      await stuck(async (letGo) => {
        const first = store.decide(epoch, [decision]);
        await untilWaiting(1);
        proxy.cutAll();
        expect(await first).toMatchObject({ kind: 'ambiguous' });
        let answered = false;
        const second = store.decide(epoch, [decision]).finally(() => {
          answered = true;
        });
        await untilWaiting(2);
        expect(answered).toBe(false);
        await letGo();
        expect(await second).toMatchObject(committed);
      });
      expect((await rowsOf(p)).events).toBe(1);
    },
  );

  test('runs into the client’s time-out while answers are held: ambiguous, then confirmed', async () => {
    const p = payment(next++);
    proxy.fault = 'holdAnswer';
    expect(await store.decide(epoch, [settle('request', p)])).toEqual({
      kind: 'ambiguous',
      error: 'no answer in time',
    });
    proxy.fault = 'none';
    expect(await store.decide(epoch, [settle('request', p)])).toMatchObject(committed);
    expect((await rowsOf(p)).events).toBe(1);
  });

  test('is ended by an administrator: ambiguous, since a commit that waits for a standby ends alike', async () => {
    const p = payment(next++);
    await stuck(async (letGo) => {
      const first = store.decide(epoch, [settle('request', p)]);
      await untilWaiting(1);
      await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'lnmux decide'`);
      expect(await first).toMatchObject({ kind: 'ambiguous', error: expect.stringContaining('57P01') });
      await letGo();
    });
    expect(await store.decide(epoch, [settle('request', p)])).toMatchObject(committed);
  });

  test('a warning with the commit makes it ambiguous', async () => {
    const p = payment(next++);
    await database.query(`CREATE FUNCTION public.warn() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN RAISE WARNING 'not replicated'; RETURN NEW; END $$`);
    await database.query(`CREATE TRIGGER warn BEFORE INSERT ON lnmux.events EXECUTE FUNCTION public.warn()`);
    try {
      expect(await store.decide(epoch, [settle('request', p)])).toEqual({
        kind: 'ambiguous',
        error: 'committed with a notice: not replicated',
      });
    } finally {
      await database.query('DROP FUNCTION public.warn() CASCADE');
    }
    expect(await store.decide(epoch, [settle('request', p)])).toMatchObject(committed);
    expect((await rowsOf(p)).events).toBe(1);
  });
});

describe('a statement that was certainly not written', () => {
  test('the server’s own time-out says so, and it may be tried again', async () => {
    const p = payment(next++);
    await stuck(async () => {
      expect(await store.decide(epoch, [settle('request', p)])).toMatchObject({
        kind: 'failed',
        retryable: true,
        error: expect.stringContaining('57014'),
      });
    });
    expect(await rowsOf(p)).toEqual({ members: undefined, events: 0 });
    expect(await store.decide(epoch, [settle('request', p)])).toMatchObject(committed);
  });

  test('no connection: failed, nothing sent; an idle connection that was ended is replaced', async () => {
    const broken = { ...database.target, host: '/nonexistent' };
    await expect(openPostgresStore({ target: broken, log: silentLog })).rejects.toThrow(/cannot connect/);
    await database.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'lnmux %'`);
    const p = payment(next++);
    const answer = await store.decide(epoch, [settle('request', p)]);
    // It may race with the news of the end; then it is ambiguous, and the next one gets through.
    if (answer.kind === 'ambiguous')
      expect(await store.decide(epoch, [settle('request', p)])).toMatchObject(committed);
    else expect(answer).toMatchObject(committed);
    const quiet = await openPostgresStore({ target: proxy.target, log: silentLog, timeoutMs: 500 });
    await proxy.stop();
    expect(await quiet.decide(epoch, [settle('request', p)])).toMatchObject({
      kind: 'failed',
      retryable: true,
    });
    await quiet.close();
    await store.close();
    proxy = await FaultyProxy.start(database.target);
    store = await openPostgresStore({ target: proxy.target, log: silentLog, timeoutMs: 1_500 });
  });
});

test('wherever the connection breaks at the start, the error speaks of the database', async () => {
  const breaking = await FaultyProxy.start(database.target);
  const errors: string[] = [];
  for (let answers = 0; ; answers++) {
    breaking.answersLeft = answers;
    const opening = openPostgresStore({ target: breaking.target, log: silentLog });
    const error = await opening.then(
      (opened) => void opened.close(),
      (reason: Error) => reason,
    );
    if (!error) break;
    expect(error).toBeInstanceOf(DatabaseReadError);
    errors.push(error.message);
  }
  await breaking.stop();
  expect(errors.length).toBeGreaterThan(3);
  for (const message of errors) expect(message).toMatch(/^(cannot connect to|lost) the database: ./);
});

describe('finals in doubt', () => {
  test('a final whose answer is lost tells the outcome when submitted again', async () => {
    const p = payment(next++);
    await store.decide(epoch, [settle('requestAndRelease', p)]);
    proxy.fault = 'cutAnswer';
    expect(await store.finalise(epoch, [final(p, 0, true)])).toMatchObject({ kind: 'ambiguous' });
    expect(await store.finalise(epoch, [final(p, 0, true)])).toMatchObject({
      results: [{ outcome: 'invoiceFinal', status: 'settled' }],
    });
    expect(await store.eventsByHash(p.hash)).toHaveLength(2);
  });

  test('one part in doubt, the other submitted meanwhile: the invoice still ends', async () => {
    const p = payment(next++, 2);
    await store.decide(epoch, [settle('requestAndRelease', p)]);
    await stuck(async (letGo) => {
      const first = store.finalise(epoch, [final(p, 0, true)]);
      await untilWaiting(1);
      proxy.cutAll();
      expect(await first).toMatchObject({ kind: 'ambiguous' });
      const second = store.finalise(epoch, [final(p, 0, true), final(p, 1, true)]);
      await untilWaiting(2);
      await letGo();
      expect(await second).toMatchObject({
        results: [
          { outcome: 'pending' },
          { outcome: 'invoiceFinal', status: 'settled', settledMsat: 2_000n },
        ],
      });
    });
    expect((await store.invoicesByHash([p.hash]))[0]).toMatchObject({ status: 'SETTLED' });
    expect(await store.eventsByHash(p.hash)).toHaveLength(3);
  });
});

describe('fence and sequence', () => {
  test('a stale epoch writes nothing anywhere', async () => {
    const p = payment(next++);
    const stale = epoch - 1n;
    const line = {
      paymentHash: p.hash,
      setId: undefined,
      at: AT,
      machine: 'htlcSet',
      from: 'a',
      event: 'b',
      to: 'c',
    } as const;
    expect(await store.decide(stale, [settle('request', p), fail(payment(next++))])).toEqual({
      kind: 'fenced',
    });
    expect(await store.finalise(stale, [final(p, 0, true)])).toEqual({ kind: 'fenced' });
    expect(await store.journal(stale, [line], 900_000)).toEqual({ kind: 'fenced' });
    expect(await rowsOf(p)).toEqual({ members: undefined, events: 0 });
    await expect(store.recover(stale)).rejects.toThrow('another leader');
    expect((await store.recover(stale + 1n)).height).toBe(0);
  });

  test('a new leader waits for the old one’s statement; later ones of the old one are fenced', async () => {
    const [p, q] = [payment(next++), payment(next++)];
    await stuck(async (letGo) => {
      const inFlight = store.decide(epoch, [settle('request', p)]);
      await untilWaiting(1);
      let taken = false;
      const lead = store.acquire('other', 60_000).finally(() => {
        taken = true;
      });
      await untilWaiting(2);
      expect(taken).toBe(false);
      await letGo();
      expect(await inFlight).toMatchObject(committed);
      expect(await lead).toEqual({ acquired: true, epoch: epoch + 1n });
    });
    expect(await store.decide(epoch, [settle('request', q)])).toEqual({ kind: 'fenced' });
    await store.release(epoch + 1n);
  });

  test('the lease goes by the database’s clock', async () => {
    const lead = await store.acquire('one', 3_600_000);
    if (!lead.acquired) throw new Error('not leader');
    const other = await store.acquire('two', 1);
    expect(other).toMatchObject({ acquired: false, owner: 'one' });
    if (!other.acquired) expect(other.remainingMs).toBeGreaterThan(3_500_000);
    expect(await store.renew(lead.epoch, 3_600_000)).toBe(true);
    expect(await store.renew(lead.epoch - 1n, 3_600_000)).toBe(false);
    await store.release(lead.epoch - 1n);
    expect(await store.acquire('two', 1)).toMatchObject({ acquired: false });
    await store.release(lead.epoch);
    expect(await store.acquire('two', 0)).toEqual({ acquired: true, epoch: lead.epoch + 1n });
    expect(await store.acquire('one', 0)).toMatchObject({ acquired: true });
  });

  test('the sequence has no gaps when decisions, finals and journal lines run at once', async () => {
    const count = 60;
    const payments = Array.from({ length: count }, () => payment(next++));
    await store.decide(
      epoch,
      payments.map((p) => settle('requestAndRelease', p)),
    );
    const work: Promise<unknown>[] = [];
    for (const p of payments) {
      work.push(store.decide(epoch, [settle('request', payment(next++))]));
      work.push(store.finalise(epoch, [final(p, 0, true)]));
      const line = { paymentHash: p.hash, setId: undefined, at: AT } as const;
      work.push(store.journal(epoch, [{ ...line, machine: 'invoice', from: 'a', event: 'b', to: 'c' }], 1));
    }
    for (const answer of await Promise.all(work)) expect(answer).toMatchObject({ kind: 'acknowledged' });
    const rows = await database.query(`SELECT count(*) = max(seq) AS whole, min(seq) AS first,
      max(seq) = (SELECT last FROM lnmux.event_counter) AS counted FROM lnmux.events`);
    expect(rows).toEqual([{ whole: true, first: '1', counted: true }]);
  });
});
