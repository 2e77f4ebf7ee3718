import type { ActorRefFrom } from 'xstate';
import type { PaymentHash } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import type { Part } from '../../domain/part.ts';
import type { htlcSetMachine } from '../../machines/htlcSet/machine.ts';
import type { invoiceMachine } from '../../machines/invoice/machine.ts';

export type InvoiceActor = ActorRefFrom<typeof invoiceMachine>;
export type HtlcSetActor = ActorRefFrom<typeof htlcSetMachine>;

/** An invoice with at least one live set. */
export interface InvoiceEntry {
  readonly paymentHash: PaymentHash;
  readonly actor: InvoiceActor;
  readonly sets: SetEntry[];
  /** Set while an event is being handled in which the invoice spawned a set. */
  started: SetEntry | undefined;
  /** Only for invoices that came back from the database; others derive it from the payment address. */
  readonly preimage: Uint8Array | undefined;
  /** When its set became complete, and when the preimage was first sent; for measurement. */
  acceptedAt: number | undefined;
  settledAt: number | undefined;
  /** Its actors count no more: what they still emit is ignored. */
  retired: boolean;
}

/** A live set actor. */
export interface SetEntry {
  readonly invoice: InvoiceEntry;
  readonly attempt: string;
  readonly actor: HtlcSetActor;
  /** The lowest height at which one of its parts must be given up; what the deadline index has it under. */
  deadline: number | undefined;
  /** It has ended and is cleared up: what is still reported for it comes too late. */
  closed: boolean;
}

/** An HTLC with a valid payment secret whose end is not recorded yet. */
export interface HeldPart {
  readonly part: Part;
  readonly paymentHash: PaymentHash;
  /** Of the secret slab; undefined for parts that came back from the database. */
  readonly slot: number | undefined;
  /** What its node keeps of it; undefined for rows that don't say. */
  readonly feeMsat: Msat | undefined;
  set: SetEntry | undefined;
  /** Whether lnd called the part final off chain; for the record. */
  offChain?: boolean;
  /** Its own end is recorded; it is here for the others of its set. */
  over?: boolean;
}
