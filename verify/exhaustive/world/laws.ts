import { ROW } from '../daemon/ops.ts';
import { AMOUNT, bitCount, bitsOf, MARGIN, type Scene } from '../scene.ts';
import {
  ANSWERED,
  FAILS,
  HTLC,
  heightAt,
  htlcAt,
  LEADER,
  linksAt,
  RELEASER,
  ROW_MEMBERS,
  ROW_STATUS,
  SENT,
  SENT_SETTLES,
  SENT_SOME,
  SETS,
  UNREADY,
} from './layout.ts';

export interface Violation {
  readonly law: string;
  readonly detail: string;
}

/** The safety invariants of the small world; S9 and the like are looked at where money arrives. */
export class Laws {
  violation: Violation | undefined;
  /** A member was given back by its node while another was paid: the residual that no design avoids. */
  partials = 0;
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  broken(law: string, detail: string): void {
    this.violation ??= { law, detail };
  }

  // --- the database

  /** S6: whoever writes leads. */
  wrote(s: Uint8Array, d: number): void {
    if (s[LEADER] !== d + 1) this.broken('S6 fencing', `daemon ${d + 1} wrote, but another one leads`);
  }

  /** S1: members pay what the invoice asks, and never change. */
  members(s: Uint8Array, members: number): void {
    if (s[ROW_STATUS] !== ROW.none) this.broken('S1 authority', 'the members of a requested set changed');
    if (BigInt(bitCount(members)) !== AMOUNT) this.broken('S1 authority', 'the members do not add up');
    if (s[FAILS]! & members)
      this.broken('S2 write-once', 'an HTLC with a durable failure joined a requested set');
  }

  /** S5: states only move forward. */
  rowMoves(s: Uint8Array, d: number, to: number): void {
    const from = s[ROW_STATUS]!;
    const settles = s[SENT]! & SENT_SETTLES;
    if (from === ROW.released && to === ROW.aborted) {
      if (s[RELEASER] !== d + 1)
        this.broken('S5 monotone', 'a release was aborted by another epoch than its own');
      if (settles & (s[ROW_MEMBERS]! | SENT_SOME))
        this.broken('S5 monotone', 'a release was aborted after a settle was sent');
      return;
    }
    const allowed =
      (from === ROW.none && (to === ROW.requested || to === ROW.released)) ||
      (from === ROW.requested && (to === ROW.released || to === ROW.aborted)) ||
      (from === ROW.released && (to === ROW.settled || to === ROW.failed));
    if (!allowed) this.broken('S5 monotone', `the row went from ${from} to ${to}`);
  }

  failWritten(s: Uint8Array, parts: number): void {
    const status = s[ROW_STATUS]!;
    if (status !== ROW.none && status !== ROW.aborted && s[ROW_MEMBERS]! & parts)
      this.broken('S2 write-once', 'a member of a requested set got a durable failure');
  }

  // --- answers to nodes. `book`: what was offered and unanswered when the daemon began its turn.

  settleSent(s: Uint8Array, d: number, k: number, book: number): void {
    const bit = 1 << k;
    const status = s[ROW_STATUS]!;
    const isReleased = status === ROW.released || status === ROW.settled || status === ROW.failed;
    if (!isReleased) this.broken('S1 authority', `h${k + 1} settled without a durable release`);
    else if (!(s[ROW_MEMBERS]! & bit)) this.broken('S1 authority', `h${k + 1} settled, but it is no member`);
    if ((s[SENT]! >> 4) & bit) this.broken('S2 write-once', `h${k + 1} settled after it was failed`);
    if ((s[SENT]! & SENT_SETTLES) === 0) this.#barrier(s, d, book);
    s[SENT]! |= bit;
  }

  /** S3, S4: what must be so when the first settle leaves. A release that an earlier epoch wrote is exempt. */
  #barrier(s: Uint8Array, d: number, book: number): void {
    if (s[RELEASER] !== d + 1) return;
    for (const k of bitsOf(s[ROW_MEMBERS]!)) {
      const node = 1 << this.#scene.nodeOf[k]!;
      if (!(book & (1 << k)) || !(s[linksAt(d)]! & node))
        this.broken(
          'S3 release barrier',
          `the first settle left while h${k + 1} was not there to be answered`,
        );
      if (s[heightAt(d)]! >= this.#scene.autoFail[k]! - MARGIN)
        this.broken(
          'S3 release barrier',
          `the first settle left too close to the auto-fail height of h${k + 1}`,
        );
      if (s[UNREADY]! & node)
        this.broken('S4 fresh height', `the node of h${k + 1} was not ready at the release`);
    }
  }

