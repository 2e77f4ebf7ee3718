import { deadlineHeight } from '../../domain/barrier.ts';
import type { NodeId, PaymentHash, SetId } from '../../domain/hash.ts';
import { type CircuitKey, type PartId, partIdOf } from '../../domain/htlcKey.ts';
import type { InvoiceTerms } from '../../domain/terms.ts';
import { encodeFailure } from '../../lightning/failureOnion.ts';
import { EventTail } from '../eventTail.ts';
import { FinalStatusWaiters } from '../finalStatusWaiters.ts';
import { InvoiceChanges } from '../invoiceChanges.ts';
import { CoreMeasures } from '../measures/coreMeasures.ts';
import type { CancelResult, SettleResult } from '../ports/application.ts';
import type { StoredInvoice } from '../ports/decisionStore.ts';
import type { FinalHtlc, HtlcOffer, NodeLink, NodeLinkListener } from '../ports/nodeLink.ts';
import type { HeldParts } from '../ports/nodes.ts';
import { AcceptedSets } from '../subscriptions.ts';
import { type Admission, admit, type Candidate, policyViolation } from './admission.ts';
import { ApplicationCalls } from './applicationCalls.ts';
import { CallWaiters } from './callWaiters.ts';
import { Deadlines } from './deadlines.ts';
import { DormantDecisions, partsOf } from './dormant.ts';
import type { EffectWorld } from './effects.ts';
import type { HeldPart } from './entries.ts';
import { HeldHtlcs } from './heldHtlcs.ts';
import { heldOn } from './heldOn.ts';
import { InvoiceActors } from './invoiceActors.ts';
import { InvoiceLookups } from './invoiceLookups.ts';
import { htlcFields } from './logFields.ts';
import { Memory } from './memory.ts';
import type { SupervisorOptions } from './options.ts';
import { openOutboxes } from './outboxes.ts';
import { PassingRefusals } from './passingRefusals.ts';
import { PartRefusals } from './refusals.ts';
import { journalReject } from './rejects.ts';
import { statsOf } from './stats.ts';
import { StoredHashes } from './storedHashes.ts';
import { UnresolvedHtlcs } from './unresolvedHtlcs.ts';

/** A node that reports a block so far ahead of all it and the others said before is not believed. */
const MAX_HEIGHT_JUMP = 2_016;
/** How long an orderly end waits for what is being written. */
const DRAIN_LIMIT_MS = 5_000;
/** How often sets that wait for the barrier are looked at when nothing else happens. */
const LOOK_AGAIN_MS = 1_000;
/** How often a part whose actor threw is taken up again before it is left to its node's auto-fail. */
const MAX_READMISSIONS = 3;

/**
 * Routes what the nodes report to the actors of the payment it belongs to, and answers what needs no actor.
 *
 * Order matters in {@link offered}: what is already decided is answered first and without any work; then come the
 * checks that cost nothing, then the onion, then the database, then the actors.
 */
export class Supervisor implements NodeLinkListener {
  readonly accepted: AcceptedSets;
  readonly finalStatus = new FinalStatusWaiters();
  readonly changes = new InvoiceChanges();
  readonly events = new EventTail();
  readonly memory: Memory;
  readonly unresolvedHtlcs: UnresolvedHtlcs;
  readonly #options: SupervisorOptions;
  readonly #links = new Map<NodeId, NodeLink>();
  readonly #held = new HeldHtlcs();
  readonly #dormant = new DormantDecisions();
  readonly #dormantDeadlines = new Deadlines<StoredInvoice>();
  readonly #world: EffectWorld;
  readonly #actors: InvoiceActors;
  readonly #lookups: InvoiceLookups;
  readonly #stored: StoredHashes;
  readonly #calls: ApplicationCalls;
  readonly #refusals: PartRefusals;
  readonly #passing: PassingRefusals;
  /** Offers between the stream and the actors: in the onion worker or waiting for the database. */
  readonly #admitting = new Set<PartId>();
  readonly #readmissions = new Map<PartId, number>();
  #height = 0;
  /** The highest that a node has said since the start; {@link #height} may come from the database. */
  #reportedHeight = 0;
  #lookTimer: unknown;
  #stopped = false;

