import type { CommitOutcome } from '../../../src/actors/outbox/groupCommit.ts';
import type {
  Decision,
  DecisionOutcome,
  FinalRecord,
  StoredInvoice,
} from '../../../src/actors/ports/decisionStore.ts';
import type { NodeLink } from '../../../src/actors/ports/nodeLink.ts';
import { DormantDecisions, partsOf } from '../../../src/actors/supervisor/dormant.ts';
import type { HeldPart, InvoiceEntry, SetEntry } from '../../../src/actors/supervisor/entries.ts';
import { InvoiceActors } from '../../../src/actors/supervisor/invoiceActors.ts';
import { deadlineHeight } from '../../../src/domain/barrier.ts';
import type { NodeId } from '../../../src/domain/hash.ts';
import { type HtlcKey, partIdOf } from '../../../src/domain/htlcKey.ts';
import type { Design } from '../design.ts';
import { HASH, RULES, type Scene, TERMS } from '../scene.ts';
import { ModelHeld } from './modelHeld.ts';
import {
  DECISIONS,
  EFFECT,
  ENV_HEIGHT,
  effect,
  HEARD_NO_MORE,
  OP,
  opA,
  opB,
  opKind,
  submission,
} from './ops.ts';
import { storedFails, storedInvoice } from './stored.ts';
import { type DecisionDone, type FinalDone, surroundingsOf } from './surroundings.ts';
import { fireTimer } from './timers.ts';

interface Submitted {
  readonly code: number;
  readonly entry: InvoiceEntry | undefined;
  readonly done: DecisionDone;
}

/**
 * One daemon's memory for one payment hash. The charts, their shell (InvoiceActors, Effects, decisionOf), HeldHtlcs
 * and DormantDecisions are the real ones. Transcribed here, because the originals are asynchronous:
 *
 * - src/actors/supervisor/supervisor.ts: offered, #answerKnown, #admitted, #route, #routeKnown, #arrive, finalised,
 *   heightChanged, readinessChanged, recover, #wake, #revive, #readmit;
 * - src/actors/outbox/groupCommit.ts: the order of callbacks, what a stopped writer answers.
 *
 * On-chain offers, limits, the onion, auto-settle and the journal are left out.
 */
export class LocalDaemon {
  readonly scene: Scene;
  readonly design: Design;
  readonly held = new ModelHeld();
  readonly dormant = new DormantDecisions();
  readonly actors: InvoiceActors;
  readonly admitting = new Set<number>();
  /** Parts of broken actors that wait to be taken up again. */
  readonly readmitting = new Map<number, HeldPart>();
  readonly readmissions = new Map<number, number>();
  /** Decisions that wait for the database, in the order of submission. */
  queue: Submitted[] = [];
  readonly finals = new Map<number, { settled: boolean; done: FinalDone }>();
  stopped = false;
  effects: number[] = [];
  /** Which bits of the environment were looked at. */
  reads = 0;
  #env = 0;
  /** What the shell looked for in its surroundings in vain. */
  lacking: string[] = [];
  readonly #links = new Map<NodeId, NodeLink>();

  constructor(scene: Scene, design: Design) {
    this.scene = scene;
    this.design = design;
    for (let node = 0; node < scene.nodes; node++) this.#links.set(scene.nodeIds[node]!, this.#link(node));
    const world = surroundingsOf({
      scene,
      design,
      held: this.held,
      links: this.#links,
      height: () => this.#height(),
      say: (code) => void this.effects.push(code),
      decide: (decision, done) => this.#submit(decision, done),
      finalise: (record, done) => this.#submitFinal(record, done),
      lacks: (what) => void this.lacking.push(what),
    });
    this.actors = new InvoiceActors(world, (parts) => this.#onBroken(parts));
  }

  get entry(): InvoiceEntry | undefined {
    return this.actors.get(HASH);
  }

  /** Carries out one op; what it asked of the world is in `effects`, what it looked at in `reads`. */
  run(code: number, env: number): void {
    this.effects = [];
    this.reads = 0;
    this.#env = env;
    const [a, b] = [opA(code), opB(code)];
    switch (opKind(code)) {
      case OP.offered:
        return this.#offered(a);
      case OP.admitted:
        return this.#admitted(a, b);
      case OP.finalised:
        return this.#finalised(a, b === 1);
      case OP.recorded:
        return this.#recorded(a);
      case OP.acknowledged:
        return this.#acknowledged(a, b);
      case OP.failed:
        return this.#report(a, { kind: 'failed', reason: 'the database said no' }, true);
      case OP.ambiguous:
        return this.#report(a, { kind: 'ambiguous' }, false);
      case OP.fenced:
        return this.#fenced();
      case OP.height:
        return this.#heightChanged();
      case OP.look:
        return this.actors.lookAgain();
      case OP.settle:
        return this.actors.requestSettle(this.entry!, this.scene.setIdOf(a));
      case OP.cancel:
        return this.actors.requestCancel(this.entry!, this.scene.setIdOf(a));
      case OP.timer:
        return fireTimer(this.#setOf(a), b);
      case OP.recover:
        return this.#recover(b & 0x7fff, b >> 15);
      case OP.readmit:
        return this.#readmit(a, b);
    }
  }

  #setOf(parts: number): SetEntry {
    return this.entry!.sets.find(
      (set) => this.scene.maskOf(set.actor.getSnapshot().context.parts) === parts,
    )!;
  }

  // supervisor.ts offered and #answerKnown
  #offered(k: number): void {
    const { id, key } = this.scene.parts[k]!;
    const dormant = this.dormant.byMember(id);
    if (dormant) this.#wake(dormant);
    const held = this.held.get(id);
    if (held) {
      const { set } = held;
      if (set && !this.design.flaws.answerOnlyOnce)
        this.actors.deliver(set, { type: 'part.offered', partId: id, view: this.actors.viewOf(set) });
      return;
    }
    if (this.dormant.fail(id)) {
      this.#links.get(key.nodeId)?.failWithCode(key, 'temporary_channel_failure');
      return;
    }
    this.admitting.add(k);
  }

