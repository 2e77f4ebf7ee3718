import assert from 'node:assert/strict';
import type { NodeName } from './cluster.ts';
import { eventually, pause, stays } from './eventually.ts';
import type { Scenario } from './scenario.ts';
import type { Stage, Waiting } from './stage.ts';
import { all, settle, settledInFull, waiting } from './steps.ts';

/** Long enough for lnd to have sent it on. */
const SUSPICION_MS = 300;

/** A block now and then, as the chain does it: claims need some to be sent and to be confirmed. */
async function mineUntilOver(stage: Stage, end: Promise<unknown>, deadlineHeight: number): Promise<void> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  end.then(over, over);
  await eventually('the claim on chain', stage.limitMs, async () => {
    await pause(stage.cluster.patience.blockMs);
    if (isOver) return true;
    if ((await stage.cluster.height()) < deadlineHeight) await stage.cluster.mine(1);
    return isOver;
  });
}

/** The oldest lnds offer the HTLC of a closed channel only then, and until the next block: lnmuxd has to be there. */
async function restart(stage: Stage, name: NodeName): Promise<void> {
  await stage.cluster.nodes[name].kill();
  await stage.gone(name);
  await stage.cluster.nodes[name].start();
  await stage.ready(name);
}

/** Waits until lnmuxd has answered so many offers of the HTLC, before a block makes the oldest lnds forget it. */
function answered(stage: Stage, { invoice }: Waiting, times: number): Promise<void> {
  return stage.eventually(`lnmuxd to answer ${times} offers`, () => {
    const lines = stage.lnmuxd.lines('Sending settle resolution');
    return lines.filter(({ hash, sent }) => hash === invoice.hashHex && sent === true).length >= times;
  });
}

const heldWhileClosed: Scenario = {
  name: 'a channel is force-closed with a held HTLC: settling takes the money from the chain',
  async run(stage) {
    const { alice } = stage.cluster.nodes;
    const paid = await waiting(stage, (text) => stage.cluster.payer.send(text, all('alice')));
    await alice.forceClose('payer');
    await settle(stage, paid);
    if (stage.cluster.generation.epoch === 'L') {
      await restart(stage, 'alice');
      await answered(stage, paid, 2);
    }
    await mineUntilOver(stage, paid.payment, paid.deadlineHeight);
    await settledInFull(stage, paid);
    await stage.ready('alice');
    await alice.openChannel();
  },
};

/** lnd has the preimage and nobody to give it to, and does not go to the chain with it by itself (lnd #6040). */
const payerVanishes: Scenario = {
  name: 'the payer vanishes before the settlement reaches it: closing the channel takes the money from the chain',
  async run(stage) {
    const { cluster } = stage;
    const { alice } = cluster.nodes;
    const paid = await waiting(stage, (text) => cluster.payer.send(text, all('alice')));
    await cluster.killPayer();
    await settle(stage, paid);
    await stays('alice holds the HTLC', SUSPICION_MS, async () => (await alice.pendingHtlcs()) === 1);
    await alice.forceClose('node');
    await answered(stage, paid, 2);
    const known = stage.app.finalStatus(paid.invoice);
    await mineUntilOver(stage, known, paid.deadlineHeight);
    assert.equal(await known, 'SETTLED', 'WaitForInvoiceFinalStatus');
    await cluster.startPayer();
    await mineUntilOver(stage, paid.payment, paid.deadlineHeight);
    await settledInFull(stage, paid);
  },
};

const usableAgain: Scenario = {
  name: 'after a force close a new channel serves as the old one did',
  async run(stage) {
    const paid = await waiting(stage, (text) => stage.cluster.payer.pay(text, { through: 'alice' }));
    await settle(stage, paid);
    await settledInFull(stage, paid);
  },
};

export const ON_CHAIN: readonly Scenario[] = [heldWhileClosed, usableAgain, payerVanishes];