  constructor(options: SupervisorOptions) {
    const { clock, log } = options;
    this.#options = options;
    const height = () => this.#height;
    this.accepted = new AcceptedSets({ clock, graceMs: options.subscriberGraceMs, height });
    const measures = options.measures ?? new CoreMeasures();
    this.#stored = new StoredHashes(options);
    const onFailed = () => measures.failedLookups++;
    this.#lookups = new InvoiceLookups({ ...options, stored: this.#stored, onFailed });
    this.#world = {
      options,
      clock,
      log,
      links: this.#links,
      held: this.#held,
      accepted: this.accepted,
      finalStatus: this.finalStatus,
      changes: this.changes,
      settleCalls: new CallWaiters<SettleResult>(clock, options.callTimeoutMs),
      cancelCalls: new CallWaiters<CancelResult>(clock, options.callTimeoutMs),
      ...openOutboxes(options, measures, this.#stored, (sequence) => this.events.advanced(sequence)),
      measures,
      height,
    };
    const access = { actors: () => this.#actors, dormant: this.#dormant };
    this.#calls = new ApplicationCalls(this.#world, access);
    this.memory = new Memory(this.#world, access);
    this.#refusals = new PartRefusals(this.#world, this.#dormant);
    this.#passing = new PassingRefusals(options.limits, this.#held);
    this.unresolvedHtlcs = new UnresolvedHtlcs(this.#world, this.#dormant, (final) =>
      this.finalised(undefined, final),
    );
    this.#actors = new InvoiceActors(this.#world, (parts, terms, why) => this.#readmit(parts, terms, why));
  }

  get height(): number {
    return this.#height;
  }

  /** What is held and waited for, for metrics and status. */
  stats() {
    return statsOf({
      ...this.#world,
      actors: this.#actors,
      dormant: this.#dormant,
      dormantDeadlines: this.#dormantDeadlines,
      lookups: this.#lookups,
      admitting: this.#admitting.size,
    });
  }

  /** HTLCs of a node that are not over, and what they carry. */
  heldOf(nodeId: NodeId): { readonly count: number; readonly msat: bigint } {
    return { count: this.#held.countOf(nodeId), msat: this.#held.msatOf(nodeId) };
  }

  /** What is under way on a node. */
  heldOn(nodeId: NodeId): HeldParts {
    return heldOn(nodeId, { held: this.#held, dormant: this.#dormant, admitting: this.#admitting });
  }

  /** Loads what earlier leaders decided. Call it before the first node link starts. */
  async recover(): Promise<void> {
    const recovery = await this.#options.store.recover(this.#options.epoch);
    this.#height = Math.max(this.#height, recovery.height);
    this.#dormant.load(recovery);
    for (const invoice of recovery.invoices) {
      for (const member of invoice.members) {
        if (member.status === 'SETTLE_REQUESTED') this.#held.decided(member.key, partIdOf(member.key));
      }
      if (!invoice.released) this.#wake(invoice);
      else this.#dormantDeadlines.add(this.#deadlineOf(invoice), invoice);
    }
    for (const fail of recovery.fails) this.#held.decided(fail.key, partIdOf(fail.key));
    this.#options.log.info(
      { invoices: recovery.invoices.length, fails: recovery.fails.length, height: recovery.height },
      'Recovered pending decisions',
    );
    this.#stored.load();
    this.#lookTimer = this.#options.clock.setTimeout(() => this.#lookRegularly(), LOOK_AGAIN_MS);
  }

  offered(link: NodeLink, offer: HtlcOffer): void {
    const id = partIdOf(offer.key);
    if (this.#answerKnown(link, offer, id) || this.#admitting.has(id) || this.#stopped) return;
    if (offer.onChain) return this.#lookUpOnChain(link, offer, id);
    const problem =
      policyViolation(offer, this.#options, this.#options.clock.now()) ??
      this.#passing.problemOf(offer.key.nodeId, id, this.#admitting.size);
    if (problem) {
      journalReject(this.#world, offer.paymentHash, id, problem);
      link.failWithCode(offer.key, 'temporary_channel_failure');
      return;
    }
    this.#admitting.add(id);
    admit(offer, this.#height, this.#options.rules, this.#options.peeler, (admission) =>
      this.#admitted(link, offer.paymentHash, offer.key, id, admission),
    );
  }

  finalised(_link: NodeLink | undefined, final: FinalHtlc): void {
    const id = partIdOf(final.key);
    this.#passing.ended(id);
    const dormant = this.#dormant.byMember(id);
    if (dormant) this.#wake(dormant);
    const held = this.#held.get(id);
    if (held?.set) {
      held.offChain = final.offChain;
      this.#actors.deliver(held.set, { type: 'part.finalised', partId: id, settled: final.settled });
      this.#actors.dropIfLost(held);
      return;
    }
    const fail = this.#dormant.fail(id);
    if (!fail) return;
    const record = { ...final, paymentHash: fail.paymentHash, at: this.#options.clock.now() };
    this.#world.finals.submit(record, (outcome) => {
      if (outcome.kind !== 'done') return;
      this.#dormant.forgetFail(id);
      this.#held.resolved(final.key, id);
    });
  }

  heightChanged(link: NodeLink, height: number): void {
    if (this.#reportedHeight > 0 && height > this.#reportedHeight + MAX_HEIGHT_JUMP) {
      const fields = { node: link.nodeId, height, expected: this.#reportedHeight };
      this.#options.log.error(fields, 'Block height is not plausible, ignored: look at this node');
      return;
    }
    this.#reportedHeight = Math.max(this.#reportedHeight, height);
    if (height <= this.#height) return;
    this.#height = height;
    this.#world.journal.height(height);
    // Decisions of earlier leaders that come due become actors, which then raise the alarm themselves.
    for (const invoice of this.#dormantDeadlines.due(height)) {
      if (this.#dormant.byHash(invoice.paymentHash) === invoice) this.#wake(invoice);
    }
    this.#actors.heightReached(height);
  }

  connected(link: NodeLink): void {
    this.#links.set(link.nodeId, link);
  }

  disconnected(): void {}

  readinessChanged(link: NodeLink): void {
    this.#links.set(link.nodeId, link);
    if (link.ready) this.#actors.lookAgain();
  }

  unresolved(nodeId: NodeId): Iterable<CircuitKey> {
    return this.#held.unresolved(nodeId);
  }

  readonly missing = (nodeId: NodeId) => this.#held.missing(nodeId, this.#links.get(nodeId));

  /** Settles a complete set; see {@link SettleResult}. */
  settle(hash: PaymentHash, setId: SetId): Promise<SettleResult> {
    return this.#calls.settle(hash, setId);
  }

  /** Fails a complete set; see {@link CancelResult}. */
  cancel(hash: PaymentHash, setId: SetId): Promise<CancelResult> {
    return this.#calls.cancel(hash, setId);
  }

  /** Takes nothing new, writes what is under way, and tells everyone who waits. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#calls.stop();
    if (this.#lookTimer !== undefined) this.#options.clock.clearTimeout(this.#lookTimer);
    this.accepted.close();
    this.#lookups.stop();
    this.#stored.stop();
    // A database that does not answer must not hold up the end: what is undecided then, the next leader finds out.
    const drained = Promise.all([this.#world.decisions.drained(), this.#world.finals.drained()]);
    const late = new Promise<void>((resolve) => this.#options.clock.setTimeout(resolve, DRAIN_LIMIT_MS));
    await Promise.race([drained, late]);
    this.#world.decisions.stop();
    this.#world.finals.stop();
    const reason = 'lnmux is shutting down';
    this.#calls.answerAll(reason);
    this.finalStatus.finishAll({ result: 'unavailable', reason });
    this.changes.close();
    this.events.close();
    await this.#world.journal.flush();
  }

  /** An offer that is held or decided already; true when there is nothing more to do. */
  #answerKnown(link: NodeLink, offer: HtlcOffer, id: PartId): boolean {
    const dormant = this.#dormant.byMember(id);
    if (dormant) this.#wake(dormant);
    const held = this.#held.get(id);
    if (held) {
      const { set } = held;
      if (set)
        this.#actors.deliver(set, { type: 'part.offered', partId: id, view: this.#actors.viewOf(set) });
      return true;
    }
    const fail = this.#dormant.fail(id);
    if (!fail) return false;
    if (offer.onChain) return true;
    if (fail.failureOnion.length > 0) link.fail(offer.key, fail.failureOnion);
    else link.failWithCode(offer.key, 'temporary_channel_failure');
    return true;
  }

  #admitted(
    link: NodeLink,
    hash: PaymentHash,
    key: HtlcOffer['key'],
    id: PartId,
    admission: Admission,
  ): void {
    if (admission.kind === 'candidate') return this.#route(admission.candidate, id);
    this.#admitting.delete(id);
    if (admission.outcome === 'peeler_unavailable') this.#passing.remember(id, admission.outcome);
    journalReject(this.#world, hash, id, admission.outcome);
    if (admission.kind === 'rejectWithCode') link.failWithCode(key, admission.code);
    else link.fail(key, encodeFailure(admission.sharedSecret, admission.message));
  }

  /** To the invoice's actor; by way of the database when memory knows nothing of the hash. */
  #route(candidate: Candidate, id: PartId): void {
    const { paymentHash, terms } = candidate;
    if (this.#actors.get(paymentHash)) {
      this.#admitting.delete(id);
      return this.#arrive(this.#held.hold(candidate), terms);
    }
    this.#lookups.lookUp(paymentHash, (row) => {
      this.#admitting.delete(id);
      this.#routeKnown(this.#held.hold(candidate), terms, row);
    });
  }

  #routeKnown(held: HeldPart, terms: InvoiceTerms, row: StoredInvoice | undefined): void {
    if (row && !this.#actors.get(row.paymentHash)) {
      const member = row.members.some((m) => partIdOf(m.key) === held.part.id);
      if (member && row.status !== 'SETTLE_REQUESTED') {
        // A member of a settled set that its node offers once more: the answer has not changed.
        this.#held.release(held.part.id);
        this.#links.get(held.part.key.nodeId)?.settle(held.part.key, row.preimage);
        return;
      }
      if (member) this.#held.release(held.part.id);
      this.#revive(this.#dormant.byHash(row.paymentHash) ?? row);
      if (member) return;
    }
    this.#arrive(held, terms);
  }

  #arrive(held: HeldPart, terms: InvoiceTerms): void {
    const { key, id } = held.part;
    // Given back meanwhile: there is nothing left to hold.
    if (!this.#links.get(key.nodeId)?.awaitsAnswer(key)) return this.#held.release(id);
    if (this.#options.refusesParts?.(key.nodeId) && !this.#readmissions.has(id)) {
      return this.#refusals.refuse(held, () => this.#stopped || this.#arrive(held, terms));
    }
    this.#actors.arrive(held, terms);
  }

  /** Height from which a released invoice that is not final needs somebody's attention. */
  #deadlineOf(invoice: StoredInvoice): number {
    return deadlineHeight(partsOf(invoice), this.#options.rules.deadlineMargin);
  }

  /** On-chain offers of HTLCs unknown in memory: settled if a row says so, otherwise silence. */
  #lookUpOnChain(link: NodeLink, offer: HtlcOffer, id: PartId): void {
    const { key, paymentHash } = offer;
    this.#admitting.add(id);
    this.#lookups.lookUp(paymentHash, (row) => {
      this.#admitting.delete(id);
      if (row?.released && row.members.some((m) => partIdOf(m.key) === id)) link.settle(key, row.preimage);
    });
  }

  #wake(invoice: StoredInvoice): void {
    this.#dormant.wake(invoice);
    this.#actors.restore(invoice);
  }

