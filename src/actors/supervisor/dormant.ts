import type { PaymentHash, SetId } from '../../domain/hash.ts';
import { type PartId, partIdOf } from '../../domain/htlcKey.ts';
import type { Part } from '../../domain/part.ts';
import { setIdOf } from '../../domain/setId.ts';
import type { Recovery, StoredFail, StoredInvoice } from '../ports/decisionStore.ts';

/**
 * Decisions of earlier leaders that still wait for their end. They need no actor until something happens to them:
 * a row becomes an actor when one of its parts is offered or final. So a restart with 100,000 of them is quick.
 */
export class DormantDecisions {
  readonly #invoices = new Map<PaymentHash, StoredInvoice>();
  readonly #members = new Map<PartId, PaymentHash>();
  readonly #fails = new Map<PartId, StoredFail>();

  load(recovery: Recovery): void {
    for (const invoice of recovery.invoices) this.add(invoice);
    for (const fail of recovery.fails) this.#fails.set(partIdOf(fail.key), fail);
  }

  get invoices(): number {
    return this.#invoices.size;
  }

  add(invoice: StoredInvoice): void {
    this.#invoices.set(invoice.paymentHash, invoice);
    for (const member of invoice.members) this.#members.set(partIdOf(member.key), invoice.paymentHash);
  }

  all(): Iterable<StoredInvoice> {
    return this.#invoices.values();
  }

  allFails(): Iterable<StoredFail> {
    return this.#fails.values();
  }

  byHash(hash: PaymentHash): StoredInvoice | undefined {
    return this.#invoices.get(hash);
  }

  byMember(id: PartId): StoredInvoice | undefined {
    const hash = this.#members.get(id);
    return hash === undefined ? undefined : this.#invoices.get(hash);
  }

  fail(id: PartId): StoredFail | undefined {
    return this.#fails.get(id);
  }

  /** A durable failure whose actor is gone while its node may still offer the HTLC. */
  rememberFail(fail: StoredFail): void {
    this.#fails.set(partIdOf(fail.key), fail);
  }

  forgetFail(id: PartId): void {
    this.#fails.delete(id);
  }

  /** Takes the row out: an actor has it now. */
  wake(invoice: StoredInvoice): void {
    this.#invoices.delete(invoice.paymentHash);
    for (const member of invoice.members) this.#members.delete(partIdOf(member.key));
  }
}

/** The members of a stored invoice as parts. Rows of the Go program know no heights; they count as released anyway. */
export function partsOf(invoice: StoredInvoice): readonly Part[] {
  const totalMsat = invoice.members.reduce((sum, m) => sum + m.amountMsat, 0n);
  return invoice.members.map((member) => ({
    id: partIdOf(member.key),
    key: member.key,
    amountMsat: member.amountMsat,
    totalMsat,
    cltvExpiry: member.cltvExpiry ?? 0,
    autoFailHeight: member.autoFailHeight ?? Number.POSITIVE_INFINITY,
    heightAtReceipt: 0,
  }));
}

/** Set id of a stored invoice, derived from its members where the Go program wrote the row. */
export function setIdOfStored(invoice: StoredInvoice): SetId {
  return invoice.setId ?? setIdOf(invoice.members.map((m) => m.key));
}
