import { hash as digest } from 'node:crypto';
import type { ReleaseView } from '../../domain/barrier.ts';
import { deadlineHeight } from '../../domain/barrier.ts';
import type { FailResult } from '../../domain/failResult.ts';
import type { NodeId, PaymentHash, SetId } from '../../domain/hash.ts';
import type { Part } from '../../domain/part.ts';
import type { HtlcSetEffect, HtlcSetEvent, ReportedFinal } from '../../machines/htlcSet/events.ts';
import type { InvoiceEffect } from '../../machines/invoice/events.ts';
import type { FinalStatusWaiters } from '../finalStatusWaiters.ts';
import type { InvoiceChanges } from '../invoiceChanges.ts';
import type { CoreMeasures } from '../measures/coreMeasures.ts';
import type { CommitOutcome, GroupCommit } from '../outbox/groupCommit.ts';
import type { Journal } from '../outbox/journal.ts';
import type { CancelResult, SettleResult } from '../ports/application.ts';
import type { Clock } from '../ports/clock.ts';
import type { Decision, DecisionOutcome, FinalRecord, RecordedFinal } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';
import type { NodeLink } from '../ports/nodeLink.ts';
import type { PaymentEvent } from '../ports/paymentObserver.ts';
import type { AcceptedSets } from '../subscriptions.ts';
import type { CallWaiters } from './callWaiters.ts';
import { type CommitEffect, decisionOf, failureOnionOf } from './decisions.ts';
import type { InvoiceEntry, SetEntry } from './entries.ts';
import type { HeldHtlcs } from './heldHtlcs.ts';
import { htlcFields } from './logFields.ts';
import type { SupervisorOptions } from './options.ts';

/** Everything outside of the statecharts that effects act upon. */
export interface EffectWorld {
  readonly options: SupervisorOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly links: ReadonlyMap<NodeId, NodeLink>;
  readonly held: HeldHtlcs;
  readonly accepted: AcceptedSets;
  readonly finalStatus: FinalStatusWaiters;
  readonly changes: InvoiceChanges;
  readonly settleCalls: CallWaiters<SettleResult>;
  readonly cancelCalls: CallWaiters<CancelResult>;
  readonly decisions: GroupCommit<Decision, DecisionOutcome>;
  readonly finals: GroupCommit<FinalRecord, RecordedFinal>;
  readonly journal: Journal;
  readonly measures: CoreMeasures;
  height(): number;
}

/** The way back to the actors. */
export interface ActorAccess {
  deliver(set: SetEntry, event: HtlcSetEvent): void;
  viewOf(set: SetEntry): ReleaseView;
  requestSettle(entry: InvoiceEntry, setId: SetId): void;
}

const AUTO_SETTLE_RETRY_MS = 1_000;

/** Key under which a settle or cancel call waits. */
export const callKey = (entry: { readonly paymentHash: string }, setId: SetId): string =>
  `${entry.paymentHash}${setId}`;

/** Carries out what the statecharts ask of the world. Nothing here decides anything. */
export class Effects {
  readonly #world: EffectWorld;
  readonly #actors: ActorAccess;

  constructor(world: EffectWorld, actors: ActorAccess) {
    this.#world = world;
    this.#actors = actors;
  }

  ofSet(set: SetEntry, effect: HtlcSetEffect): void {
    switch (effect.type) {
      case 'settlement.commit':
        return this.#commit(set, effect);
      case 'htlc.settle':
        return this.#settle(set.invoice, effect.parts);
      case 'htlc.fail':
        return this.#fail(set.invoice, effect.parts, effect.reason);
      case 'final.record':
        return this.#recordFinals(set, effect.finals);
      case 'settle.answer':
        return this.#answerSettle(set.invoice, effect.setId, effect.answer);
      case 'cancel.answer':
        return this.#world.cancelCalls.answer(callKey(set.invoice, effect.setId), { result: effect.answer });
    }
  }