  failSent(s: Uint8Array, k: number): void {
    const bit = 1 << k;
    const isOver = s[htlcAt(k)]! >= HTLC.settled;
    if (!(s[FAILS]! & bit) && !isOver)
      this.broken('S2 write-once', `h${k + 1} failed without a durable failure`);
    if (s[SENT]! & bit) this.broken('S2 write-once', `h${k + 1} failed after it was settled`);
    s[SENT]! |= bit << 4;
  }

  answeredTwice(k: number): void {
    this.broken('S7 stream hygiene', `h${k + 1} was answered twice: its node ends the stream`);
  }

  // --- money

  /** S9: an HTLC came to its end. */
  ended(s: Uint8Array): void {
    const status = s[ROW_STATUS]!;
    const members = status === ROW.none ? 0 : s[ROW_MEMBERS]!;
    let settled = 0;
    let failed = 0;
    for (let k = 0; k < this.#scene.htlcs; k++) {
      const end = s[htlcAt(k)]!;
      if (end === HTLC.settled) settled |= 1 << k;
      else if (end >= HTLC.failed && members & (1 << k)) failed |= end === HTLC.failed ? 1 : 2;
    }
    if (settled & ~members) this.broken('S9 conservation', 'an HTLC outside of the set was paid');
    if (settled && status < ROW.released) this.broken('S9 conservation', 'paid without a release');
    if (!settled || !failed) return;
    if (failed & 1) this.broken('S9 conservation', 'we failed one part of a set of which another is paid');
    // The members are partly paid since their node gave one back during an outage beyond the margin.
    else this.partials++;
  }

  // --- the application

  settleAnswered(s: Uint8Array, set: number, result: number): void {
    const index = SETS.indexOf(set as never);
    if (result !== 0 || index < 0) {
      if (result === 1 && index >= 0 && (s[ANSWERED]! >> index) & 1)
        this.broken('S10 exactly-once visible', 'a set that was requested is not found any more');
      return;
    }
    if (s[ROW_STATUS] === ROW.none || s[ROW_MEMBERS] !== set)
      this.broken(
        'S10 exactly-once visible',
        'a settle call was answered "requested", but nothing is durable',
      );
    if ((s[ANSWERED]! >> (4 + index)) & 1)
      this.broken('S10 exactly-once visible', 'a cancelled set was settled');
    s[ANSWERED]! |= 1 << index;
  }

  cancelAnswered(s: Uint8Array, set: number, result: number): void {
    const index = SETS.indexOf(set as never);
    if (result !== 0 || index < 0) return;
    if ((s[ANSWERED]! >> index) & 1)
      this.broken('S10 exactly-once visible', 'a set was cancelled after its settlement was confirmed');
    s[ANSWERED]! |= 1 << (4 + index);
  }

  /** What is final in the row never changes (S5); so what is published never changes if it agrees with the row. */
  published(s: Uint8Array, status: number): void {
    const members = bitsOf(s[ROW_MEMBERS]!);
    const isPaid = members.length > 0 && members.every((k) => s[htlcAt(k)] === HTLC.settled);
    if (status === 1 && !isPaid) this.broken('S9 conservation', 'published as settled, but not all is paid');
    if (status === 2 && isPaid) this.broken('S9 conservation', 'published as failed, but all is paid');
    const row = s[ROW_STATUS]!;
    const agrees = status === 1 ? row === ROW.settled : row === ROW.aborted || row === ROW.failed;
    if (!agrees) this.broken('S10 exactly-once visible', 'a final status was published that is not durable');
  }

  /** The shell's own assertions must never fire. */
  alarmed(what: number): void {
    this.broken(
      'no defect',
      what === 0 ? 'an actor ended: the database contradicts it' : 'the shell logged an error',
    );
  }
}
