import type { SetId } from '../../../src/domain/hash.ts';
import type { SettleAnswer } from '../../../src/machines/htlcSet/events.ts';
import type { InvoiceEffect } from '../../../src/machines/invoice/events.ts';
import type { ModelDatabase } from './database.ts';
import type { Law } from './violation.ts';

type Notification = Extract<InvoiceEffect, { type: 'application.notify' }>;

/** What the application was told about one payment hash, over all restarts, and what it asked. */
export class InvoiceLaws {
  readonly #broken: (law: Law, detail: string) => void;
  readonly #database: ModelDatabase;
  readonly accepted = new Set<SetId>();
  /** Announced and not taken back, by the process that runs now. */
  readonly #onOffer = new Set<SetId>();
  readonly #promised = new Set<SetId>();
  readonly #canceled = new Set<SetId>();
  readonly settleAsked = new Set<SetId>();
  readonly cancelAsked = new Set<SetId>();
  readonly settleWaiting = new Set<SetId>();
  readonly cancelWaiting = new Set<SetId>();
  #final: Notification | undefined;
  #requested = false;

  constructor(database: ModelDatabase, broken: (law: Law, detail: string) => void) {
    this.#database = database;
    this.#broken = broken;
  }

  asksSettle(setId: SetId): void {
    this.settleAsked.add(setId);
    this.settleWaiting.add(setId);
  }

  asksCancel(setId: SetId): void {
    this.cancelAsked.add(setId);
    this.cancelWaiting.add(setId);
  }

  /** Whoever was waiting is gone with the process. */
  restarted(): void {
    this.settleWaiting.clear();
    this.cancelWaiting.clear();
    this.settleAsked.clear();
    this.cancelAsked.clear();
    this.#onOffer.clear();
    this.#requested = false;
  }

  settleAnswered(setId: SetId, answer: SettleAnswer): void {
    this.settleWaiting.delete(setId);
    const stored = this.#database.set;
    const isDurable = stored?.setId === setId;
    if (answer.result === 'requested') {
      if (!isDurable) this.#broken('S10 exactly once visible', 'settlement promised, but nothing is durable');
      if (this.#canceled.has(setId)) this.#broken('S10 exactly once visible', 'settled after cancel');
      this.#promised.add(setId);
    }
    if (answer.result === 'not_found' && this.#promised.has(setId))
      this.#broken('S10 exactly once visible', 'a promised settlement is not found');
    if (answer.result === 'unavailable' && this.#promised.has(setId))
      this.#broken('S10 exactly once visible', 'a promised settlement is unavailable');
  }

  cancelAnswered(setId: SetId, answer: 'canceled' | 'not_found' | 'settle_already_requested'): void {
    this.cancelWaiting.delete(setId);
    if (answer === 'canceled') {
      if (this.#promised.has(setId)) this.#broken('S10 exactly once visible', 'canceled after settle');
      this.#canceled.add(setId);
    }
    if (answer === 'not_found' && this.#promised.has(setId))
      this.#broken('S10 exactly once visible', 'a promised settlement is not found by cancel');
  }

  judge(effect: InvoiceEffect): void {
    switch (effect.type) {
      case 'application.notify':
        return this.#judgeNotification(effect);
      case 'application.withdraw':
        if (!this.#onOffer.delete(effect.setId))
          this.#broken('S10 exactly once visible', 'withdrawn, but not on offer');
        if (this.#requested) this.#broken('S10 exactly once visible', 'withdrawn after settle_requested');
        return;
      case 'settle.answer':
        return this.settleAnswered(effect.setId, effect.answer);
      case 'cancel.answer':
        return this.cancelAnswered(effect.setId, effect.answer);
      case 'set.started':
        return;
    }
  }

  #judgeNotification(note: Notification): void {
    const broken = (detail: string) => this.#broken('S10 exactly once visible', detail);
    if (this.#final) broken(`${note.status} after ${this.#final.status}`);
    if (note.status === 'accepted') {
      if (!note.setId || this.#onOffer.has(note.setId)) return broken('accepted twice');
      this.accepted.add(note.setId);
      this.#onOffer.add(note.setId);
      return;
    }
    const stored = this.#database.set;
    if (!stored || stored.setId !== note.setId) return broken(`${note.status}, but it is not durable`);
    if (note.status === 'settle_requested') {
      if (this.#requested) broken('settle_requested twice');
      this.#requested = true;
      return;
    }
    this.#final = note;
    this.#judgeEnd(note, stored.status);
  }

  #judgeEnd(note: Notification, durable: string): void {
    const stored = this.#database.set!;
    const settled = stored.parts.filter((p) => this.#database.finals.get(p.id));
    const sum = settled.reduce((total, p) => total + p.amountMsat, 0n);
    const expected =
      note.status === 'settled' ? durable === 'settled' : durable === 'failed' || durable === 'aborted';
    if (!expected) this.#broken('S10 exactly once visible', `${note.status}, but the rows say ${durable}`);
    if (note.settledMsat !== sum)
      this.#broken('S10 exactly once visible', `told of ${note.settledMsat} msat, ${sum} arrived`);
    if (note.status === 'failed' && (note.reason === 'partially_settled') !== sum > 0n)
      this.#broken('S10 exactly once visible', `reason ${note.reason} with ${sum} msat arrived`);
  }
}