  ofInvoice(entry: InvoiceEntry, effect: InvoiceEffect): void {
    switch (effect.type) {
      case 'application.notify':
        this.#notify(entry, effect);
        return this.#world.changes.changed(entry.paymentHash);
      case 'application.withdraw':
        this.#world.accepted.withdraw(effect.setId);
        this.#world.changes.changed(entry.paymentHash);
        this.#world.log.info(
          { hash: entry.paymentHash, setID: effect.setId, outcome: effect.reason },
          'Failed invoice',
        );
        return;
      case 'settle.answer':
        return this.#answerSettle(entry, effect.setId, effect.answer);
      case 'cancel.answer':
        return this.#world.cancelCalls.answer(callKey(entry, effect.setId), { result: effect.answer });
      case 'set.started':
        return;
    }
  }

  /** Tells whoever follows payments. */
  tell({ paymentHash }: InvoiceEntry, event: PaymentEvent): void {
    const { options, clock } = this.#world;
    options.observer?.happened(paymentHash, event, clock.now());
  }

  /** Audit line of a part that joined a set, or was refused one. */
  journalArrival(part: Part, set: SetEntry): void {
    const { context, value } = set.actor.getSnapshot();
    const { paymentHash } = set.invoice;
    const feeMsat = this.#world.held.get(part.id)?.feeMsat;
    const to = typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
    const amountMsat = String(part.amountMsat);
    this.#logArrival(part, set, to);
    this.tell(set.invoice, { type: 'part.held', part });
    this.#world.journal.append({
      machine: 'htlcSet',
      from: 'collecting',
      event: 'part.added',
      to,
      paymentHash,
      setId: context.setId,
      at: this.#world.clock.now(),
      details: {
        node: part.key.nodeId,
        chanId: String(part.key.chanId),
        htlcId: String(part.key.htlcId),
        amountMsat,
        ...(feeMsat === undefined ? {} : { feeMsat: String(feeMsat) }),
        autoFailHeight: part.autoFailHeight,
        ...(context.doom ? { reason: context.doom } : {}),
      },
    });
  }

  #logArrival(part: Part, { invoice }: SetEntry, state: string): void {
    const { log } = this.#world;
    const { paymentHash: hash, actor } = invoice;
    const { terms } = actor.getSnapshot().context;
    const amountMsat = String(part.amountMsat);
    log.debug({ hash, ...htlcFields(part.id), amountMsat, set: state }, 'Htlc received');
    const payment = { hash, amtMsat: String(terms.amountMsat), expiry: terms.expiresAt };
    log.debug(payment, 'Stateless invoice payment received');
  }

  /** Money that is ours on paper and may not become ours in fact: somebody has to look. */
  alarmUnresolved(paymentHash: PaymentHash, parts: readonly Part[]): void {
    for (const part of parts) {
      this.#world.log.error(
        {
          hash: paymentHash,
          ...htlcFields(part.id),
          autoFailHeight: part.autoFailHeight,
          height: this.#world.height(),
          connected: this.#world.links.get(part.key.nodeId)?.awaitsAnswer(part.key) ?? false,
        },
        'Settled HTLC is not final and close to its expiry: see that its node is up and its peer connected; ' +
          'force-close the channel if it stays stuck, so that the claim goes on chain in time',
      );
    }
  }

  /** Audit line of a part that its node gave back before anything was decided about it. */
  journalLoss(part: Part, set: SetEntry): void {
    const { log, journal, clock } = this.#world;
    const { paymentHash } = set.invoice;
    log.info({ hash: paymentHash, ...htlcFields(part.id) }, 'Htlc was given back by its node');
    journal.append({
      machine: 'htlcSet',
      from: 'collecting',
      event: 'part.lost',
      to: 'collecting',
      paymentHash,
      setId: undefined,
      at: clock.now(),
      details: { htlc: part.id, amountMsat: String(part.amountMsat) },
    });
  }

  #commit(set: SetEntry, effect: CommitEffect): void {
    const { held, decisions, clock } = this.#world;
    const { paymentHash } = set.invoice;
    const decision = decisionOf(effect, paymentHash, clock.now(), {
      amountMsat: set.invoice.actor.getSnapshot().context.terms.amountMsat,
      preimage: () => this.#preimage(set.invoice, effect.parts),
      sharedSecret: (part) => held.sharedSecret(part.id),
      feeMsat: (part) => held.get(part.id)?.feeMsat,
    });
    this.tell(set.invoice, { type: 'decision.submitted', decision: effect.decision, setId: effect.setId });
    decisions.submit(decision, (outcome) => this.#committed(set, effect, outcome));
  }

  #committed(set: SetEntry, effect: CommitEffect, outcome: CommitOutcome<DecisionOutcome>): void {
    if (set.invoice.retired) return;
    const { held, log, measures } = this.#world;
    switch (outcome.kind) {
      case 'ambiguous':
        log.warn(
          { hash: set.invoice.paymentHash, decision: effect.decision },
          'Outcome of a commit is unknown',
        );
        return this.#actors.deliver(set, { type: 'commit.ambiguous' });
      case 'failed':
        return this.#actors.deliver(set, { type: 'commit.failed', reason: outcome.reason });
      case 'fenced':
        return this.#actors.deliver(set, { type: 'commit.fenced' });
      case 'done': {
        if (outcome.result.outcome === 'refused') {
          const { because } = outcome.result;
          log.warn({ hash: set.invoice.paymentHash, decision: effect.decision, because }, 'Decision refused');
          return this.#actors.deliver(set, { type: 'commit.refused', because });
        }
        const reason = 'reason' in effect ? effect.reason : undefined;
        this.tell(set.invoice, { type: 'decision.committed', decision: effect.decision, reason });
        if (effect.decision === 'fail' || effect.decision === 'abort') {
          measures.failedHtlcs.add(effect.reason, effect.parts.length);
        } else if (effect.decision !== 'release') {
          log.debug({ hash: set.invoice.paymentHash }, 'Stateless invoice JIT insertion');
        }
        if (effect.decision !== 'request') for (const part of effect.parts) held.decided(part.key, part.id);
        return this.#actors.deliver(set, { type: 'commit.succeeded', view: this.#actors.viewOf(set) });
      }
    }
  }

  #settle(entry: InvoiceEntry, parts: readonly Part[]): void {
    const { links, log, measures, clock } = this.#world;
    const preimage = this.#preimage(entry, parts);
    // The last assertion before money moves. It can only fail by a defect, and then silence is the safe answer.
    if (digest('sha256', preimage, 'hex') !== entry.paymentHash) {
      log.error({ hash: entry.paymentHash }, 'Preimage does not match the payment hash: nothing is settled');
      return;
    }
    if (entry.settledAt === undefined) {
      entry.settledAt = clock.now();
      this.tell(entry, { type: 'preimage.released' });
      if (entry.acceptedAt !== undefined)
        measures.acceptToSettle.observeMs(entry.settledAt - entry.acceptedAt);
    }
    for (const part of parts) {
      const sent = links.get(part.key.nodeId)?.settle(part.key, preimage) ?? false;
      const fields = { hash: entry.paymentHash, ...htlcFields(part.id), outcome: 'settled', sent };
      log.debug(fields, 'Sending settle resolution');
    }
  }

  #fail(entry: InvoiceEntry, parts: readonly Part[], reason: FailResult): void {
    const { links, held, log } = this.#world;
    for (const part of parts) {
      const onion = failureOnionOf(part, reason, held.sharedSecret(part.id));
      const link = links.get(part.key.nodeId);
      const sent =
        onion.length > 0
          ? link?.fail(part.key, onion)
          : link?.failWithCode(part.key, 'temporary_channel_failure');
      log.debug(
        { hash: entry.paymentHash, ...htlcFields(part.id), outcome: reason, sent: sent ?? false },
        'Sending failed resolution',
      );
    }
  }

  #preimage(entry: InvoiceEntry, parts: readonly Part[]): Uint8Array {
    if (entry.preimage) return entry.preimage;
    for (const part of parts) {
      const paymentAddr = this.#world.held.paymentAddr(part.id);
      if (paymentAddr) return this.#world.options.deriver.preimage(paymentAddr);
    }
    throw new Error('no part of the set has its payment address');
  }

  #recordFinals(set: SetEntry, finals: readonly ReportedFinal[]): void {
    for (const final of finals) {
      const held = this.#world.held.get(final.partId);
      if (!held) continue;
      const record: FinalRecord = {
        key: held.part.key,
        paymentHash: set.invoice.paymentHash,
        settled: final.settled,
        offChain: held.offChain ?? true,
        at: this.#world.clock.now(),
      };
      const { settled, offChain } = record;
      this.#world.log.debug(
        {
          hash: record.paymentHash,
          node: record.key.nodeId,
          chanID: String(record.key.chanId),
          htlcID: String(record.key.htlcId),
          settled,
          offChain,
        },
        'Htlc final resolution received',
      );
      this.tell(set.invoice, { type: 'part.final', partId: final.partId, settled });
      this.#world.finals.submit(record, (outcome) => {
        if (outcome.kind !== 'done' || set.invoice.retired) return;
        if (settled && !held.over) {
          this.#world.measures.earnedFees.add(held.part.key.nodeId, held.feeMsat ?? 0n);
        }
        held.over = true;
        this.#world.held.resolved(held.part.key, held.part.id);
        this.#actors.deliver(set, { type: 'final.recorded', partId: final.partId });
      });
    }
  }

  #answerSettle(entry: InvoiceEntry, setId: SetId, answer: SettleResult): void {
    const { settleCalls, options, clock } = this.#world;
    settleCalls.answer(callKey(entry, setId), answer);
    if (!options.autoSettle || answer.result !== 'unavailable') return;
    clock.setTimeout(() => this.#autoSettle(entry, setId), AUTO_SETTLE_RETRY_MS);
  }

  /** Unless the payment has ended since this was planned. */
  #autoSettle(entry: InvoiceEntry, setId: SetId): void {
    if (entry.retired || entry.actor.getSnapshot().status !== 'active') return;
    this.#actors.requestSettle(entry, setId);
  }

  #notify(entry: InvoiceEntry, effect: Extract<InvoiceEffect, { type: 'application.notify' }>): void {
    const { log, accepted, finalStatus } = this.#world;
    const { paymentHash } = entry;
    const { status, setId } = effect;
    if (status === 'accepted') {
      if (setId) this.#announce(entry, setId);
      return;
    }
    if (setId) accepted.withdraw(setId);
    if (status === 'settle_requested') return;
    const reason = effect.reason ?? 'parts_failed';
    this.#measureEnd(entry, status, reason, effect.settledMsat);
    const cause = status === 'settled' ? undefined : reason;
    this.tell(entry, { type: 'invoice.final', status, reason: cause, settledMsat: effect.settledMsat });
    const waiters = finalStatus.finish(
      paymentHash,
      status === 'settled' ? { result: 'settled' } : { result: 'failed', reason },
    );
    const fields = { hash: paymentHash, setID: setId, settledMsat: String(effect.settledMsat), waiters };
    if (status === 'settled') log.debug(fields, 'Invoice settled');
    else if (reason === 'partially_settled')
      log.error({ ...fields, outcome: reason }, 'Invoice partially settled');
    else log.info({ ...fields, outcome: reason }, 'Failed invoice');
  }

  #measureEnd(entry: InvoiceEntry, status: 'settled' | 'failed', reason: string, settledMsat: bigint): void {
    const { measures, clock } = this.#world;
    if (entry.settledAt !== undefined) measures.settleToFinal.observeMs(clock.now() - entry.settledAt);
    if (status === 'settled') {
      measures.settledInvoices += 1;
      measures.settledMsat += settledMsat;
      return;
    }
    measures.failedInvoices.add(reason);
    if (reason === 'partially_settled') measures.partiallySettledMsat += settledMsat;
  }

  /** Milliseconds that the application has to decide on a complete set: none while its decision is being written. */
  #decisionTimeLeft(set: SetEntry | undefined): number {
    const { system, rules } = this.#world.options;
    if (!set || typeof set.actor.getSnapshot().value !== 'string') return 0;
    // Right at the announcement the chart is still on its way into the state that starts the timer.
    return system.timeLeft(set.actor) ?? rules.acceptMs;
  }

  #announce(entry: InvoiceEntry, setId: SetId): void {
    entry.acceptedAt = this.#world.clock.now();
    const { accepted, options, log } = this.#world;
    const attempt = entry.actor.getSnapshot().context.current?.attempt;
    const set = entry.sets.find((s) => s.attempt === attempt);
    const parts = set?.actor.getSnapshot().context.parts ?? [];
    log.debug({ hash: entry.paymentHash, setID: setId, parts: parts.length }, 'Set complete');
    this.tell(entry, { type: 'set.completed', setId, parts: parts.length });
    const height = deadlineHeight(parts, options.rules.deadlineMargin);
    accepted.announce(entry.paymentHash, setId, height, () => this.#decisionTimeLeft(set));
    // Later, since the invoice is still in the middle of becoming accepted.
    if (options.autoSettle) setImmediate(() => this.#autoSettle(entry, setId));
  }
}
