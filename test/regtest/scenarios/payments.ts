import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { NODE_NAMES } from './cluster.ts';
import type { Scenario } from './scenario.ts';
import {
  AMOUNT_MSAT,
  bookedInFull,
  cancel,
  refused,
  settle,
  settledInFull,
  settledThrough,
  waiting,
  waitingInTwoParts,
} from './steps.ts';

const INCORRECT = 'incorrect_or_unknown_payment_details';

const single: readonly Scenario[] = NODE_NAMES.map((through) => ({
  name: `a wallet pays in one part through ${through}; the money is where it says`,
  async run(stage) {
    await bookedInFull(stage, async () => {
      const paid = await waiting(stage, (text) => stage.cluster.payer.pay(text, { through }));
      await stage.holding({ [through]: 1 });
      await settle(stage, paid);
      const payment = await settledInFull(stage, paid);
      assert.deepEqual(settledThrough(payment), [through]);
      return payment;
    });
  },
}));

const split: Scenario = {
  name: 'a wallet that has to splits over both nodes; all parts settle',
  async run(stage) {
    await bookedInFull(stage, async () => {
      const amountMsat = await stage.cluster.payer.amountForBoth();
      const paid = await waiting(stage, (text) => stage.cluster.payer.pay(text), amountMsat);
      await settle(stage, paid);
      const payment = await settledInFull(stage, paid, amountMsat);
      assert.deepEqual(settledThrough(payment), [...NODE_NAMES], 'parts went through both nodes');
      return payment;
    });
  },
};

const repeated: Scenario = {
  name: 'calls after the settlement are answered from the decision, and the invoice is listed',
  async run(stage) {
    const { app } = stage;
    const paid = await waitingInTwoParts(stage);
    await settle(stage, paid);
    await settledInFull(stage, paid);
    const { invoice, setId } = paid;
    assert.equal(await app.settle(invoice, setId), status.OK);
    assert.equal(await app.cancel(invoice, setId), status.FAILED_PRECONDITION);
    const { invoice: listed } = await app.call(app.client.listInvoices, {
      maxInvoicesCount: 1_000n,
      sequenceStart: 0n,
    });
    const found = listed.filter(({ hash }) => Buffer.from(hash).equals(invoice.hash));
    assert.deepEqual(
      found.map(({ amountMsat, status: how }) => ({ amountMsat, how })),
      [{ amountMsat: AMOUNT_MSAT, how: 3 }],
    );
  },
};

const cancelled: Scenario = {
  name: 'a cancelled payment goes back to its payer, who can pay the invoice again',
  async run(stage) {
    const paid = await waitingInTwoParts(stage);
    const { invoice } = paid;
    await cancel(stage, paid);
    await refused(paid.payment, INCORRECT, 1);
    assert.equal(await stage.app.settle(invoice, paid.setId), status.NOT_FOUND);

    const again = stage.cluster.payer.pay(invoice.text);
    const setId = await stage.app.acceptedSet(invoice, 2);
    assert.equal(await stage.app.settle(invoice, setId), status.OK);
    await settledInFull(stage, { invoice, payment: again });
  },
};

const refusedByPayee: Scenario = {
  name: 'a wallet whose payment is cancelled gives up by itself',
  async run(stage) {
    const paid = await waiting(stage, (text) => stage.cluster.payer.pay(text));
    await cancel(stage, paid);
    await refused(paid.payment, INCORRECT, 1);
  },
};

const tooLittle: Scenario = {
  name: 'a payment for less than the invoice asks is refused at once',
  async run(stage) {
    const invoice = await stage.app.invoice(AMOUNT_MSAT);
    const parts = [{ through: 'alice', amountMsat: AMOUNT_MSAT / 2n }] as const;
    await refused(stage.cluster.payer.send(invoice.text, parts), INCORRECT, 1);
  },
};

export const PAYMENTS: readonly Scenario[] = [
  ...single,
  split,
  repeated,
  cancelled,
  refusedByPayee,
  tooLittle,
];
