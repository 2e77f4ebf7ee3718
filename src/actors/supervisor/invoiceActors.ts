import { deadlineHeight, type ReleaseView } from '../../domain/barrier.ts';
import type { PaymentHash, SetId } from '../../domain/hash.ts';
import type { Part } from '../../domain/part.ts';
import type { InvoiceTerms } from '../../domain/terms.ts';
import type { HtlcSetEvent } from '../../machines/htlcSet/events.ts';
import type { InvoiceEvent, InvoiceInput } from '../../machines/invoice/events.ts';
import { liveInvoice } from '../compiled/charts.ts';
import type { StoredInvoice } from '../ports/decisionStore.ts';
import type { NodeLink } from '../ports/nodeLink.ts';
import { Deadlines } from './deadlines.ts';
import { partsOf, setIdOfStored } from './dormant.ts';
import { Effects, type EffectWorld } from './effects.ts';
import type { HeldPart, HtlcSetActor, InvoiceActor, InvoiceEntry, SetEntry } from './entries.ts';

/**
 * The live invoice and set actors: spawns them, hands them events, and clears up after them. What they ask for is
 * carried out by {@link Effects}.
 *
 * An actor that throws ends alone: its parts go to `onBroken`, and everything else stays as it is.
 */
export class InvoiceActors {
  readonly #world: EffectWorld;
  readonly #effects: Effects;
  readonly #onBroken: (parts: readonly HeldPart[], terms: InvoiceTerms, why: string) => void;
  readonly #invoices = new Map<PaymentHash, InvoiceEntry>();
  readonly #deadlines = new Deadlines<SetEntry>();
  /** Settled sets that lnd has not called final although their nodes may give a part back soon. */
  readonly #overdue = new Set<SetEntry>();
  /** Sets whose release waits for the barrier: looked at again whenever the world changes. */
  readonly #waiting = new Set<SetEntry>();

