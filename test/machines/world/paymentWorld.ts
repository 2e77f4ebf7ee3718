import type { InspectionEvent } from 'xstate';
import { createActorSystem } from '../../../src/actors/actorSystem.ts';
import type { HtlcSetActor, InvoiceActor } from '../../../src/actors/supervisor/entries.ts';
import type { ReleaseView } from '../../../src/domain/barrier.ts';
import type { NodeId, SetId } from '../../../src/domain/hash.ts';
import type { PartId } from '../../../src/domain/htlcKey.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { InvoiceTerms } from '../../../src/domain/terms.ts';
import type { HtlcSetEffect, HtlcSetEvent } from '../../../src/machines/htlcSet/events.ts';
import type { htlcSetMachine } from '../../../src/machines/htlcSet/machine.ts';
import type { InvoiceEffect, InvoiceEvent, InvoiceInput } from '../../../src/machines/invoice/events.ts';
import type { invoiceMachine } from '../../../src/machines/invoice/machine.ts';
import type { LifecycleRules } from '../../../src/machines/rules.ts';
import { ModelDatabase, type Submission } from './database.ts';
import { InvoiceLaws } from './invoiceLaws.ts';
import { ManualClock } from './manualClock.ts';
import { HASH, rulesOf, START_HEIGHT, termsAt } from './scene.ts';
import { findSecret } from './secrets.ts';
import { SetLaws } from './setLaws.ts';
import { type Law, Violation } from './violation.ts';

/** One HTLC as its node has it. */
export interface HeldHtlc {
  readonly part: Part;
  attempt: string | undefined;
  lnd: 'offered' | 'away' | 'final';
  /** Handed to lnd, which may forget it on a restart. */
  answer: 'settle' | 'fail' | undefined;
  final: boolean | undefined;
}

/** A set actor, as whoever carries out its effects sees it. */
export interface LiveSet {
  readonly attempt: string;
  readonly ref: HtlcSetActor;
  readonly laws: SetLaws;
  write: { readonly submission: Submission; isUnknown: boolean } | undefined;
  readonly toRecord: { readonly partId: PartId; readonly settled: boolean }[];
}

export interface Charts {
  readonly invoice: typeof invoiceMachine;
  readonly htlcSet: typeof htlcSetMachine;
}

/**
 * One invoice with its sets as real actors, and around them a model of everything they talk to: the database, the
 * nodes that hold the HTLCs, the application and the clock. It carries out effects the way the product does and
 * holds each of them against the laws.
 */
export class PaymentWorld {
  readonly clock = new ManualClock();
  readonly database = new ModelDatabase();
  readonly laws: InvoiceLaws;
  readonly trace: string[] = [];
  readonly htlcs = new Map<PartId, HeldHtlc>();
  readonly sets = new Map<string, LiveSet>();
  readonly terms: InvoiceTerms;
  readonly rules: LifecycleRules;
  height = START_HEIGHT;
  subscribed = true;
  /** Nodes that are not synced to the chain, or hear no blocks: nothing may be released on their word. */
  readonly unsynced = new Set<NodeId>();
  /** Another leader has taken over, or the database contradicts an actor: only a restart helps. */
  isDead = false;
  invoice!: InvoiceActor;
  readonly #charts: Charts;
  readonly #observe: ((event: InspectionEvent) => void) | undefined;
  #violation: Violation | undefined;
  #view: ReleaseView | undefined;
  #stop: () => void = () => {};

  constructor(charts: Charts, exactAmount: boolean, observe?: (event: InspectionEvent) => void) {
    this.#charts = charts;
    this.#observe = observe;
    this.rules = rulesOf(exactAmount);
    this.terms = termsAt(this.clock.now());
    this.laws = new InvoiceLaws(this.database, (law, detail) => this.broken(law, detail));
    this.#begin();
  }

  /** The first broken law counts: handlers run inside actors, which must not see an exception of ours. */
  broken(law: Law, detail: string): void {
    this.#violation ??= new Violation(law, detail, [...this.trace]);
  }

