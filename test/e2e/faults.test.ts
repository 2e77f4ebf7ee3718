import { status } from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { Cluster, type ClusterNode, eventually } from './cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start();
});
afterAll(() => cluster?.stop());

const idOf = (node: ClusterNode) => nodeIdFromText(node.child.info.pubkey)!;
/** Both halves of a payment, one over each node. */
const halves = () => ({
  parts: [
    { amountMsat: 6_000n, nodeId: idOf(cluster.alice) },
    { amountMsat: 4_000n, nodeId: idOf(cluster.bob) },
  ],
});
const over = (node: ClusterNode) => ({ parts: [{ amountMsat: 10_000n, nodeId: idOf(node) }] });

const interceptorOf = async (node: ClusterNode) => (await node.control.getState()).interceptorConnected;

/** Takes a node's interceptor away and lets nothing come back until `back` is called. */
async function cutOff(node: ClusterNode): Promise<() => Promise<void>> {
  await node.control.setFault({ starting: true });
  await node.control.disconnect(true);
  return async () => {
    await node.control.setFault({ starting: false });
    await eventually(() => interceptorOf(node));
  };
}

describe('lnmuxd is killed', () => {
  it('between accepted and settled: the parts come again, the set has the same id and settles', async () => {
    const issued = await cluster.app.invoice(10_000n);
    const paying = cluster.payer.pay(issued.text, halves());
    const before = await cluster.app.acceptedSet(issued);
    await cluster.restartDaemon();
    const setId = await cluster.app.acceptedSet(issued);
    expect(setId).toEqual(before);
    expect(await cluster.app.settle(issued, setId)).toBe(status.OK);
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 10_000n });
    expect(await cluster.app.finalStatus(issued)).toBe('SETTLED');
  });

  it('after the settlement was confirmed: every part is settled by the next one', async () => {
    const { alice, bob } = cluster;
    const issued = await cluster.app.invoice(10_000n);
    const paying = cluster.payer.pay(issued.text, halves());
    const setId = await cluster.app.acceptedSet(issued);
    // The nodes take no answer in: whatever was sent is lost with the streams.
    for (const { control } of [alice, bob]) await control.setFault({ manualSign: true });
    expect(await cluster.app.settle(issued, setId)).toBe(status.OK);
    await cluster.daemon.kill();
    for (const { control } of [alice, bob]) {
      await control.restart();
      await control.setFault({ manualSign: false });
    }
    await cluster.restartDaemon();
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 10_000n });
    expect(await cluster.app.finalStatus(issued)).toBe('SETTLED');
    expect(await cluster.app.settle(issued, setId)).toBe(status.OK);
    expect(await cluster.app.cancel(issued, setId)).toBe(status.FAILED_PRECONDITION);
  });

  it('after a cancellation: the payer hears the failure, and the set stays dead', async () => {
    const { alice } = cluster;
    const issued = await cluster.app.invoice(10_000n);
    const paying = cluster.payer.pay(issued.text, { ...over(alice), maxRetries: 0 });
    const setId = await cluster.app.acceptedSet(issued);
    await alice.control.setFault({ manualSign: true });
    expect(await cluster.app.cancel(issued, setId)).toBe(status.OK);
    await cluster.daemon.kill();
    await alice.control.restart();
    await alice.control.setFault({ manualSign: false });
    await cluster.restartDaemon();
    const { attempts } = await paying;
    expect(attempts.map(({ failure }) => failure?.message?.code)).toEqual([0x400f]);
    expect(await cluster.app.settle(issued, setId)).toBe(status.NOT_FOUND);
    expect(cluster.app.accepted.map(({ hash }) => hash)).not.toContain(issued.hashHex);
  });
});

