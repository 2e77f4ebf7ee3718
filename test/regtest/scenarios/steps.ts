import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { status } from '@grpc/grpc-js';
import type { Issued } from '../../e2e/application.ts';
import { NODE_NAMES, type NodeName, type Payment } from './cluster.ts';
import { HINT, type Stage, type Waiting } from './stage.ts';

/** Large enough for the chain, small against a channel. */
export const AMOUNT_MSAT = 50_000_000n;

/** The amount in two parts, the larger one through alice. */
export const TWO_PARTS = [
  { through: 'alice', amountMsat: 30_000_000n },
  { through: 'bob', amountMsat: 20_000_000n },
] as const;

export const all = (through: NodeName) => [{ through, amountMsat: AMOUNT_MSAT }];

/** Issues an invoice, has it paid by `pay`, and waits until lnmux announces the payment. */
export async function waiting(
  stage: Stage,
  pay: (invoice: string) => Promise<Payment>,
  amountMsat = AMOUNT_MSAT,
): Promise<Waiting> {
  const invoice = await stage.app.invoice(amountMsat);
  const payment = pay(invoice.text);
  // Whoever waits for the payment hears of its failure; until then a failure of the scenario is what matters.
  payment.catch(() => {});
  const ended = payment.then((result) => {
    throw new Error(`the payment ended before it was announced: ${describe(result)}`);
  });
  ended.catch(() => {});
  const { setId, deadlineHeight } = await Promise.race([stage.app.acceptedOf(invoice), ended]);
  return { invoice, setId, deadlineHeight, payment };
}

/** The payment in two given parts, one through each node, announced. */
export const waitingInTwoParts = (stage: Stage) =>
  waiting(stage, (text) => stage.cluster.payer.send(text, TWO_PARTS));

export async function settle(stage: Stage, { invoice, setId }: Waiting): Promise<void> {
  assert.equal(await stage.app.settle(invoice, setId), status.OK, 'SettleInvoice');
}

export async function cancel(stage: Stage, { invoice, setId }: Waiting): Promise<void> {
  assert.equal(await stage.app.cancel(invoice, setId), status.OK, 'CancelInvoice');
}

/** Waits for the end at the payer and at lnmux; both have to say that all of the money went over. */
export async function settledInFull(
  stage: Stage,
  { invoice, payment }: Pick<Waiting, 'invoice' | 'payment'>,
  amountMsat = AMOUNT_MSAT,
): Promise<Payment> {
  const result = await payment;
  assert.equal(result.status, 'settled', describe(result));
  const settled = result.parts.filter((part) => part.status === 'settled');
  const sum = settled.reduce((total, part) => total + part.amountMsat, 0n);
  assert.equal(sum, amountMsat, `what arrived: ${describe(result)}`);
  for (const part of settled) {
    const fee = HINT.feeBaseMsat + (part.amountMsat * HINT.feeRatePpm) / 1_000_000n;
    assert.equal(part.feeMsat, fee, `the fee that the hint asks: ${describe(result)}`);
  }
  assertPreimage(invoice, result.preimage);
  assert.equal(await stage.app.finalStatus(invoice), 'SETTLED', 'WaitForInvoiceFinalStatus');
  return result;
}

function assertPreimage({ hashHex }: Issued, preimage: string | undefined): void {
  const hash = createHash('sha256')
    .update(Buffer.from(preimage ?? '', 'hex'))
    .digest('hex');
  assert.equal(hash, hashHex, 'the payer has the preimage');
}

/** Waits for the end at the payer: nothing was taken, and every part failed for this reason, at this hop. */
export async function refused(payment: Promise<Payment>, name: string, hop: number): Promise<void> {
  const result = await payment;
  assert.equal(result.status, 'failed', describe(result));
  assert.ok(result.parts.length > 0, 'at least one HTLC was sent');
  for (const { failure } of result.parts) {
    assert.deepEqual(failure, { name, hop }, describe(result));
  }
}

/** What both nodes together took in while `run` ran is what the payment and its fees say. */
export async function bookedInFull(stage: Stage, run: () => Promise<Payment>): Promise<void> {
  const before = await stage.receivedMsat();
  const { parts } = await run();
  const paid = parts
    .filter((part) => part.status === 'settled')
    .reduce((sum, part) => sum + part.amountMsat + part.feeMsat, 0n);
  await stage.eventually(
    `the nodes' balances to have grown by ${paid} msat`,
    async () => (await stage.receivedMsat()) - before === paid,
  );
}

export function settledThrough({ parts }: Payment): NodeName[] {
  return NODE_NAMES.filter((name) =>
    parts.some(({ through, status: how }) => through === name && how === 'settled'),
  );
}

export function describe({ status: how, parts }: Payment): string {
  const lines = parts.map(({ through, amountMsat, feeMsat, status: end, failure }) => {
    const why = failure ? ` (${failure.name} at hop ${failure.hop ?? 'unknown'})` : '';
    return `${amountMsat} + ${feeMsat} msat through ${through} ${end}${why}`;
  });
  return `${how}: ${lines.join('; ') || 'no HTLC was sent'}`;
}