  /** As {@link #wake}, for members whose nodes offered them before and may not do so again. */
  #revive(invoice: StoredInvoice): void {
    this.#wake(invoice);
    for (const { key } of invoice.members) {
      const partId = partIdOf(key);
      const set = this.#held.get(partId)?.set;
      if (!set || !this.#links.get(key.nodeId)?.awaitsAnswer(key)) continue;
      this.#actors.deliver(set, { type: 'part.offered', partId, view: this.#actors.viewOf(set) });
    }
  }

  /** Parts whose actors ended by a defect or a contradiction begin again from the database, a few times. */
  #readmit(parts: readonly HeldPart[], terms: InvoiceTerms, why: string): void {
    const { log, clock } = this.#options;
    for (const held of parts) {
      const { id } = held.part;
      const tries = (this.#readmissions.get(id) ?? 0) + 1;
      const fields = { hash: held.paymentHash, ...htlcFields(id), why, tries };
      log.error(fields, 'Actor ended, its HTLC is taken up again');
      if (tries > MAX_READMISSIONS) {
        this.#readmissions.delete(id);
        this.#held.release(id);
        continue;
      }
      this.#readmissions.set(id, tries);
      clock.setTimeout(() => {
        if (this.#stopped || this.#held.get(id) !== held) return;
        this.#lookups.lookUp(held.paymentHash, (row) => this.#routeKnown(held, terms, row));
      }, LOOK_AGAIN_MS);
    }
  }

  #lookRegularly(): void {
    if (this.#stopped) return;
    this.#actors.lookAgain();
    this.#lookTimer = this.#options.clock.setTimeout(() => this.#lookRegularly(), LOOK_AGAIN_MS);
  }
}
