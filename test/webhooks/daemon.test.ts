import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ClusterNode } from '../e2e/cluster.ts';
import { Daemon, killDaemons, writeConfig } from '../e2e/daemon.ts';
import { authority, certificate } from '../grpc/accessFixture.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { eventually, SECRET } from './harness.ts';
import { Receiver } from './receiver.ts';

const dir = mkdtempSync(join(tmpdir(), 'lnmux-webhooks-'));
const alice = new ClusterNode('alice', dir, 1);
const shop = new Receiver();
let database: TestDatabase;

beforeAll(async () => {
  [database] = await Promise.all([createTestDatabase(), alice.start(), shop.open()]);
});

afterAll(async () => {
  killDaemons();
  await alice.close();
  await shop.close();
  await database?.drop();
  rmSync(dir, { recursive: true, force: true });
});

const connections = async () => {
  const [row] = await database.query(
    `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name = 'lnmux jobs'
      AND datname = current_database()`,
  );
  return Number(row?.count);
};

/** Something that webhooks are told of. */
async function happen(): Promise<void> {
  await database.query(`INSERT INTO lnmux.events (seq, at, epoch, hash, machine, from_state, event, to_state)
    SELECT last + 1, now(), 1, sha256('a'), 'htlcSet', 'collecting', 'set.failed', 'failed' FROM lnmux.event_counter`);
  await database.query('UPDATE lnmux.event_counter SET last = last + 1');
}

const hasJobs = async () => {
  const [row] = await database.query(`SELECT to_regnamespace('pgboss') IS NOT NULL AS present`);
  return row?.present === true;
};

it('only a leader with something to do has jobs; it ends in order, and a standby goes on', async () => {
  const plain = new Daemon(['-c', writeConfig(dir, { nodes: [alice.config], dsn: database.dsn }), 'run']);
  await plain.line('Node ready');
  expect(await plain.stop()).toEqual({ code: 0, signal: null });
  expect(await hasJobs()).toBe(false);

  writeFileSync(join(dir, 'webhook.key'), SECRET, { mode: 0o600 });
  const more = [
    `webhooks: [{url: ${JSON.stringify(shop.url)}, name: shop, secretFile: webhook.key}]`,
    'retention: {events: 24h}',
  ];
  const config = writeConfig(dir, { nodes: [alice.config], dsn: database.dsn, more });
  const leader = new Daemon(['-c', config, 'run']);
  await leader.line('Webhooks and retention');
  const standby = new Daemon(['-c', config, 'run']);
  await standby.line('Acquiring lock');
  await happen();
  await eventually(() => shop.taken.length === 1);
  expect(await connections()).toBeLessThanOrEqual(2);
  expect(standby.lines('Webhooks and retention')).toEqual([]);

  expect(await leader.stop()).toEqual({ code: 0, signal: null });
  await standby.line('Webhooks and retention');
  await eventually(async () => (await connections()) > 0);
  expect(await standby.stop()).toEqual({ code: 0, signal: null });
  expect(shop.taken).toHaveLength(1);
  expect(leader.output + standby.output).not.toContain(SECRET);
  expect(leader.output + standby.output).not.toContain(shop.url);
});

it('goes over https to whom an authority of the operator has certified, and to nobody else', async () => {
  const [ours, theirs] = [authority('of the operator'), authority('of somebody else')];
  const [known, stranger] = [ours, theirs].map(
    (issuer) => new Receiver(undefined, certificate('server', { commonName: '127.0.0.1' }, issuer)),
  );
  await Promise.all([known!.open(), stranger!.open()]);
  writeFileSync(join(dir, 'authority.crt'), ours.cert);
  writeFileSync(join(dir, 'webhook.key'), SECRET, { mode: 0o600 });
  const webhook = (name: string, { url }: Receiver) =>
    `{url: ${JSON.stringify(url)}, name: ${name}, secretFile: webhook.key}`;
  const more = [`webhooks: [${webhook('known', known!)}, ${webhook('stranger', stranger!)}]`];
  const config = writeConfig(dir, { nodes: [alice.config], dsn: database.dsn, more });
  const daemon = new Daemon(['-c', config, 'run'], { NODE_EXTRA_CA_CERTS: join(dir, 'authority.crt') });
  try {
    await daemon.line('Webhooks and retention');
    await happen();
    await eventually(() => known!.taken.length === 1);
    const refused = await daemon.line('Webhook not delivered, trying again');
    expect(refused).toMatchObject({ webhook: 'stranger', error: expect.stringMatching(/^[A-Z_]+$/) });
    expect(stranger!.all).toEqual([]);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
  } finally {
    await Promise.all([known!.close(), stranger!.close()]);
  }
});
