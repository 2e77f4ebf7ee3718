import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { decodeInvoice } from '../../src/lightning/bolt11.ts';
import { Cluster, type ClusterNode, eventually } from './cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

const idOf = (node: ClusterNode) => nodeIdFromText(node.child.info.pubkey)!;

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
