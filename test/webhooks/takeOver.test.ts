import { spawn } from 'node:child_process';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import type { Clock } from '../../src/actors/ports/clock.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { FaultyProxy } from '../postgres/faultyProxy.ts';
import { eventually, line, SECRET, World, webhook } from './harness.ts';
import { type Answer, type Received, Receiver } from './receiver.ts';

async function receiver(answer?: (received: Received) => Answer): Promise<Receiver> {
  const opened = await new Receiver(answer).open();
  onTestFinished(() => opened.close());
  return opened;
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => BigInt(i + 1));

test('an attempt that died with its process is made again by the next leader', async () => {
  const world = await World.open();
  const shop = await receiver(() => 'hang');
  const epoch = await world.epoch();
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'leaderProcess.ts'), world.database.dsn, epoch.toString(), shop.url, SECRET],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  onTestFinished(() => void child.kill('SIGKILL'));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  await world.store.journal(epoch, [line(1), line(2)], 0);
  await eventually(() => shop.all.length === 2);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  shop.answer = () => 200;
  await world.store.journal(epoch, [line(3)], 0);
  const next = await world.leader({ webhooks: [webhook(shop.url)] });
  await eventually(() => shop.sequences.length === 3);
  expect(shop.sequences).toEqual(upTo(3));
  // Counted a moment after the shop has answered.
  await eventually(() => next.measures.delivered.of('shop') >= 3);
});

test('a deposed leader that goes on moves nothing, and no event is queued twice', async () => {
  const world = await World.open();
  const shop = await receiver();
  const webhooks = [webhook(shop.url)];
  const first = await world.leader({ webhooks });
  await first.write(line(1));
  await eventually(() => shop.taken.length === 1);
  const second = await world.leader({ webhooks });
  for (let i = 2; i <= 20; i += 1) {
    const last = await second.write(line(i));
    first.tail.advanced(last);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await eventually(() => shop.sequences.length === 20);
  expect(shop.taken.map(({ sequence }) => sequence).sort((a, b) => Number(a - b))).toEqual(upTo(20));
  await eventually(() =>
    first.log
      .of('Events for a webhook could not be read or queued, trying again')
      .some(({ fields }) => fields.reason === 'another leader has taken over'),
  );
  await first.stop();
});

test('wherever leaders stop and connections break, every event arrives', async () => {
  const step = fc.record({
    lines: fc.integer({ min: 1, max: 30 }),
    /** Milliseconds until something happens. */
    wait: fc.integer({ min: 0, max: 400 }),
    end: fc.constantFrom('stop', 'depose', 'cut connections', 'nothing'),
    failing: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 4 }), async (steps) => {
      const world = await World.open();
      let failing = false;
      const shop = await receiver(({ sequence }) => (failing && sequence % 3n === 0n ? 503 : 200));
      const webhooks = [webhook(shop.url)];
      let leader = await world.leader({ webhooks });
      let last = 0n;
      for (const { lines, wait, end, failing: fails } of steps) {
        failing = fails;
        last = await leader.write(...Array.from({ length: lines }, (_, i) => line(i)));
        await new Promise((resolve) => setTimeout(resolve, wait));
        if (end === 'cut connections') {
          await world.database.query(
            `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lnmux jobs'
              AND datname = current_database()`,
          );
        } else if (end !== 'nothing') {
          const old = leader;
          if (end === 'stop') await old.stop();
          leader = await world.leader({ webhooks });
          if (end === 'depose') await old.stop();
        }
      }
      failing = false;
      await eventually(() => shop.sequences.length === Number(last));
      expect(shop.sequences).toEqual(upTo(Number(last)));
      expect(leader.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
    }),
    { numRuns: 6 },
  );
});

test('where jobs can not be made, the place does not move; where it can not move, there are no jobs', async () => {
  const world = await World.open();
  const shop = await receiver();
  const leader = await world.leader({ webhooks: [webhook(shop.url)] });
  const place = () => world.number('SELECT cursor FROM lnmux.webhooks');
  const complaints = () => leader.log.of('Events for a webhook could not be read or queued, trying again');
  await world.database.query('ALTER TABLE pgboss.job_common RENAME TO away');
  await leader.write(line(1));
  await eventually(() => complaints().length === 1);
  expect(await place()).toBe(0);
  await world.database.query('ALTER TABLE pgboss.away RENAME TO job_common');
  await eventually(() => shop.sequences.length === 1);
  expect(await place()).toBe(1);
  // At its end the transaction fails, with the jobs already made in it.
  await world.database.query(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'no'; END $$`);
  await world.database.query(`CREATE CONSTRAINT TRIGGER refuse AFTER UPDATE ON lnmux.webhooks
    INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()`);
  const before = complaints().length;
  await leader.write(line(2));
  await eventually(() => complaints().length > before);
  expect(await world.number('SELECT count(*) FROM pgboss.job')).toBe(1);
  await world.database.query('DROP TRIGGER refuse ON lnmux.webhooks');
  await eventually(() => shop.sequences.length === 2);
  expect(await world.number('SELECT count(*) FROM pgboss.job')).toBe(2);
});

test('a database that answers nothing any more does not hold up the end', async () => {
  const world = await World.open();
  const shop = await receiver();
  const proxy = await FaultyProxy.start(world.database.target);
  onTestFinished(() => proxy.stop());
  const leader = await world.leader({ webhooks: [webhook(shop.url)], target: proxy.target });
  proxy.fault = 'holdAnswer';
  await leader.write(line(1));
  await new Promise((resolve) => setTimeout(resolve, 600));
  const begun = Date.now();
  await leader.stop();
  expect(Date.now() - begun).toBeLessThan(7_000);
  proxy.fault = 'none';
  await world.leader({ webhooks: [webhook(shop.url)] });
  await eventually(() => shop.sequences.length === 1);
});

test('a database that refuses is asked again, and payments are none the wiser', async () => {
  const world = await World.open();
  const shop = await receiver();
  const hasty: Clock = { ...systemClock, setTimeout: (fn, ms) => systemClock.setTimeout(fn, ms / 30) };
  const name = new URL(world.database.dsn).pathname.slice(1);
  await world.database.query(`CREATE ROLE ${name} LOGIN`);
  onTestFinished(async () => {
    await world.database.query(`DROP OWNED BY ${name}; DROP ROLE ${name}`);
  });
  await world.database.query(`GRANT USAGE ON SCHEMA lnmux TO ${name}`);
  await world.database.query(`GRANT ALL ON ALL TABLES IN SCHEMA lnmux TO ${name}`);
  const starting = world.leader({
    webhooks: [webhook(shop.url)],
    target: { ...world.database.target, user: name },
    clock: hasty,
  });
  const refusals = () => world.leaders[0]?.log.of('Webhooks and retention do not start, trying again') ?? [];
  await eventually(() => refusals().length > 1);
  await world.database.query(`GRANT CREATE ON DATABASE ${name} TO ${name}`);
  const leader = await starting;
  await leader.write(line(1));
  await eventually(() => shop.sequences.length === 1);
});
