import { PgBoss } from 'pg-boss';
import { describe, expect, onTestFinished, test } from 'vitest';
import { EventTail } from '../../src/actors/eventTail.ts';
import { WebhookMeasures } from '../../src/actors/measures/webhookMeasures.ts';
import { EventsDeleted } from '../../src/actors/ports/decisionStore.ts';
import { EventReader } from '../../src/actors/reports/eventReader.ts';
import { InvoiceReports, type ReportSource } from '../../src/actors/reports/invoiceReports.ts';
import { JobRunner } from '../../src/adapters/jobs/jobRunner.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { final, payment, settle } from '../postgres/fixtures.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { eventually, hashOf, line, QUICK, World, webhook } from './harness.ts';

const DAY_MS = 86_400_000;
const OLD = Date.now() - 3 * DAY_MS;

/** What LookupInvoice knows of an invoice that is in no memory. */
const NO_MEMORY = {
  known: () => ({ entry: undefined, row: undefined }),
  nodeName: (nodeId: string) => nodeId.slice(0, 10),
  link: () => undefined,
  height: () => 800_000,
  deadlineMargin: () => 6,
  timeLeft: () => undefined,
  feeMsat: () => 0n,
} as unknown as Omit<ReportSource, 'store'>;

interface Choices {
  readonly webhooks?: readonly string[];
  readonly epoch: bigint;
}

/** Retention alone, to be run by hand. */
async function runner(world: World, { webhooks = [], epoch }: Choices): Promise<JobRunner> {
  const started = new JobRunner({
    target: world.database.target,
    epoch,
    webhooks: webhooks.map((name) => ({ name, url: 'http://127.0.0.1:9/', secret: 'x'.repeat(32) })),
    keepEventsMs: 2 * DAY_MS,
    clock: systemClock,
    log: new RecordingLog(),
    counts: new WebhookMeasures(webhooks),
    paces: QUICK,
  });
  onTestFinished(() => started.stop());
  await started.start();
  return started;
}

const left = async (world: World) =>
  (await world.database.query('SELECT seq::int FROM lnmux.events ORDER BY seq')).map(({ seq }) => seq);

describe('retention', () => {
  test('deletes what is old, but no line of an invoice that is still to be settled', async () => {
    const world = await World.open();
    const epoch = await world.epoch();
    const [open, done] = [payment(1), payment(2)];
    await world.store.decide(epoch, [
      { ...settle('requestAndRelease', open), at: OLD },
      { ...settle('requestAndRelease', done), at: OLD },
    ]);
    await world.store.finalise(epoch, [{ ...final(done, 0, true), at: OLD }]);
    const before = await world.store.lastEvent();
    await world.store.journal(epoch, [line(1, 'given_back', OLD), line(2, 'given_back')], 0);
    const kept = (await world.store.eventsByHash(open.hash)).map(({ sequence }) => Number(sequence));
    expect(kept.length).toBeGreaterThan(0);
    const jobs = await runner(world, { epoch });
    expect(await jobs.retention.run(2 * DAY_MS)).toBeGreaterThan(1);
    expect(await left(world)).toEqual([...kept, Number(before) + 2]);
    expect(await world.store.eventsByHash(done.hash)).toEqual([]);
    const rows = await world.store.invoicesByHash([open.hash, done.hash]);
    expect(rows.map(({ status }) => status).sort()).toEqual(['SETTLED', 'SETTLE_REQUESTED']);
    expect(await world.number('SELECT deleted FROM lnmux.event_retention')).toBe(Number(before) + 1);
    const reports = new InvoiceReports({ ...NO_MEMORY, store: world.store });
    expect(await reports.of(done.hash)).toMatchObject({ known: true, report: { state: 'settled' } });
    expect(await reports.of(open.hash)).toMatchObject({ known: true, report: { state: 'settle_requested' } });
    // When it is final as well, its lines go.
    await world.store.finalise(epoch, [{ ...final(open, 0, true), at: OLD }]);
    await jobs.retention.run(2 * DAY_MS);
    expect(await left(world)).toEqual([Number(before) + 2]);
  });

  test('works in batches, and stops where nothing is old', async () => {
    const world = await World.open();
    const epoch = await world.epoch();
    await world.database.query(
      `INSERT INTO lnmux.events (seq, at, epoch, hash, machine, from_state, event, to_state)
        SELECT n, CASE WHEN n <= 12000 THEN now() - interval '3 days' ELSE now() END, 1, sha256(n::text::bytea),
          'htlcSet', 'a', 'b', 'c' FROM generate_series(1, 20000) n`,
    );
    await world.database.query('UPDATE lnmux.event_counter SET last = 20000');
    const jobs = await runner(world, { epoch });
    expect(await jobs.retention.run(2 * DAY_MS)).toBe(12_000);
    expect(await world.number('SELECT min(seq) FROM lnmux.events')).toBe(12_001);
    expect(await jobs.retention.run(2 * DAY_MS)).toBe(0);
  });

  test('leaves what a webhook has not read, and does nothing after the lead is lost', async () => {
    const world = await World.open();
    const epoch = await world.epoch();
    const jobs = await runner(world, { epoch, webhooks: ['shop', 'stock'] });
    await world.store.journal(
      epoch,
      Array.from({ length: 10 }, (_, i) => line(i, 'given_back', OLD)),
      0,
    );
    await world.database.query(`UPDATE lnmux.webhooks SET cursor = 7 WHERE name = 'shop'`);
    await world.database.query(`UPDATE lnmux.webhooks SET cursor = 4 WHERE name = 'stock'`);
    await world.database.query(`INSERT INTO lnmux.webhooks VALUES ('not configured any more', 0)`);
    expect(await jobs.retention.run(2 * DAY_MS)).toBe(4);
    expect(await left(world)).toEqual([5, 6, 7, 8, 9, 10]);
    await world.database.query('UPDATE lnmux.webhooks SET cursor = 10');
    await world.epoch();
    expect(await jobs.retention.run(2 * DAY_MS)).toBe(0);
    expect(await left(world)).toHaveLength(6);
  });

  test('is done by a job of every hour, and only where it is configured', async () => {
    const world = await World.open();
    const leader = await world.leader({ webhooks: [], retention: { eventsMs: 2 * DAY_MS } });
    await leader.write(line(1, 'given_back', OLD), line(2));
    expect(await world.database.query('SELECT name, cron FROM pgboss.schedule')).toEqual([
      { name: 'lnmux.retention', cron: '17 * * * *' },
    ]);
    const boss = new PgBoss({
      connectionString: world.database.dsn,
      supervise: false,
      schedule: false,
      max: 1,
    });
    boss.on('error', () => {});
    await boss.start();
    await boss.send('lnmux.retention');
    await boss.stop();
    await eventually(async () => (await left(world)).length === 1);
    expect(leader.measures.deletedEvents).toBe(1);
    await eventually(() => leader.log.of('Old events deleted').length === 1);
    await leader.stop();
    await world.leader({ webhooks: [webhook('http://127.0.0.1:9/')] });
    expect(await world.number('SELECT count(*) FROM pgboss.schedule')).toBe(0);
  });
});

