import { type InvoiceReport, InvoiceReport_State } from '../../../src/generated/lnmux.ts';
import type { Issued } from '../../e2e/application.ts';
import type { Payment } from '../scenarios/cluster.ts';
import type { Stage } from '../scenarios/stage.ts';
import { describe } from '../scenarios/steps.ts';

/** A payment that was tried, and what its payer knows of its end. */
export interface Entry {
  readonly invoice: Issued;
  readonly payment: Payment;
}

/** Payer, lnmux and the nodes' books have to say the same. */
export async function judge(
  stage: Stage,
  entries: readonly Entry[],
  receivedMsat: bigint,
): Promise<readonly string[]> {
  const wrong: string[] = [];
  for (const { invoice, payment } of entries) {
    const report = await stage.app.call(stage.app.client.lookupInvoice, { hash: invoice.hash });
    wrong.push(...judgeOne(invoice, payment, report));
  }
  const paidMsat = entries
    .flatMap(({ payment }) => payment.parts)
    .filter((part) => part.status === 'settled')
    .reduce((sum, part) => sum + part.amountMsat + part.feeMsat, 0n);
  if (paidMsat !== receivedMsat) {
    wrong.push(`payers have paid ${paidMsat} msat, the nodes have received ${receivedMsat}`);
  }
  return wrong;
}

export function judgeOne(
  { hashHex, preimageHex }: Issued,
  payment: Payment,
  { state }: Pick<InvoiceReport, 'state'>,
): string[] {
  const wrong: string[] = [];
  const about = (text: string) => wrong.push(`${hashHex}: ${text} (${describe(payment)})`);
  if (payment.status === 'partial') about('some parts were taken, others were not');
  if (payment.status === 'pending') about('it never came to an end');
  const isSettled = state === InvoiceReport_State.SETTLED;
  if (isSettled && payment.status !== 'settled') about('lnmux calls it settled, its payer does not');
  if (!isSettled && payment.status === 'settled') about('its payer has paid, lnmux does not know it');
  if (payment.status === 'settled' && payment.preimage !== preimageHex) about('its payer has no preimage');
  return wrong;
}