  // supervisor.ts #admitted and #route; the row is read in the same step
  #admitted(k: number, row: number): void {
    this.admitting.delete(k);
    const held = this.held.hold(this.scene.candidates[k]!);
    if (this.entry) return this.#arrive(held);
    this.#routeKnown(held, this.design.flaws.noRowLookup ? undefined : storedInvoice(this.scene, row));
  }

  // supervisor.ts #routeKnown
  #routeKnown(held: HeldPart, row: StoredInvoice | undefined): void {
    if (row && !this.entry) {
      const member = row.members.some((m) => partIdOf(m.key) === held.part.id);
      if (member && row.status !== 'SETTLE_REQUESTED') {
        this.held.release(held.part.id);
        this.#links.get(held.part.key.nodeId)?.settle(held.part.key, row.preimage);
        return;
      }
      if (member) this.held.release(held.part.id);
      this.#revive(this.dormant.byHash(HASH) ?? row);
      if (member) return;
    }
    this.#arrive(held);
  }

  #arrive(held: HeldPart): void {
    const { key, id } = held.part;
    if (!this.#links.get(key.nodeId)?.awaitsAnswer(key)) return this.held.release(id);
    this.actors.arrive(held, TERMS);
  }

  // supervisor.ts finalised
  #finalised(k: number, settled: boolean): void {
    const { id, key } = this.scene.parts[k]!;
    const dormant = this.dormant.byMember(id);
    if (dormant) this.#wake(dormant);
    const held = this.held.get(id);
    if (held?.set) {
      this.actors.deliver(held.set, { type: 'part.finalised', partId: id, settled });
      this.actors.dropIfLost(held);
      return;
    }
    if (!this.dormant.fail(id) || this.stopped) return;
    this.finals.set(k, {
      settled,
      done: (outcome) => {
        if (outcome.kind !== 'done') return;
        this.dormant.forgetFail(id);
        this.held.resolved(key, id);
      },
    });
  }

  #recorded(k: number): void {
    const final = this.finals.get(k)!;
    this.finals.delete(k);
    final.done({ kind: 'done', result: { outcome: 'noted' } });
  }

  // groupCommit.ts #write, acknowledged: callbacks in order, what they submit waits behind the batch
  #acknowledged(items: number, refused: number): void {
    const batch = this.queue.slice(0, items);
    for (const [i, item] of batch.entries()) {
      const result: DecisionOutcome =
        (refused >> i) & 1
          ? { outcome: 'refused', because: 'the database said so' }
          : { outcome: 'committed' };
      item.done({ kind: 'done', result });
    }
    this.queue.splice(0, items);
  }

  #report(items: number, outcome: CommitOutcome<DecisionOutcome>, ends: boolean): void {
    for (const item of this.queue.slice(0, items)) item.done(outcome);
    if (ends) this.queue.splice(0, items);
  }

  #fenced(): void {
    this.stopped = true;
    for (const item of this.queue.splice(0)) item.done({ kind: 'fenced' });
    this.finals.clear();
  }

  // supervisor.ts recover
  #recover(row: number, fails: number): void {
    const { flaws } = this.design;
    const invoice = flaws.forgetInvoices ? undefined : storedInvoice(this.scene, row);
    const invoices = invoice?.status === 'SETTLE_REQUESTED' ? [invoice] : [];
    const stored = storedFails(this.scene, flaws.forgetFails ? 0 : fails);
    this.dormant.load({ invoices, fails: stored, height: 0 });
    for (const recovered of invoices) {
      for (const member of recovered.members) {
        if (member.status === 'SETTLE_REQUESTED') this.held.decided(member.key, partIdOf(member.key));
      }
      if (!recovered.released) this.#wake(recovered);
      else if (flaws.releasedComesBackAsRequested) this.#wake({ ...recovered, released: false });
    }
    for (const fail of stored) this.held.decided(fail.key, partIdOf(fail.key));
  }

  #wake(invoice: StoredInvoice): void {
    this.dormant.wake(invoice);
    this.actors.restore(invoice);
  }

  #revive(invoice: StoredInvoice): void {
    this.#wake(invoice);
    for (const { key } of invoice.members) {
      const partId = partIdOf(key);
      const set = this.held.get(partId)?.set;
      if (!set || !this.#links.get(key.nodeId)?.awaitsAnswer(key)) continue;
      this.actors.deliver(set, { type: 'part.offered', partId, view: this.actors.viewOf(set) });
    }
  }

  // supervisor.ts heightChanged; the world sees to it that heights only rise
  #heightChanged(): void {
    const height = this.#height();
    for (const invoice of [...this.dormant.all()]) {
      if (deadlineHeight(partsOf(invoice), RULES.deadlineMargin) <= height) this.#wake(invoice);
    }
    this.actors.heightReached(height);
  }

  // supervisor.ts #readmit; the pause is an event
  #onBroken(parts: readonly HeldPart[]): void {
    this.effects.push(effect(EFFECT.alarm));
    for (const held of parts) {
      const k = this.scene.indexOf(held.part.id);
      const tries = (this.readmissions.get(k) ?? 0) + 1;
      if (tries > 3) {
        this.readmissions.delete(k);
        this.held.release(held.part.id);
        continue;
      }
      this.readmissions.set(k, tries);
      this.readmitting.set(k, held);
    }
  }

  #readmit(k: number, row: number): void {
    const held = this.readmitting.get(k)!;
    this.readmitting.delete(k);
    if (this.held.get(held.part.id) === held) this.#routeKnown(held, storedInvoice(this.scene, row));
  }

  #height(): number {
    this.reads |= ENV_HEIGHT;
    return this.#env >> 6;
  }

  #link(node: number): NodeLink {
    const { scene, design } = this;
    const send = (kind: number) => (key: { readonly htlcId: bigint }) => {
      this.effects.push(effect(kind, Number(key.htlcId)));
      return true;
    };
    const reading = (bit: number): boolean => {
      this.reads |= bit;
      return design.flaws.blindView === true || (this.#env & bit) !== 0;
    };
    return {
      nodeId: scene.nodeIds[node]!,
      streamId: 1,
      get ready() {
        return design.flaws.ignoreReadiness === true || reading(1 << (4 + node));
      },
      awaitsAnswer: (key) => reading(1 << Number(key.htlcId)),
      settle: send(EFFECT.settle),
      fail: send(EFFECT.fail),
      failWithCode: send(EFFECT.fail),
    };
  }

  #submit(decision: Decision, done: DecisionDone): void {
    if (this.stopped) return done({ kind: 'failed', reason: 'shutting down' });
    const { flaws } = this.design;
    if (flaws.dropQueued && this.queue.length > 0) return;
    const keys: readonly HtlcKey[] =
      'members' in decision
        ? decision.members.map((m) => m.key)
        : 'parts' in decision
          ? decision.parts.map((p) => p.key)
          : [];
    const mask = keys.length > 0 ? this.#maskOfKeys(keys) : this.scene.maskOfSet(decision.setId);
    this.queue.push({ code: submission(DECISIONS.indexOf(decision.kind), mask), entry: this.entry, done });
  }

  #submitFinal(record: FinalRecord, done: FinalDone): void {
    const k = Number(record.key.htlcId);
    // The same word twice is recorded once.
    if (!this.stopped && !this.finals.has(k)) this.finals.set(k, { settled: record.settled, done });
  }

  #maskOfKeys(keys: readonly HtlcKey[]): number {
    return this.scene.maskOf(keys.map((key) => ({ id: partIdOf(key) })));
  }

  holds(): number {
    let mask = 0;
    for (const [k, part] of this.scene.parts.entries()) if (this.held.get(part.id)) mask |= 1 << k;
    return mask;
  }

  unresolved(): number {
    let mask = 0;
    for (let node = 0; node < this.scene.nodes; node++) {
      for (const key of this.held.unresolved(this.scene.nodeIds[node]!)) mask |= 1 << Number(key.htlcId);
    }
    return mask;
  }

  dormantFails(): number {
    return this.scene.maskOf([...this.dormant.allFails()].map((f) => ({ id: partIdOf(f.key) })));
  }

  submissions(): number[] {
    return this.queue.map(({ code, entry }) => (entry?.retired ? code | HEARD_NO_MORE : code));
  }

  toldFinals(): number {
    let mask = 0;
    for (const k of this.finals.keys()) mask |= 1 << k;
    return mask;
  }

  pendingParts(): { admitting: number; readmitting: number } {
    const maskOf = (ks: Iterable<number>) => [...ks].reduce((mask, k) => mask | (1 << k), 0);
    return { admitting: maskOf(this.admitting), readmitting: maskOf(this.readmitting.keys()) };
  }

  dormantRows() {
    return [...this.dormant.all()].map(({ released, members }) => {
      const maskOf = (chosen: typeof members) => this.#maskOfKeys(chosen.map((m) => m.key));
      return {
        released,
        members: maskOf(members),
        settled: maskOf(members.filter((m) => m.status === 'SETTLED')),
        failed: maskOf(members.filter((m) => m.status === 'FAILED')),
      };
    });
  }
}
