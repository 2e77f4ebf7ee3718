import { barrierHolds, deadlineReached, type ReleaseView } from '../../../src/domain/barrier.ts';
import type { FailResult } from '../../../src/domain/failResult.ts';
import type { SetId } from '../../../src/domain/hash.ts';
import type { PartId } from '../../../src/domain/htlcKey.ts';
import { type Part, sumOfParts } from '../../../src/domain/part.ts';
import { setIdOf } from '../../../src/domain/setId.ts';
import type { InvoiceTerms } from '../../../src/domain/terms.ts';
import type { HtlcSetEffect, RestoredAs } from '../../../src/machines/htlcSet/events.ts';
import type { LifecycleRules } from '../../../src/machines/rules.ts';
import type { Submission } from './database.ts';
import type { Law } from './violation.ts';

/** What the world knows to be true when a set asks for something. */
export interface Moment {
  readonly now: number;
  readonly height: number;
  /** The view in the event that the set is reacting to, if that carries one. */
  readonly view: ReleaseView | undefined;
  readonly terms: InvoiceTerms;
  readonly rules: LifecycleRules;
  settleAsked(setId: SetId): boolean;
  cancelAsked(setId: SetId): boolean;
  isLost(partId: PartId): boolean;
}

type Broken = (law: Law, detail: string) => void;

const RELEASES = ['release', 'requestAndRelease'];
const idsOf = (parts: readonly Part[]) =>
  parts
    .map((p) => p.id)
    .sort()
    .join();

/**
 * The outside bookkeeping about one set: what it asked to be made durable, what was acknowledged, what it sent.
 * It judges each effect at the moment it appears, from the world's facts and not from the chart's own state.
 */
export class SetLaws {
  readonly attempt: string;
  readonly #broken: Broken;
  readonly #startedAt: number;
  #members: readonly Part[] | undefined;
  /** When the set became complete or was handed back to the application. */
  #decidableSince: number | undefined;
  #inFlight: Submission | undefined;
  #failing = false;
  readonly acked = { request: false, release: false, abort: false, fail: false };
  settleSent = false;
  failSent = false;

  constructor(attempt: string, startedAt: number, broken: Broken) {
    this.attempt = attempt;
    this.#startedAt = startedAt;
    this.#broken = broken;
  }

  /** The set is one that came back from the database. */
  restored(as: RestoredAs, parts: readonly Part[]): void {
    this.#members = parts;
    this.acked.request = as !== 'failed';
    this.acked.release = as === 'released';
    this.acked.fail = as === 'failed';
    this.settleSent = as === 'released';
  }

  completed(parts: readonly Part[], now: number): void {
    this.#members = parts;
    this.#decidableSince = now;
  }

  reopened(now: number): void {
    this.#decidableSince = now;
  }

  acknowledged(): void {
    const write = this.#inFlight;
    this.#inFlight = undefined;
    if (!write) return;
    if (write.decision === 'fail') this.acked.fail = true;
    else if (write.decision === 'abort') this.acked.abort = true;
    else {
      this.acked.request = true;
      if (RELEASES.includes(write.decision)) this.acked.release = true;
    }
  }

  notWritten(): void {
    this.#inFlight = undefined;
  }

