import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readMigrations } from '../../src/adapters/postgres/migrationFiles.ts';
import type { Attempt, PaymentResult } from '../../src/simulator/payer/payment.ts';
import { run } from '../cli/harness.ts';
import { insertAsGo, migrateAsGo } from '../support/goDatabase.ts';
import { type GoInvoice, issueAsGo } from '../support/goInvoice.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { App, type Issued } from './application.ts';
import { Cluster, eventually } from './cluster.ts';
import { Daemon, E2E_IDENTITY_KEY, writeConfig } from './daemon.ts';

const LATEST = (await readMigrations()).length;

/** The cluster under the Go program, whose part another lnmuxd plays; then what that program left behind. */
let cluster: Cluster;
let database: TestDatabase;
let config: string;
let daemon: Daemon;
let app: App;
let paying: Promise<PaymentResult>;

interface Known extends Issued {
  readonly preimage: Buffer;
}

let held: Known;
let settled: Known;
let failed: Known;
let unpaid: Known;

function issue(amountMsat: bigint): Known {
  const made: GoInvoice = issueAsGo({
    identityKey: Buffer.from(E2E_IDENTITY_KEY, 'hex'),
    nodes: [cluster.alice, cluster.bob].map(({ child }) => child.info.pubkey),
    amountMsat,
    timestamp: Math.floor(Date.now() / 1000),
    expirySecs: 3_600,
  });
  return { ...made, hashHex: made.hash.toString('hex'), preimageHex: made.preimage.toString('hex') };
}

/** The row that the Go program had written when settlement was requested. */
function rowOf(
  invoice: Known,
  parts: readonly Pick<Attempt, 'nodeId' | 'chanId' | 'htlcId' | 'amountMsat'>[],
) {
  return {
    hash: invoice.hash,
    preimage: invoice.preimage,
    amountMsat: parts.reduce((sum, { amountMsat }) => sum + amountMsat, 0n),
    status: 'SETTLE_REQUESTED' as const,
    parts: parts.map(({ nodeId, chanId, htlcId, amountMsat }) => ({
      node: Buffer.from(nodeId, 'hex'),
      chanId,
      htlcId: htlcId!,
      amountMsat,
      status: 'SETTLE_REQUESTED' as const,
    })),
  };
}

async function heldParts() {
  const parts = [];
  for (const { child, control } of [cluster.alice, cluster.bob]) {
    for (const { chanId, htlcId, paymentHash } of await control.listHtlcs()) {
      if (!held.hash.equals(Buffer.from(paymentHash))) continue;
      parts.push({ nodeId: child.info.pubkey as Attempt['nodeId'], chanId, htlcId, amountMsat: 5_000n });
    }
  }
  return parts;
}

beforeAll(async () => {
  cluster = await Cluster.start();
  const { app: before, payer } = cluster;
  [held, settled, failed, unpaid] = [10_000n, 20_000n, 30_000n, 40_000n].map(issue) as [
    Known,
    Known,
    Known,
    Known,
  ];
  const toSettle = payer.pay(settled.text, { maxRetries: 0 });
  expect(await before.settle(settled, await before.acceptedSet(settled))).toBe(0);
  const toFail = payer.pay(failed.text, { maxRetries: 0 });
  expect(await before.cancel(failed, await before.acceptedSet(failed))).toBe(0);
  const outcomes = [await toSettle, await toFail];
  expect(outcomes.map(({ status }) => status)).toEqual(['settled', 'failed']);
  paying = payer.pay(held.text, { splits: 2, maxRetries: 0 });
  await before.acceptedSet(held);
  await cluster.daemon.kill();

  database = await createTestDatabase({ empty: true });
  await migrateAsGo(database, 4, 'public');
  const parts = await heldParts();
  expect(parts).toHaveLength(2);
  await insertAsGo(database, 4, [
    rowOf(held, parts),
    rowOf(settled, outcomes[0]!.attempts),
    rowOf(failed, outcomes[1]!.attempts),
  ]);
  const folder = join(cluster.dir, 'taken-over');
  mkdirSync(folder);
  config = writeConfig(folder, {
    nodes: [cluster.alice.config, cluster.bob.config],
    dsn: database.dsn,
    more: ['distributedLock: {}', 'routingPolicy: {cltvDelta: 40}'],
  });
});

afterAll(async () => {
  app?.close();
  await daemon?.kill();
  await cluster?.stop();
  await database?.drop();
});

const lnmuxd = (...args: readonly string[]) => run('lnmuxd', ['-c', config, ...args]);