describe('a node goes away', () => {
  it('an invoice issued before is paid over the other one', async () => {
    const { alice, app, payer, daemon } = cluster;
    const issued = await app.invoice(10_000n);
    await alice.kill();
    const paying = payer.pay(issued.text);
    expect(await app.settle(issued, await app.acceptedSet(issued))).toBe(status.OK);
    const result = await paying;
    expect(result).toMatchObject({ status: 'settled', paidMsat: 10_000n });
    expect(result.attempts.at(-1)?.nodeId).toBe(idOf(cluster.bob));
    const readyBefore = daemon.lines('Node ready').filter(({ node }) => node === idOf(alice)).length;
    await alice.start();
    await cluster.ready(alice, readyBefore + 1);
  });

  it('settling meanwhile is durable at once, and pays out as a whole when it is back', async () => {
    const { alice, bob, app, payer, database } = cluster;
    const issued = await app.invoice(10_000n);
    const paying = payer.pay(issued.text, halves());
    const setId = await app.acceptedSet(issued);
    const back = await cutOff(alice);
    await eventually(() => cluster.daemon.lines('Node not ready').some(({ node }) => node === idOf(alice)));
    const before = (await bob.control.getState()).counters?.settled;
    expect(await app.settle(issued, setId)).toBe(status.OK);
    expect(await app.cancel(issued, setId)).toBe(status.FAILED_PRECONDITION);
    const [row] = await database.query(
      'SELECT status::text, released_at FROM lnmux.invoices WHERE hash = $1',
      [issued.hash],
    );
    expect(row).toEqual({ status: 'SETTLE_REQUESTED', released_at: null });
    expect((await bob.control.getState()).counters?.settled).toBe(before);
    await back();
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 10_000n });
    expect(await app.finalStatus(issued)).toBe('SETTLED');
    await eventually(async () => (await cluster.events(issued.hashHex)).length === 6);
    const events = await cluster.events(issued.hashHex);
    expect(events.indexOf('settle.requested requested')).toBeLessThan(
      events.indexOf('barrier.held released'),
    );
  });

  it('and is restarted with a held HTLC: it is offered again, once in the set, and settles', async () => {
    const { alice, app, payer } = cluster;
    const issued = await app.invoice(10_000n);
    const paying = payer.pay(issued.text, halves());
    const setId = await app.acceptedSet(issued);
    await alice.kill();
    await alice.start();
    expect(await app.settle(issued, setId)).toBe(status.OK);
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: 10_000n });
    expect(app.accepted.filter(({ hash }) => hash === issued.hashHex)).toHaveLength(1);
  });

  it('for too long: a requested set is given up at the margin, and nobody has paid a part of it', async () => {
    const { alice, bob, app, payer } = cluster;
    const issued = await app.invoice(10_000n);
    const paying = payer.pay(issued.text, { ...halves(), maxRetries: 0 });
    const setId = await app.acceptedSet(issued);
    const back = await cutOff(alice);
    await eventually(() => cluster.daemon.lines('Node not ready').some(({ node }) => node === idOf(alice)));
    expect(await app.settle(issued, setId)).toBe(status.OK);
    const [held] = await bob.control.listHtlcs();
    const { height } = await bob.control.getState();
    await bob.control.mine(held!.autoFailHeight - 6 - height);
    expect(await app.finalStatus(issued)).toBe('FAILED');
    await back();
    expect(await paying).toMatchObject({ status: 'failed', paidMsat: 0n });
    expect(await app.settle(issued, setId)).toBe(status.FAILED_PRECONDITION);
    await alice.control.mine(held!.autoFailHeight - 6 - height);
  });
});

describe('a channel is force-closed', () => {
  it('with a released HTLC: the money comes from the chain', async () => {
    const { alice, app, payer, bob } = cluster;
    // More than dust: that is nobody's on the chain.
    const AMOUNT = 1_000_000n;
    const issued = await app.invoice(AMOUNT);
    const paying = payer.pay(issued.text, { parts: [{ amountMsat: AMOUNT, nodeId: idOf(alice) }] });
    const setId = await app.acceptedSet(issued);
    const [htlc] = await alice.control.listHtlcs();
    await alice.control.setFault({ manualSign: true });
    expect(await app.settle(issued, setId)).toBe(status.OK);
    await alice.control.forceClose(htlc!.chanId);
    await alice.control.setFault({ manualSign: false });
    // The claim needs a block after our answer to the offer from the chain.
    let done = false;
    void paying.then(() => {
      done = true;
    });
    await eventually(async () => {
      for (const { control } of [alice, bob]) await control.mine();
      await new Promise((resolve) => setTimeout(resolve, 100));
      return done;
    });
    expect(await paying).toMatchObject({ status: 'settled', paidMsat: AMOUNT });
    expect(await app.finalStatus(issued)).toBe('SETTLED');
    expect(await interceptorOf(alice)).toBe(true);
  });
});

describe('at the end of all this', () => {
  it('nothing is held, nobody was paid twice, and no stream was ended for an answer', async () => {
    const { alice, bob, database } = cluster;
    for (const { control } of [alice, bob]) {
      const state = await control.getState();
      expect(state).toMatchObject({ held: 0, pending: 0 });
      expect(state.counters?.answerFaults).toBe(0n);
    }
    await eventually(async () => {
      const [row] = await database.query('SELECT count(*)::int AS n FROM lnmux.failed_htlcs');
      return row?.n === 0;
    });
    const partial = await database.query(
      `SELECT 1 FROM lnmux.invoices WHERE cause = 'partially_settled' OR status = 'SETTLE_REQUESTED'`,
    );
    expect(partial).toEqual([]);
  });
});