  /** Judges what the set asks for. */
  judge(effect: HtlcSetEffect, moment: Moment): void {
    switch (effect.type) {
      case 'settlement.commit':
        return this.#judgeCommit(effect, moment);
      case 'htlc.settle':
        return this.#judgeSettle(effect.parts, moment);
      case 'htlc.fail':
        return this.#judgeFail(effect.parts);
      case 'settle.answer':
        if (effect.answer.result === 'requested' && !this.acked.request)
          this.#broken('S8 own acknowledgement', 'settlement promised without an acknowledged request');
        if (effect.answer.result !== 'requested' && this.#inFlight)
          this.#broken('S8 own acknowledgement', `${effect.answer.result} while the write may be durable`);
        return;
      case 'cancel.answer':
        if (!this.acked.fail)
          this.#broken('S8 own acknowledgement', 'canceled without an acknowledged failure');
        return;
      case 'final.record':
        return;
    }
  }

  #judgeCommit(write: Submission, moment: Moment): void {
    const broken = this.#broken;
    if (this.#inFlight) broken('S8 own acknowledgement', `${write.decision} while a write is in flight`);
    this.#inFlight = write;
    if (setIdOf(write.parts.map((p) => p.key)) !== write.setId) broken('S1 authority', 'set id does not fit');
    if (this.#members && idsOf(write.parts) !== idsOf(this.#members))
      broken('S1 authority', 'the members have changed');
    if (write.decision === 'fail' || write.decision === 'abort') this.#judgeGivingUp(write, moment);
    else this.#judgeGoingOn(write, moment);
    this.#members ??= write.parts;
  }

  #judgeGoingOn(write: Submission, { terms, rules, view, settleAsked }: Moment): void {
    const broken = this.#broken;
    const sum = sumOfParts(write.parts);
    const most = rules.exactAmount ? terms.amountMsat : terms.amountMsat * 2n;
    if (sum < terms.amountMsat || sum < (write.parts[0]?.totalMsat ?? 0n) || sum > most)
      broken('S1 authority', `the parts add up to ${sum}`);
    if (this.#failing || this.acked.fail || this.acked.abort)
      broken('S5 monotone', `${write.decision} after the set was given up`);
    if (!this.acked.request && !settleAsked(write.setId))
      broken('S1 authority', 'nobody asked for settlement of this set');
    if ((write.decision === 'release') !== this.acked.request)
      broken('S8 own acknowledgement', `${write.decision} with request acknowledged: ${this.acked.request}`);
    if (RELEASES.includes(write.decision) && !(view && barrierHolds(write.parts, view, rules.deadlineMargin)))
      broken('S3 release barrier', `${write.decision} written while the barrier is down`);
  }

  #judgeGivingUp(write: Submission, moment: Moment): void {
    this.#failing = true;
    if (this.settleSent) this.#broken('S5 monotone', `${write.decision} after a settle was sent`);
    if ((write.decision === 'abort') !== this.acked.request)
      this.#broken('S5 monotone', `${write.decision} with request acknowledged: ${this.acked.request}`);
    if ('reason' in write && !this.#isTrue(write.reason, write, moment))
      this.#broken('true reasons', `given up for ${write.reason}`);
  }

  #isTrue(reason: FailResult, { parts, setId }: Submission, moment: Moment): boolean {
    const { rules, terms, now, height } = moment;
    const seconds = Math.floor(now / 1000);
    switch (reason) {
      case 'mpp_timeout': {
        const held = now - this.#startedAt;
        const complete = this.#decidableSince !== undefined;
        return !complete && (held >= rules.holdMs || seconds >= terms.expiresAt);
      }
      case 'accept_timeout':
        return this.#decidableSince !== undefined && now - this.#decidableSince >= rules.acceptMs;
      case 'canceled':
        return moment.cancelAsked(setId);
      case 'deadline_reached':
        return deadlineReached(parts, height, rules.deadlineMargin);
      case 'part_lost':
        return parts.some((p) => moment.isLost(p.id));
      case 'invoice_expired':
        return seconds >= terms.expiresAt;
      default:
        return true;
    }
  }

  #judgeSettle(parts: readonly Part[], { view, rules }: Moment): void {
    const broken = this.#broken;
    const members = this.#members ?? [];
    if (!this.acked.release) broken('S2 durable before sent', 'settle without an acknowledged release');
    if (this.failSent || this.acked.abort) broken('all or nothing', 'settle after fail');
    for (const part of parts)
      if (!members.some((m) => m.id === part.id)) broken('S7 members only', `settle of ${part.id}`);
    if (!this.settleSent) {
      if (parts.length !== members.length)
        broken('all or nothing', `the first settle names ${parts.length} of ${members.length} parts`);
      if (!(view && barrierHolds(members, view, rules.deadlineMargin)))
        broken('S3 release barrier', 'first settle while the barrier is down');
    }
    this.settleSent = true;
  }

  #judgeFail(parts: readonly Part[]): void {
    const members = this.#members ?? [];
    if (!this.acked.fail && !this.acked.abort)
      this.#broken('S2 durable before sent', 'fail without an acknowledged decision');
    if (this.settleSent) this.#broken('all or nothing', 'fail after settle');
    for (const part of parts)
      if (!members.some((m) => m.id === part.id)) this.#broken('S7 members only', `fail of ${part.id}`);
    this.failSent = true;
  }
}