  constructor(
    world: EffectWorld,
    onBroken: (parts: readonly HeldPart[], terms: InvoiceTerms, why: string) => void,
  ) {
    this.#world = world;
    this.#onBroken = onBroken;
    this.#effects = new Effects(world, {
      deliver: (set, event) => this.deliver(set, event),
      viewOf: (set) => this.viewOf(set),
      requestSettle: (entry, setId) => this.requestSettle(entry, setId),
    });
  }

  get size(): number {
    return this.#invoices.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** The height at which the next set has to be decided; those that are overdue have an alarm of their own. */
  get nearestDeadline(): number | undefined {
    return this.#deadlines.nearest((set) => !this.#overdue.has(set));
  }

  /** What is settled, not final, and close to its expiry. */
  overdue(): { readonly parts: number; readonly msat: bigint } {
    const parts = [...this.#overdue].flatMap((set) => set.actor.getSnapshot().context.parts);
    return { parts: parts.length, msat: parts.reduce((sum, part) => sum + part.amountMsat, 0n) };
  }

  get(hash: PaymentHash): InvoiceEntry | undefined {
    return this.#invoices.get(hash);
  }

  /** A part with a valid secret, of a hash without a row, or of the invoice that `entry` is. */
  arrive(held: HeldPart, terms: InvoiceTerms): void {
    const entry = this.#invoices.get(held.paymentHash) ?? this.#spawn(held.paymentHash, terms);
    const { clock, accepted, options } = this.#world;
    const facts = {
      now: Math.floor(clock.now() / 1000),
      height: this.#world.height(),
      subscribed: options.autoSettle || accepted.attended(),
    };
    entry.started = undefined;
    this.#send(entry, { type: 'part.arrived', part: held.part, facts });
    if (entry.retired) return;
    const attempt = entry.actor.getSnapshot().context.current?.attempt;
    const set = entry.started ?? entry.sets.find((s) => s.attempt === attempt);
    if (!set) return;
    held.set = set;
    this.#watchDeadline(set, held.part);
    this.#effects.journalArrival(held.part, set);
    this.#settleDown(set);
  }

  /** Brings a stored invoice back as an actor. */
  restore(invoice: StoredInvoice): InvoiceEntry {
    const as =
      invoice.status === 'SETTLE_REQUESTED'
        ? invoice.released
          ? ('released' as const)
          : ('requested' as const)
        : invoice.status === 'SETTLED'
          ? ('settled' as const)
          : ('failed' as const);
    const parts = partsOf(invoice);
    const terms = { amountMsat: invoice.amountMsat, expiresAt: 0 };
    const restored = { as, setId: setIdOfStored(invoice), parts };
    const entry = this.#spawn(invoice.paymentHash, terms, restored, invoice.preimage);
    const set = entry.started;
    if (!set) return entry;
    for (const [i, part] of parts.entries()) {
      const member = invoice.members[i];
      const held = this.#world.held.restore(part, invoice.paymentHash, member?.feeMsat);
      held.over = member?.status !== 'SETTLE_REQUESTED';
      held.set = set;
      this.#watchDeadline(set, held.part);
      if (as === 'released') this.#world.held.decided(part.key, part.id);
    }
    for (const [i, member] of invoice.members.entries()) {
      const part = parts[i];
      if (!part || member.status === 'SETTLE_REQUESTED') continue;
      this.deliver(set, { type: 'part.finalised', partId: part.id, settled: member.status === 'SETTLED' });
      this.deliver(set, { type: 'final.recorded', partId: part.id });
    }
    this.#settleDown(set);
    return entry;
  }

  /** Hands an event to a set and looks after what became of it. */
  deliver(set: SetEntry, event: HtlcSetEvent): void {
    if (set.invoice.retired || set.closed) return;
    set.actor.send(event);
    this.#settleDown(set);
  }

  requestSettle(entry: InvoiceEntry, setId: SetId): void {
    this.#effects.tell(entry, { type: 'settle.requested', setId });
    const attempt = entry.actor.getSnapshot().context.current?.attempt;
    const set = entry.sets.find((s) => s.attempt === attempt);
    // Without a set there is nothing to settle; a view that holds for nothing goes along.
    const view = set ? this.viewOf(set) : { height: Number.POSITIVE_INFINITY, absent: [] };
    this.#send(entry, { type: 'settle.requested', setId, view });
  }

  requestCancel(entry: InvoiceEntry, setId: SetId): void {
    this.#send(entry, { type: 'cancel.requested', setId });
  }

  /** A part was given up by its node before anything was decided: it is not in its set any more. */
  dropIfLost(held: HeldPart): void {
    const { set } = held;
    if (!set || set.invoice.retired) return;
    const { value, context } = set.actor.getSnapshot();
    if (value !== 'gone' && context.parts.some((p) => p.id === held.part.id)) return;
    this.#effects.journalLoss(held.part, set);
    this.#world.held.release(held.part.id);
    if (set.closed) return;
    this.#forgetDeadline(set);
    for (const part of context.parts) this.#watchDeadline(set, part);
  }

  heightReached(height: number): void {
    for (const set of this.#deadlines.due(height)) {
      set.deadline = undefined;
      this.deliver(set, { type: 'deadline.reached' });
      if (set.actor.getSnapshot().value !== 'released') continue;
      this.#effects.alarmUnresolved(set.invoice.paymentHash, set.actor.getSnapshot().context.parts);
      // Again at the next block, until lnd has said its last word.
      set.deadline = height + 1;
      this.#overdue.add(set);
      this.#deadlines.add(height + 1, set);
    }
    this.lookAgain();
  }

  /** Something that the release barrier depends on may have changed. */
  lookAgain(): void {
    for (const set of [...this.#waiting]) this.deliver(set, { type: 'view.changed', view: this.viewOf(set) });
  }

  /** The facts of the release barrier, now. */
  viewOf(set: SetEntry): ReleaseView {
    const { links } = this.#world;
    const { parts } = set.actor.getSnapshot().context;
    const absent = parts
      .filter((part) => {
        const link: NodeLink | undefined = links.get(part.key.nodeId);
        return !link?.ready || !link.awaitsAnswer(part.key) || link.doubtful?.(part.key);
      })
      .map((part) => part.id);
    return { height: this.#world.height(), absent };
  }

  #spawn(
    paymentHash: PaymentHash,
    terms: InvoiceTerms,
    restored?: NonNullable<InvoiceInput['restored']>,
    preimage?: Uint8Array,
  ): InvoiceEntry {
    const { rules } = this.#world.options;
    const actor = this.#world.options.system.spawn(liveInvoice, {
      id: paymentHash,
      input: { paymentHash, terms, rules, ...(restored ? { restored } : {}) },
    }) as InvoiceActor;
    const entry: InvoiceEntry = {
      paymentHash,
      actor,
      sets: [],
      started: undefined,
      preimage,
      acceptedAt: undefined,
      settledAt: undefined,
      retired: false,
    };
    actor.on('*', (effect) => {
      if (entry.retired) return;
      if (effect.type === 'set.started') this.#listen(entry, effect.attempt);
      else this.#guard(entry, () => this.#effects.ofInvoice(entry, effect));
    });
    this.#invoices.set(paymentHash, entry);
    actor.start();
    return entry;
  }

  #listen(entry: InvoiceEntry, attempt: string): void {
    const actor = (entry.actor.getSnapshot().children as Record<string, HtlcSetActor | undefined>)[attempt];
    if (!actor) return;
    const set: SetEntry = { invoice: entry, attempt, actor, deadline: undefined, closed: false };
    entry.sets.push(set);
    entry.started = set;
    actor.on('*', (effect) => {
      if (!entry.retired) this.#guard(entry, () => this.#effects.ofSet(set, effect));
    });
  }

  #send(entry: InvoiceEntry, event: InvoiceEvent): void {
    entry.actor.send(event);
    if (entry.actor.getSnapshot().status === 'error') this.#break(entry, 'the invoice actor threw');
  }

  #guard(entry: InvoiceEntry, run: () => void): void {
    try {
      run();
    } catch (error) {
      // Inside an actor's turn: ending it now would pull the ground from under XState.
      const why = error instanceof Error ? error.message : String(error);
      setImmediate(() => this.#break(entry, why));
    }
  }

  #settleDown(set: SetEntry): void {
    const snapshot = set.actor.getSnapshot();
    if (snapshot.status === 'active') {
      if (snapshot.value === 'requested' || snapshot.value === 'withheld') this.#waiting.add(set);
      else this.#waiting.delete(set);
      return;
    }
    if (snapshot.status === 'error') return this.#break(set.invoice, 'a set actor threw');
    if (snapshot.value === 'quarantined') return this.#break(set.invoice, 'the database contradicts the set');
    if (snapshot.value === 'abandoned') return;
    this.#close(set);
  }

  #close(set: SetEntry): void {
    const { invoice } = set;
    set.closed = true;
    for (const part of set.actor.getSnapshot().context.parts) this.#world.held.release(part.id);
    this.#forget(set);
    invoice.sets.splice(invoice.sets.indexOf(set), 1);
    if (invoice.sets.length > 0) return;
    this.#send(invoice, { type: 'invoice.close' });
    if (invoice.actor.getSnapshot().status === 'active') return;
    this.#invoices.delete(invoice.paymentHash);
    this.#effects.tell(invoice, { type: 'payment.closed' });
  }

  /** Ends an invoice's actors without touching its decisions; its parts begin again from what is stored. */
  #break(entry: InvoiceEntry, why: string): void {
    if (entry.retired) return;
    entry.retired = true;
    if (this.#invoices.get(entry.paymentHash) === entry) this.#invoices.delete(entry.paymentHash);
    const parts: HeldPart[] = [];
    for (const set of entry.sets) {
      this.#forget(set);
      for (const part of set.actor.getSnapshot().context.parts) {
        const held = this.#world.held.get(part.id);
        if (held) parts.push(held);
      }
    }
    const { context } = entry.actor.getSnapshot();
    if (context.current?.setId) this.#world.accepted.withdraw(context.current.setId);
    this.#world.changes.changed(entry.paymentHash);
    for (const held of parts) held.set = undefined;
    this.#onBroken(parts, context.terms, why);
  }

  #forget(set: SetEntry): void {
    this.#waiting.delete(set);
    this.#overdue.delete(set);
    this.#forgetDeadline(set);
  }

  #forgetDeadline(set: SetEntry): void {
    if (set.deadline !== undefined) this.#deadlines.remove(set.deadline, set);
    set.deadline = undefined;
  }

  #watchDeadline(set: SetEntry, part: Part): void {
    const at = deadlineHeight([part], this.#world.options.rules.deadlineMargin);
    if (set.deadline !== undefined) {
      if (set.deadline <= at) return;
      this.#deadlines.remove(set.deadline, set);
    }
    set.deadline = at;
    this.#deadlines.add(at, set);
  }
}