  check(): void {
    if (this.#violation) throw this.#violation;
  }

  toInvoice(event: InvoiceEvent): void {
    this.#deliver(event, () => this.invoice.send(event));
  }

  toSet(set: LiveSet, event: HtlcSetEvent): void {
    const isLive = this.sets.get(set.attempt) === set;
    if (isLive) this.#deliver(event, () => set.ref.send(event));
  }

  passTime(ms: number): void {
    this.#deliver({ type: 'time.passed' }, () => this.clock.advance(ms));
  }

  /** Kills the process and starts it again on what is durable. What was only in memory is offered again later. */
  restart(): void {
    this.trace.push('restart');
    this.#stop();
    this.sets.clear();
    this.laws.restarted();
    this.isDead = false;
    for (const htlc of this.htlcs.values()) {
      if (htlc.lnd !== 'final') htlc.lnd = 'away';
      htlc.attempt = undefined;
    }
    this.#begin();
  }

  stop(): void {
    this.#stop();
  }

  /** The facts that the release barrier of this set depends on, now. */
  viewOf(set: LiveSet): ReleaseView {
    const { parts } = set.ref.getSnapshot().context;
    const absent = parts.map((p) => p.id).filter((id) => !this.#isAnswerable(id));
    return { height: this.height, absent };
  }

  viewFor(setId: SetId): ReleaseView {
    for (const set of this.sets.values())
      if (set.ref.getSnapshot().context.setId === setId) return this.viewOf(set);
    return { height: this.height, absent: [] };
  }

  /** Every fact that the charts hold, as text: equal texts are equal states. */
  state(): string {
    const parts: unknown[] = [];
    const add = (
      name: string,
      ref: { getSnapshot(): { status: string; value: unknown; context: object } },
    ) => {
      const { status, value, context } = ref.getSnapshot();
      parts.push([name, status, value, context]);
    };
    add('invoice', this.invoice);
    for (const [attempt, set] of this.sets) add(attempt, set.ref);
    return JSON.stringify(parts, (key, value) =>
      key === 'ref' || key === 'rules' ? undefined : typeof value === 'bigint' ? String(value) : value,
    );
  }

  /** Parts whose failure or settlement no set actor looks after any more: the rows alone answer them. */
  isAnsweredByRow(partId: PartId): boolean {
    return this.database.fails.has(partId) || this.#isMemberOf('aborted', partId);
  }

  #isMemberOf(status: string, partId: PartId): boolean {
    const { set } = this.database;
    return set?.status === status && set.parts.some((p) => p.id === partId);
  }

  #isAnswerable(id: PartId): boolean {
    const htlc = this.htlcs.get(id);
    const isOffered = htlc?.lnd === 'offered' && htlc.answer === undefined;
    return isOffered && !this.unsynced.has(htlc.part.key.nodeId);
  }

  #begin(): void {
    const system = createActorSystem(this.clock);
    const { set } = this.database;
    const restored: InvoiceInput['restored'] = set && {
      as: set.status === 'aborted' ? 'failed' : set.status,
      setId: set.setId,
      parts: set.parts,
    };
    if (this.#observe) system.inspect(this.#observe);
    const input = { paymentHash: HASH, terms: this.terms, rules: this.rules, ...(restored && { restored }) };
    const actor = system.spawn(this.#charts.invoice, { id: 'invoice', input }) as InvoiceActor;
    this.invoice = actor;
    this.#stop = () => {
      // An actor below a root can't be stopped from outside; a process that dies does not ask.
      (actor as unknown as { _stop(): void })._stop();
      system.stop();
    };
    actor.on('*', (effect) => this.#onInvoice(effect as InvoiceEffect));
    actor.subscribe({ error: (error) => this.broken('total', String(error)) });
    actor.start();
    this.#afterwards();
  }

  #deliver(event: { readonly type: string }, send: () => void): void {
    this.#view = 'view' in event ? (event.view as ReleaseView) : undefined;
    const secret = findSecret(event);
    if (secret) this.broken('S13 secrecy', secret);
    send();
    this.#view = undefined;
    this.#afterwards();
  }

