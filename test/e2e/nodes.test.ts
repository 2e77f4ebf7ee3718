import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { decodeInvoice } from '../../src/lightning/bolt11.ts';
import { run, start } from '../cli/harness.ts';
import { Cluster, type ClusterNode, eventually } from './cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start(['routingPolicy: { cltvDelta: 40, feeBaseMsat: 1000, feeRatePpm: 2000 }']);
});
afterAll(() => cluster?.stop());

const idOf = (node: ClusterNode) => nodeIdFromText(node.child.info.pubkey)!;

async function cli(...args: string[]) {
  const done = await run('lnmuxcli', ['--rpcserver', await cluster.daemon.address(), ...args]);
  return { ...done, json: done.code === 0 ? JSON.parse(done.stdout) : undefined };
}

/** The nodes that an invoice made now names. */
async function hinted() {
  const { text } = await cluster.app.invoice(10_000n);
  return decodeInvoice(text)
    .hints.flat()
    .map(({ nodeId }) => nodeId);
}

describe('new invoices', () => {
  it('name a node while it is up, and not while it is away', async () => {
    const { alice, bob } = cluster;
    expect(await hinted()).toEqual([idOf(alice), idOf(bob)]);
    const older = await cluster.app.invoice(10_000n);
    await alice.kill();
    await cluster.daemon.line('Node not ready', (line) => line.node === idOf(alice));
    expect(await hinted()).toEqual([idOf(bob)]);
    await alice.start();
    await cluster.ready(alice, 2);
    expect(await hinted()).toEqual([idOf(alice), idOf(bob)]);

    const paying = cluster.payer.pay(older.text, { parts: [{ amountMsat: 10_000n, nodeId: idOf(alice) }] });
    await cluster.app.settle(older, await cluster.app.acceptedSet(older));
    expect(await paying).toMatchObject({ status: 'settled' });
  });

  it('name every node while none is ready: one may be back before the payer comes', async () => {
    const { alice, bob } = cluster;
    const before = cluster.daemon.lines('Node not ready').length;
    await Promise.all([alice.kill(), bob.kill()]);
    await eventually(() => cluster.daemon.lines('Node not ready').length === before + 2);
    expect(await hinted()).toEqual([idOf(alice), idOf(bob)]);
    await Promise.all([alice.start(), bob.start()]);
    await Promise.all([cluster.ready(alice, 3), cluster.ready(bob, 2)]);
  });
});

describe('a drained node', () => {
  const over = (node: ClusterNode) => ({ parts: [{ amountMsat: 10_000n, nodeId: idOf(node) }] });
  const look = async (name: string) =>
    (await cli('nodes')).json.nodes.find((node: { name: string }) => node.name === name);

  it('leaves new invoices, finishes what it holds, and says when it may be stopped', async () => {
    const { alice, bob, app, payer } = cluster;
    expect(await look('alice')).toMatchObject({
      state: 'CONNECTED',
      ready: true,
      alias: 'alice',
      hinted: true,
    });
    const issued = await app.invoice(10_000n);
    const later = await app.invoice(10_000n);
    const paying = payer.pay(issued.text, over(alice));
    const setId = await app.acceptedSet(issued);

    const drained = await cli('drain', 'alice');
    expect(drained.json).toMatchObject({
      draining: true,
      hinted: false,
      held_parts: 1,
      held_msat: '10000',
      may_be_stopped: false,
      stopping: expect.stringMatching(/^1 part held \(10000 msat\), the last one until height \d+/),
    });
    expect(await hinted()).toEqual([idOf(bob)]);

    // Whoever has an older invoice can pay it still, also after lnmuxd was killed.
    await cluster.restartDaemon();
    expect(await hinted()).toEqual([idOf(bob)]);
    const payingLater = cluster.payer.pay(later.text, over(alice));
    expect(await cluster.app.settle(later, await cluster.app.acceptedSet(later))).toBe(0);
    expect(await payingLater).toMatchObject({ status: 'settled' });

    const waiting = start('lnmuxcli', [
      '--rpcserver',
      await cluster.daemon.address(),
      'drain',
      idOf(alice),
      '--wait',
      '--refuse_parts',
    ]);
    await eventually(() => waiting.stderr().includes('1 part held'));
    expect(await cluster.app.settle(issued, setId)).toBe(0);
    expect(await paying).toMatchObject({ status: 'settled' });
    const finished = await waiting.finished;
    expect(finished).toMatchObject({ code: 0, stderr: expect.stringMatching(/^alice: 1 part held .*\n/) });
    expect(JSON.parse(finished.stdout)).toMatchObject({ may_be_stopped: true, refuses_parts: true });
  });

  it('takes no parts any more if told so; and takes them again when it is no longer drained', async () => {
    const { alice, bob, app, payer } = cluster;
    expect((await cli('undrain', 'alice')).json).toMatchObject({ draining: false, hinted: true });
    const issued = await app.invoice(10_000n);
    expect((await cli('drain', 'alice', '--refuse_parts')).json).toMatchObject({ may_be_stopped: true });
    const refused = await payer.pay(issued.text, { ...over(alice), maxRetries: 0 });
    expect(refused.attempts.map(({ failure }) => failure?.message?.code)).toEqual([0x1007]);

    await cli('drain', 'bob');
    expect(await app.invoice(10_000n).catch(({ code, details }) => `${code} ${details}`)).toMatch(
      /^14 every lnd node is being drained/,
    );
    for (const name of ['alice', 'bob']) expect((await cli('undrain', name)).code).toBe(0);
    expect(await hinted()).toEqual([idOf(alice), idOf(bob)]);
    const paying = payer.pay(issued.text, over(alice));
    await app.settle(issued, await app.acceptedSet(issued));
    expect(await paying).toMatchObject({ status: 'settled' });
  });

  it('is named rightly, or not at all', async () => {
    expect(await cli('drain', 'carol')).toMatchObject({
      code: 1,
      stderr: 'lnmuxcli: NOT_FOUND: no such lnd node is configured; there are: alice, bob\n',
    });
  });
});

