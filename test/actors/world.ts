import { createHash } from 'node:crypto';
import type { HtlcOffer } from '../../src/actors/ports/nodeLink.ts';
import type { NodeId, PaymentHash, SetId } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import type { Answer, FakeLink } from '../support/fakeLink.ts';
import { FakeStore, type WriteFate } from '../support/fakeStore.ts';
import { ALICE, BOB, type TestPart, testInvoice, testPart } from '../support/payments.ts';
import { turns } from '../support/simulatedClock.ts';
import { type Rig, RULES, startRig } from './rig.ts';

export const HASHES = 3;
/** Nodes give parts back from here on; the world never mines that far, so that lnd is never the one to decide. */
const AUTO_FAIL = 1_061;
const START = 1_000;

/** One thing that happens. Numbers are reduced to what there is. */
export type Step =
  | { readonly do: 'offer'; readonly hash: number; readonly node: number; readonly share: number }
  | { readonly do: 'settle' | 'cancel'; readonly hash: number; readonly old: boolean }
  | { readonly do: 'process' | 'flap'; readonly node: number; readonly times: number }
  | { readonly do: 'disconnect' | 'connect' | 'unsync' | 'giveBack'; readonly node: number }
  | { readonly do: 'mine'; readonly blocks: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'fate'; readonly of: 'decide' | 'finalise'; readonly fate: WriteFate }
  | { readonly do: 'resume' }
  | { readonly do: 'restart'; readonly written: boolean };

const AMOUNT = 12_000n;
const SHARES = [AMOUNT, AMOUNT / 2n, AMOUNT / 3n, AMOUNT / 4n, 0n];

/** Something that must never happen did. */
export class Violation extends Error {}

/** All of lnmux around the supervisor, with an omniscient ledger that looks at every answer before it leaves. */
export class World {
  readonly store = new FakeStore();
  readonly invoices = Array.from({ length: HASHES }, () => testInvoice(AMOUNT));
  readonly parts = new Map<PartId, TestPart>();
  /** How each HTLC ended, over all restarts. */
  readonly finals = new Map<PartId, boolean>();
  /** Every answer that ever left, by HTLC. */
  readonly sent = new Map<PartId, Answer[]>();
  /** Kept rather than thrown: whoever caused one must not be able to catch it. */
  readonly violations: unknown[] = [];
  /** Settle calls that were answered with `requested`, by hash and set. */
  readonly promised = new Map<PaymentHash, SetId>();
  readonly cancelled = new Set<string>();
  readonly counts: Record<string, number> = {};
  rig!: Rig;
  height = START;
  #settledOnce = new Set<PaymentHash>();

  async start(): Promise<void> {
    this.rig = await startRig({
      at: this.store,
      height: this.height,
      rules: { ...RULES, holdMs: 20_000, acceptMs: 40_000 },
    });
    for (const link of this.links)
      link.onAnswer = (answer, offer) => this.#watch(() => this.#judge(link, answer, offer));
  }

  get links(): readonly FakeLink[] {
    return [this.rig.alice, this.rig.bob];
  }