  #onInvoice(effect: InvoiceEffect): void {
    this.trace.push(`    invoice asks ${effect.type}${'status' in effect ? ` ${effect.status}` : ''}`);
    this.#noSecret(effect);
    if (effect.type === 'set.started') this.#adopt(effect.attempt);
    if (effect.type === 'application.notify' && effect.status === 'accepted') this.#judgeComplete();
    this.laws.judge(effect);
  }

  #judgeComplete(): void {
    const attempt = this.invoice.getSnapshot().context.current?.attempt;
    const set = attempt === undefined ? undefined : this.sets.get(attempt);
    if (set) set.laws.completed(set.ref.getSnapshot().context.parts, this.clock.now());
  }

  #adopt(attempt: string): void {
    const ref = this.invoice.getSnapshot().children[attempt] as HtlcSetActor | undefined;
    if (!ref) return this.broken('total', `set ${attempt} was announced, but is not there`);
    const laws = new SetLaws(attempt, this.clock.now(), (law, detail) => this.broken(law, detail));
    const set: LiveSet = { attempt, ref, laws, write: undefined, toRecord: [] };
    const { restoredAs, parts } = ref.getSnapshot().context;
    if (restoredAs) laws.restored(restoredAs, parts);
    this.sets.set(attempt, set);
    ref.on('*', (effect) => this.#onSet(set, effect as HtlcSetEffect));
    ref.subscribe({ error: (error) => this.broken('total', String(error)) });
  }

  #onSet(set: LiveSet, effect: HtlcSetEffect): void {
    this.trace.push(
      `    set ${set.attempt} asks ${effect.type}${'decision' in effect ? ` ${effect.decision}` : ''}` +
        `${'reason' in effect ? ` (${effect.reason})` : ''}`,
    );
    this.#noSecret(effect);
    set.laws.judge(effect, {
      now: this.clock.now(),
      height: this.height,
      view: this.#view,
      terms: this.terms,
      rules: this.rules,
      settleAsked: (setId) => this.laws.settleAsked.has(setId),
      cancelAsked: (setId) => this.laws.cancelAsked.has(setId),
      isLost: (id) => this.htlcs.get(id)?.lnd === 'final',
    });
    switch (effect.type) {
      case 'settlement.commit':
        set.write = { submission: effect, isUnknown: false };
        return;
      case 'htlc.settle':
      case 'htlc.fail':
        for (const part of effect.parts)
          this.answer(part.id, effect.type === 'htlc.settle' ? 'settle' : 'fail');
        return;
      case 'final.record':
        set.toRecord.push(...effect.finals);
        return;
      case 'settle.answer':
        if (effect.answer.result === 'unavailable') set.laws.reopened(this.clock.now());
        return this.laws.settleAnswered(effect.setId, effect.answer);
      case 'cancel.answer':
        return this.laws.cancelAnswered(effect.setId, effect.answer);
    }
  }

  /** Hands an answer to lnd, which takes it only for an HTLC that it offers and that has none. */
  answer(id: PartId, answer: 'settle' | 'fail'): void {
    const htlc = this.htlcs.get(id);
    if (htlc?.lnd === 'offered' && htlc.answer === undefined) htlc.answer = answer;
  }

  #noSecret(effect: object): void {
    const secret = findSecret(effect);
    if (secret) this.broken('S13 secrecy', secret);
  }

  /** What can only be judged when everything has come to rest. */
  #afterwards(): void {
    for (const [attempt, set] of this.sets) {
      const { status, value, context } = set.ref.getSnapshot();
      const secret = findSecret(context);
      if (secret) this.broken('S13 secrecy', secret);
      for (const part of context.parts) this.#assign(part.id, attempt);
      if (status === 'active') {
        this.#judgeWaiting(set);
        continue;
      }
      this.sets.delete(attempt);
      if (value === 'abandoned' || value === 'quarantined') this.isDead = true;
      else this.#judgeClosed(set, value as string);
    }
    const secret = findSecret(this.invoice.getSnapshot().context);
    if (secret) this.broken('S13 secrecy', secret);
  }

  #assign(id: PartId, attempt: string): void {
    const htlc = this.htlcs.get(id);
    if (!htlc) return this.broken('one set per part', `${id} was never offered`);
    if (htlc.attempt !== undefined && htlc.attempt !== attempt)
      this.broken('one set per part', `${id} is in sets ${htlc.attempt} and ${attempt}`);
    htlc.attempt = attempt;
  }

  /** lnd gave a part back while nothing was sent: the rest must not be held any longer. */
  #judgeWaiting({ attempt, laws, write, ref }: LiveSet): void {
    const isWaiting = laws.acked.request && !laws.settleSent && !laws.acked.abort && !write;
    if (!isWaiting || ref.getSnapshot().matches({ aborting: 'retrying' })) return;
    if (ref.getSnapshot().context.reported.length > 0)
      this.broken('L4 hopeless sets end', `set ${attempt} has lost a part and waits`);
  }

  #judgeClosed(set: LiveSet, value: string): void {
    for (const part of set.ref.getSnapshot().context.parts) {
      const htlc = this.htlcs.get(part.id);
      if (htlc?.lnd !== 'final')
        this.broken('L1 everything ends', `${part.id} is not final, but its set ended`);
      if (value === 'final' && !this.database.finals.has(part.id))
        this.broken('L1 everything ends', `the end of ${part.id} is not recorded`);
    }
  }
}