describe('what a payer pays for the last hop', () => {
  it('is earned by the node of each part: in the list of fees, the metrics and the journal', async () => {
    const { alice, bob, app, payer } = cluster;
    const earned = async () => {
      const { nodes } = (await cli('fees')).json;
      return nodes.map((node: { fee_msat: string }) => Number(node.fee_msat));
    };
    const counted = async () => {
      const { instrumentationAddress } = await cluster.daemon.line('Instrumentation HTTP server starting');
      const text = await (await fetch(`http://${instrumentationAddress}/metrics`)).text();
      return ['alice', 'bob'].map((name) =>
        Number(new RegExp(`^lnmux_node_inbound_fee_msat_total{node="${name}"} (\\d+)$`, 'm').exec(text)?.[1]),
      );
    };
    const [before, countedBefore] = [await earned(), await counted()];
    const issued = await app.invoice(10_000n);
    const parts = [
      { amountMsat: 6_000n, nodeId: idOf(alice) },
      { amountMsat: 4_000n, nodeId: idOf(bob) },
    ];
    const paying = payer.pay(issued.text, { parts });
    await app.settle(issued, await app.acceptedSet(issued));
    expect(await paying).toMatchObject({ status: 'settled' });
    expect(await app.finalStatus(issued)).toBe('SETTLED');

    const { parts: paid } = (await cli('lookupinvoice', issued.hashHex)).json;
    const fees = paid.map(
      (part: { node_name: string; fee_msat: string }) => `${part.node_name} ${part.fee_msat}`,
    );
    expect(fees.sort()).toEqual(['alice 1012', 'bob 1008']);
    const [[a, b], [c = 0, d = 0]] = [before, countedBefore];
    expect(await earned()).toEqual([a + 1_012, b + 1_008]);
    expect(await counted()).toEqual([c + 1_012, d + 1_008]);
    expect((await cli('fees', '--until', '2020-01-01')).json).toMatchObject({ fee_msat: '0' });
    const rows = await cluster.database.query(
      `SELECT event, details->>'feeMsat' AS fee FROM lnmux.events
        WHERE hash = decode($1, 'hex') AND details ? 'feeMsat' ORDER BY event, fee`,
      [issued.hashHex],
    );
    expect(rows.map(({ event, fee }) => `${event} ${fee}`)).toEqual([
      'htlc.settled 1008',
      'htlc.settled 1012',
      'part.added 1008',
      'part.added 1012',
    ]);
  });
});
