import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { stays } from './eventually.ts';
import type { Scenario } from './scenario.ts';
import { AMOUNT_MSAT, all, refused, settle, settledInFull, waiting, waitingInTwoParts } from './steps.ts';

/** Long enough for lnmuxd to have seen a block, and to have acted on it. */
const SUSPICION_MS = 600;

const undecided: Scenario = {
  name: 'nobody decides: after the accept timeout the payment goes back',
  timeouts: 'short',
  async run(stage) {
    const { invoice, setId, payment } = await waitingInTwoParts(stage);
    await refused(payment, 'incorrect_or_unknown_payment_details', 1);
    assert.equal(await stage.app.settle(invoice, setId), status.NOT_FOUND);
  },
};

const incomplete: Scenario = {
  name: 'a part is missing: after the hold timeout the others go back with mpp_timeout',
  timeouts: 'short',
  async run(stage) {
    const invoice = await stage.app.invoice(AMOUNT_MSAT);
    const part = [{ through: 'bob', amountMsat: AMOUNT_MSAT / 2n }] as const;
    await refused(stage.cluster.payer.send(invoice.text, part, AMOUNT_MSAT), 'mpp_timeout', 1);
    assert.ok(!stage.app.accepted.some(({ hash }) => hash === invoice.hashHex), 'it was never announced');
  },
};

const atTheDeadline: Scenario = {
  name: 'blocks pass: at the deadline, and not before, an undecided payment goes back',
  async run(stage) {
    const { cluster } = stage;
    const { alice, bob } = cluster.nodes;
    const { deadlineHeight, payment } = await waitingInTwoParts(stage);
    await cluster.mine(deadlineHeight - 1 - (await cluster.height()));
    await stays('both parts are held one block before the deadline', SUSPICION_MS, async () => {
      const held = await Promise.all([alice.pendingHtlcs(), bob.pendingHtlcs()]);
      return held.every((count) => count === 1);
    });
    await cluster.mine(1);
    await refused(payment, 'incorrect_or_unknown_payment_details', 1);
  },
};

const lastBlock: Scenario = {
  name: 'one block before the deadline it can still be settled',
  async run(stage) {
    const { cluster } = stage;
    const paid = await waitingInTwoParts(stage);
    await cluster.mine(paid.deadlineHeight - 1 - (await cluster.height()));
    await settle(stage, paid);
    await settledInFull(stage, paid);
  },
};

const withoutLnmux: Scenario = {
  name: 'lnmux is away until the auto-fail height: the node gives its part back by itself',
  async run(stage) {
    const { cluster } = stage;
    const { deadlineHeight, payment } = await waiting(stage, (text) => cluster.payer.send(text, all('bob')));
    await stage.killLnmuxd();
    // The deadline is the margin (6) before the auto-fail height.
    await cluster.mine(deadlineHeight + 6 - (await cluster.height()));
    await refused(payment, 'temporary_channel_failure', 0);
    await stage.startLnmuxd();
  },
};

export const WAITS: readonly Scenario[] = [undecided, incomplete, atTheDeadline, lastBlock, withoutLnmux];