describe('the database and the pending settlements of the Go program', () => {
  it('are refused by run, with the command that mends it, and taken over by that command', async () => {
    const refused = await new Daemon(['-c', config, 'run']).exited;
    expect(refused.code).toBe(1);
    expect((await lnmuxd('migrate', 'version')).stdout).toBe('version is 4\n');
    expect(await lnmuxd('migrate', 'up')).toMatchObject({
      code: 0,
      stdout: `migrated from version 4 to ${LATEST}\n`,
      stderr: '',
    });
  });

  it('are carried on: parts that are offered again settle, final ones are looked up', async () => {
    daemon = new Daemon(['-c', config, 'run']);
    app = new App(await daemon.address());
    await app.subscribe();
    expect(await paying).toMatchObject({ status: 'settled', preimage: held.preimageHex, paidMsat: 10_000n });
    expect(await app.finalStatus(held)).toBe('SETTLED');
    expect(await app.finalStatus(settled)).toBe('SETTLED');
    expect(await app.finalStatus(failed)).toBe('FAILED');
    const rows = await database.query(
      `SELECT encode(i.hash, 'hex') AS hash, i.status, array_agg(DISTINCT h.status::text) AS parts
        FROM lnmux.invoices i JOIN lnmux.htlcs h USING (hash) GROUP BY i.hash ORDER BY i.sequence_num`,
    );
    expect(rows).toEqual([
      { hash: held.hashHex, status: 'SETTLED', parts: ['SETTLED'] },
      { hash: settled.hashHex, status: 'SETTLED', parts: ['SETTLED'] },
      { hash: failed.hashHex, status: 'FAILED', parts: ['FAILED'] },
    ]);
  });

  it('and so are its invoices that nobody has paid yet', async () => {
    const now = cluster.payer.pay(unpaid.text, { splits: 2 });
    expect(await app.settle(unpaid, await app.acceptedSet(unpaid))).toBe(0);
    expect(await now).toMatchObject({ status: 'settled', preimage: unpaid.preimageHex });
    expect(await app.finalStatus(unpaid)).toBe('SETTLED');
  });
});

describe('the log', () => {
  it('has the words and the field names that an operator greps for', async () => {
    await eventually(() => daemon.lines('Invoice settled').length >= 3);
    expect(await daemon.stop()).toEqual({ code: 0, signal: null });
    const node = expect.stringMatching(/^0[23][0-9a-f]{64}$/);
    const circuitKey = expect.stringMatching(/^\d+:\d+$/);
    const { hashHex: hash } = unpaid;
    const EXPECTED: readonly (readonly [string, string, Record<string, unknown>])[] = [
      ['info', 'Press ctrl-c to exit', {}],
      ['info', 'Instrumentation HTTP server starting', { instrumentationAddress: expect.any(String) }],
      ['info', 'Not using leader election', {}],
      ['info', 'Acquiring lock', {}],
      ['info', 'Lock acquired', {}],
      ['info', 'New leader elected', { leaderId: expect.any(String) }],
      ['info', 'Mux starting', { key: expect.stringMatching(/^0[23]/), network: 'regtest' }],
      ['info', 'Routing policy', { cltvDelta: 40, feeBaseMsat: 0, feeRatePpm: 0 }],
      ['info', 'InvoiceRegistry starting', {}],
      ['info', 'Grpc server starting', { listenAddress: expect.any(String) }],
      ['info', 'Starting htlc interception', { node }],
      ['info', 'Initial block height', { node, height: expect.any(Number) }],
      ['debug', 'Htlc received', { node, hash, circuitKey }],
      ['debug', 'Stateless invoice payment received', { hash, amtMsat: '40000', expiry: expect.any(Number) }],
      ['debug', 'Set complete', { hash, setID: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      ['debug', 'Stateless invoice JIT insertion', { hash }],
      ['debug', 'Sending settle resolution', { node, hash, circuitKey, outcome: 'settled' }],
      [
        'debug',
        'Htlc final resolution received',
        { hash, chanID: expect.any(String), htlcID: expect.any(String), settled: true },
      ],
      ['debug', 'Invoice settled', { hash, waiters: expect.any(Number) }],
      ['info', 'Failed invoice', { hash: failed.hashHex, outcome: 'parts_failed' }],
      ['info', 'user requested termination', {}],
      ['info', 'InvoiceRegistry shutting down', {}],
      ['info', 'Lock released', {}],
    ];
    for (const [level, msg, fields] of EXPECTED) {
      const lines = daemon.lines(msg);
      expect(lines, msg).toContainEqual(expect.objectContaining({ level, msg, ...fields }));
      for (const line of lines) expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    }
    const refusals = cluster.daemon.lines('Sending failed resolution');
    expect(refusals).toContainEqual(
      expect.objectContaining({
        level: 'debug',
        node,
        circuitKey,
        hash: failed.hashHex,
        outcome: 'canceled',
      }),
    );
  });
});