  async run(step: Step): Promise<void> {
    switch (step.do) {
      case 'offer':
        return this.#offer(step.hash, step.node, step.share);
      case 'settle':
      case 'cancel':
        return this.#call(step.do, step.hash, step.old);
      case 'process':
        this.#link(step.node).process(1 + (step.times % 2));
        break;
      case 'flap':
        for (const id of [...this.#link(step.node).held.keys()]) this.#link(step.node).offerAgain(id);
        break;
      case 'disconnect':
        this.#link(step.node).disconnect();
        break;
      case 'connect':
        this.#link(step.node).connect();
        break;
      case 'unsync':
        if (this.#link(step.node).connected) this.#link(step.node).setReady(!this.#link(step.node).ready);
        break;
      case 'giveBack':
        this.#giveBack(this.#link(step.node));
        break;
      case 'mine':
        this.height = Math.min(AUTO_FAIL - 1, this.height + step.blocks);
        for (const link of this.links) if (link.connected) link.block(this.height);
        break;
      case 'wait':
        await this.rig.clock.advance(step.ms);
        break;
      case 'fate':
        this.rig.session[step.of === 'decide' ? 'decideFates' : 'finaliseFates'].push(step.fate);
        break;
      case 'resume':
        this.rig.session.resume();
        break;
      case 'restart':
        return this.#restart(step.written);
    }
    await turns();
    this.#collect();
  }

  /** All faults are over: everything that is held has to come to its end, by time alone. */
  async heal(): Promise<void> {
    for (let round = 0; round < 12; round += 1) {
      this.rig.session.decideFates.length = 0;
      this.rig.session.finaliseFates.length = 0;
      this.rig.session.resume();
      for (const link of this.links) {
        link.connect();
        if (!link.ready) link.setReady(true);
        link.block(this.height);
      }
      await this.rig.clock.advance(15_000);
      for (const link of this.links) link.process();
      await turns();
      this.#collect();
    }
  }

  /** What holds when nothing is under way any more (L1, L3, S9, S10). */
  checkEnd(): void {
    if (this.violations.length > 0) throw this.violations[0];
    const stats = this.rig.supervisor.stats();
    const quiet = { heldHtlcs: 0, invoices: 0, admitting: 0, acceptedSets: 0, waitingForBarrier: 0 };
    for (const [name, value] of Object.entries(quiet)) {
      const found = stats[name as keyof typeof stats];
      if (found !== value) throw new Violation(`at the end ${name} is ${found}`);
    }
    for (const id of this.parts.keys()) {
      if (!this.finals.has(id)) throw new Violation(`${id} never ended`);
    }
    if (this.store.tables.fails.size > 0) throw new Violation('a failed decision was never purged');
    for (const { paymentHash } of this.invoices) this.#checkInvoice(paymentHash);
  }

  #checkInvoice(hash: PaymentHash): void {
    const row = this.store.tables.rows.get(hash)?.invoice;
    const settled = [...this.parts.values()].filter(
      (part) => part.offer.paymentHash === hash && this.finals.get(part.id),
    );
    const sum = settled.reduce((msat, part) => msat + part.offer.outgoingAmountMsat, 0n);
    if (!row) {
      if (sum !== 0n) throw new Violation('money for an invoice without a row');
      if (this.promised.has(hash)) throw new Violation('a settlement was confirmed and is not recorded');
      return;
    }
    if (row.status === 'SETTLE_REQUESTED') throw new Violation('an invoice never became final');
    const members = row.members.reduce((msat, m) => msat + m.amountMsat, 0n);
    if (row.status === 'SETTLED' ? sum !== members || sum < AMOUNT : sum !== 0n) {
      // Only a part that its node gave back by itself after the release may break a set.
      if (row.cause !== 'partially_settled' || row.settledMsat !== sum) {
        throw new Violation(`${row.status} with ${sum} of ${members} msat, cause ${row.cause}`);
      }
      this.#count('partial');
    }
    this.#count(row.status);
    const promised = this.promised.get(hash);
    if (promised && promised !== row.setId)
      throw new Violation('another set than the confirmed one is recorded');
    if (this.cancelled.has(`${hash}${row.setId}`)) throw new Violation('a cancelled set was settled');
  }

  async #offer(hash: number, node: number, share: number): Promise<void> {
    const invoice = this.invoices[hash % HASHES]!;
    const amountMsat = SHARES[share % SHARES.length]!;
    const nodeId: NodeId = node % 2 === 0 ? ALICE : BOB;
    const part = testPart(invoice, { nodeId, amountMsat, autoFailHeight: AUTO_FAIL });
    // Parts that have the bytes of a valid payment; zero ones never do.
    this.parts.set(part.id, part);
    this.#link(node).offer(part.offer);
    await turns();
  }

  async #call(kind: 'settle' | 'cancel', hash: number, old: boolean): Promise<void> {
    const { paymentHash } = this.invoices[hash % HASHES]!;
    const sets = this.rig.accepted.filter((set) => set.paymentHash === paymentHash);
    const set = old ? sets[0] : sets.at(-1);
    if (!set) return;
    const { supervisor } = this.rig;
    if (kind === 'settle') {
      void supervisor.settle(paymentHash, set.setId).then(({ result }) => {
        this.#count(`settle ${result}`);
        if (result !== 'requested') return;
        this.promised.set(paymentHash, set.setId);
        if (!this.cancelled.has(`${paymentHash}${set.setId}`)) return;
        this.violations.push(new Violation('settled after cancel'));
      });
    } else {
      void supervisor.cancel(paymentHash, set.setId).then(({ result }) => {
        this.#count(`cancel ${result}`);
        if (result === 'canceled') this.cancelled.add(`${paymentHash}${set.setId}`);
      });
    }
    await turns();
  }

