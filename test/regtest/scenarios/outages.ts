import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { stays } from './eventually.ts';
import type { Scenario } from './scenario.ts';
import type { Stage, Waiting } from './stage.ts';
import {
  AMOUNT_MSAT,
  bookedInFull,
  refused,
  settle,
  settledInFull,
  settledThrough,
  waitingInTwoParts,
} from './steps.ts';

/** Long enough for a preimage that was sent too early to arrive. */
const SUSPICION_MS = 300;

const failOver: Scenario = {
  name: 'alice is down: an invoice that the payer had before is paid through bob',
  async run(stage) {
    const { alice } = stage.cluster.nodes;
    const invoice = await stage.app.invoice(AMOUNT_MSAT);
    await alice.kill();
    await stage.gone('alice');
    await alice.missedByPayer();
    const payment = stage.cluster.payer.pay(invoice.text);
    const setId = await stage.app.acceptedSet(invoice);
    assert.equal(await stage.app.settle(invoice, setId), status.OK);
    const result = await settledInFull(stage, { invoice, payment });
    assert.deepEqual(settledThrough(result), ['bob']);
    await alice.start();
    await stage.ready('alice');
  },
};

const nodeDies: Scenario = {
  name: 'a node dies between accept and settle: the settlement waits for it, then all is paid',
  async run(stage) {
    const { alice, bob } = stage.cluster.nodes;
    await bookedInFull(stage, async () => {
      const paid = await waitingInTwoParts(stage);
      await alice.kill();
      await stage.gone('alice');
      await settle(stage, paid);
      await stays(
        'bob keeps his part while alice is away',
        SUSPICION_MS,
        async () => (await bob.pendingHtlcs()) === 1,
      );
      assert.equal(await stage.app.cancel(paid.invoice, paid.setId), status.FAILED_PRECONDITION);
      await alice.start();
      return settledInFull(stage, paid);
    });
  },
};

const requestSurvives: Scenario = {
  name: 'a settlement that waits for a node survives kill -9 of lnmuxd and its database',
  async run(stage) {
    const { alice } = stage.cluster.nodes;
    const paid = await waitingInTwoParts(stage);
    await alice.kill();
    await stage.gone('alice');
    await settle(stage, paid);
    await stage.killLnmuxd();
    await stage.startLnmuxd(['bob']);
    await alice.start();
    await settledInFull(stage, paid);
  },
};

const givenUp: Scenario = {
  name: 'a settlement that waits for a node too long is given up as a whole',
  async run(stage) {
    const { cluster } = stage;
    const { alice } = cluster.nodes;
    const before = await stage.receivedMsat();
    const paid = await waitingInTwoParts(stage);
    await alice.kill();
    await stage.gone('alice');
    await settle(stage, paid);
    await cluster.mine(paid.deadlineHeight - (await cluster.height()));
    await stage.holding({ bob: 0 });
    await alice.start();
    await refused(paid.payment, 'incorrect_or_unknown_payment_details', 1);
    assert.equal(await stage.app.finalStatus(paid.invoice), 'FAILED');
    assert.equal(await stage.receivedMsat(), before, 'nobody has paid a part of it');
  },
};

/** lnmuxd announces it anew, by the same name: a decision that is under way must find it. */
async function announcedAgain(stage: Stage, { invoice, setId }: Waiting): Promise<void> {
  const again = await stage.app.acceptedSet(invoice);
  assert.equal(again.toString('hex'), setId.toString('hex'), 'the set has the same name as before');
}

const lnmuxdDies: Scenario = {
  name: 'lnmuxd dies between accept and settle: the same set is announced again, and settles',
  async run(stage) {
    const paid = await waitingInTwoParts(stage);
    await stage.killLnmuxd();
    await stage.startLnmuxd();
    await announcedAgain(stage, paid);
    await settle(stage, paid);
    await settledInFull(stage, paid);
  },
};

const everythingDies: Scenario = {
  name: 'everything dies between accept and settle and comes back: the payment settles',
  async run(stage) {
    await bookedInFull(stage, async () => {
      const paid = await waitingInTwoParts(stage);
      await Promise.all([stage.killLnmuxd(), stage.cluster.killAll()]);
      await stage.cluster.startAll();
      await stage.startLnmuxd();
      await announcedAgain(stage, paid);
      await settle(stage, paid);
      return settledInFull(stage, paid);
    });
  },
};

const diesAfterSettle: Scenario = {
  name: 'everything dies right after the settlement was confirmed: it is kept',
  async run(stage) {
    const paid = await waitingInTwoParts(stage);
    await settle(stage, paid);
    await Promise.all([stage.killLnmuxd(), stage.cluster.killAll()]);
    await stage.cluster.startAll();
    await stage.startLnmuxd();
    await settledInFull(stage, paid);
  },
};

/** Those that restart lnmuxd come between those that do not: it asks a node that was lost often less often. */
export const OUTAGES: readonly Scenario[] = [
  nodeDies,
  requestSurvives,
  givenUp,
  lnmuxdDies,
  failOver,
  everythingDies,
  diesAfterSettle,
];