describe('a reader of events', () => {
  test('that is older than what was deleted is told, from the start, in the middle and while it waits', async () => {
    const world = await World.open();
    const epoch = await world.epoch();
    await world.store.journal(
      epoch,
      Array.from({ length: 8 }, (_, i) => line(i, 'given_back', OLD)),
      0,
    );
    const tail = new EventTail();
    const source = { store: world.store, tail, clock: systemClock };
    const early = new EventReader(source, 0n);
    expect(await early.next()).toMatchObject({ result: 'event', event: { sequence: 1n } });
    await world.store.journal(epoch, [line(9)], 0);
    const jobs = await runner(world, { epoch });
    expect(await jobs.retention.run(2 * DAY_MS)).toBe(8);
    // What was read before stays read; the page of a reader is its own.
    for (let i = 2n; i <= 8n; i += 1n) {
      expect(await early.next()).toMatchObject({ result: 'event', event: { sequence: i } });
    }
    expect(await early.next()).toMatchObject({ result: 'event', event: { sequence: 9n } });
    expect(await new EventReader(source, 0n).next()).toEqual({ result: 'deleted', through: 8n });
    expect(await new EventReader(source, 7n).next()).toEqual({ result: 'deleted', through: 8n });
    expect(await new EventReader(source, 8n).next()).toMatchObject({
      result: 'event',
      event: { sequence: 9n },
    });
    await expect(world.store.eventsAfter(3n, 1)).rejects.toThrow(EventsDeleted);
    // Also when nothing is left.
    await world.database.query('UPDATE lnmux.event_retention SET deleted = 9');
    await world.database.query('DELETE FROM lnmux.events');
    expect(await new EventReader(source, 8n).next()).toEqual({ result: 'deleted', through: 9n });
    // Not one of only new events: it might begin after what comes now.
    const fresh = new EventReader(source, 9n);
    const next = fresh.next();
    tail.advanced(
      await world.store
        .journal(epoch, [line(10)], 0)
        .then((o) => (o.kind === 'acknowledged' ? o.lastSequence : 0n)),
    );
    expect(await next).toMatchObject({ result: 'event', event: { sequence: 10n, paymentHash: hashOf(10) } });
  });

  test('that was away for too long as a webhook goes on after what is gone', async () => {
    const world = await World.open();
    const epoch = await world.epoch();
    await world.store.journal(
      epoch,
      Array.from({ length: 8 }, (_, i) => line(i)),
      0,
    );
    await world.database.query(`INSERT INTO lnmux.webhooks VALUES ('shop', 2)`);
    await world.database.query('UPDATE lnmux.event_retention SET deleted = 5');
    const jobs = await runner(world, { epoch, webhooks: ['shop'] });
    expect(await jobs.webhooks.place('shop')).toBe(5n);
  });
});