  /** A node gives the first HTLC back that was not answered: a channel that was force-closed and timed out. */
  #giveBack(link: FakeLink): void {
    for (const [id, offer] of link.held) {
      if ((this.sent.get(id)?.length ?? 0) > 0 || !link.awaitsAnswer(offer.key)) continue;
      // After the release is written the residual is lnd's: such an end is a partial settlement, and recorded.
      link.resolve(id, false);
      this.#count('given back');
      return;
    }
  }

  async #restart(written: boolean): Promise<void> {
    this.#collect();
    const { session, alice, bob } = this.rig;
    session.kill(written);
    await turns();
    const before = [alice, bob];
    for (const link of before) link.onAnswer = () => {};
    await this.start();
    for (const [i, link] of this.links.entries()) {
      for (const [id, settled] of this.finals) link.finals.set(id, settled);
      // As after a reconnect: lookups first, then everything held.
      link.disconnect();
      for (const offer of before[i]!.held.values()) link.held.set(partIdOf(offer.key), offer);
      link.connect();
    }
    this.#count('restart');
    await turns();
    this.#collect();
  }

  #collect(): void {
    for (const link of this.links) for (const [id, settled] of link.finals) this.finals.set(id, settled);
  }

  #link(node: number): FakeLink {
    return this.links[node % 2]!;
  }

  #judge(link: FakeLink, answer: Answer, offer: HtlcOffer): void {
    const part = this.parts.get(answer.id);
    if (!part) throw new Violation('an answer to something unknown');
    const earlier = this.sent.get(answer.id) ?? [];
    this.#count(answer.kind);
    if (answer.kind === 'settle') this.#judgeSettle(answer, offer);
    else this.#judgeFail(answer, part);
    for (const other of earlier) {
      if ((other.kind === 'settle') !== (answer.kind === 'settle')) throw new Violation(`S2: ${answer.id}`);
      // What follows from the bytes alone is not stored; its height is that of the latest offer.
      if (part.offer.outgoingAmountMsat === 0n) continue;
      if (other.kind === 'fail' && answer.kind === 'fail' && !Buffer.from(other.onion).equals(answer.onion)) {
        throw new Violation(`S2: other bytes for ${answer.id}`);
      }
    }
    if (!link.awaitsAnswer(offer.key)) throw new Violation('S7: not offered on this stream');
    this.sent.set(answer.id, [...earlier, answer]);
  }

  #judgeSettle({ id, preimage }: Extract<Answer, { kind: 'settle' }>, offer: HtlcOffer): void {
    const hash = offer.paymentHash;
    const row = this.store.tables.rows.get(hash)?.invoice;
    if (createHash('sha256').update(preimage, 'hex').digest('hex') !== hash) {
      throw new Violation('S1: wrong preimage');
    }
    if (!row?.released || !row.members.some((m) => partIdOf(m.key) === id)) {
      throw new Violation('S1: not a member of a released set');
    }
    if (!this.rig.session.knownReleased.has(`${hash}${row.setId}`)) {
      throw new Violation('S8: sent before this leader knows that the release is durable');
    }
    const sum = row.members.reduce((msat, m) => msat + m.amountMsat, 0n);
    if (sum < AMOUNT || sum > AMOUNT * 2n) throw new Violation(`S1: the set is worth ${sum}`);
    if (this.#settledOnce.has(hash)) return;
    this.#settledOnce.add(hash);
    if (row.members.some((m) => m.status !== 'SETTLE_REQUESTED')) return;
    // A restart may find a released set of which it can't know whether anything was sent: then it settles what comes.
    if (this.#restored(hash)) return;
    for (const { key, autoFailHeight } of row.members) {
      const link = this.links.find(({ nodeId }) => nodeId === key.nodeId)!;
      if (!link.ready || !link.awaitsAnswer(key))
        throw new Violation('S3: a member was not there to be settled');
      if (this.rig.supervisor.height >= autoFailHeight! - RULES.deadlineMargin) {
        throw new Violation('S3: within the margin');
      }
    }
  }

  #restored(hash: PaymentHash): boolean {
    return (this.store.tables.rows.get(hash)?.releaseEpoch ?? 0n) !== this.rig.session.epoch;
  }

  #judgeFail(answer: Exclude<Answer, { kind: 'settle' }>, part: TestPart): void {
    if (part.offer.outgoingAmountMsat === 0n) return;
    if (!this.rig.session.knownFailed.has(answer.id)) {
      throw new Violation('S2: failed before this leader knows that the failure is durable');
    }
    if (answer.kind !== 'fail') return;
    const message = part.read(answer.onion);
    if (message?.code !== 0x400f && message?.code !== 0x17) throw new Violation('an unreadable failure');
  }

  #watch(look: () => void): void {
    try {
      look();
    } catch (error) {
      this.violations.push(error);
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }
}
