import { DaemonMemory } from '../daemon/memory.ts';
import { namingsOf } from '../daemon/naming.ts';
import { EFFECT, effectA, effectB, effectKind, envOf, OP, op, ROW, rowStatus } from '../daemon/ops.ts';
import type { Design } from '../design.ts';
import { Scene } from '../scene.ts';
import type { Scope } from '../scopes.ts';
import { ModelDatabase } from './database.ts';
import { forget } from './forget.ts';
import { Laws } from './laws.ts';
import {
  BUDGET,
  type BudgetName,
  BYTES,
  bookAt,
  EVENTS,
  FAILS,
  FLIGHT_ITEMS,
  flightAt,
  GHOST,
  grant,
  HEIGHT,
  HTLC,
  heightAt,
  htlcAt,
  LEADER,
  linksAt,
  MEMORY,
  PHASE,
  phaseAt,
  refusedAt,
  slotAt,
  UNREADY,
  WORDS,
} from './layout.ts';
import { Mirrors } from './mirrors.ts';

interface WorldReductions {
  readonly facts: boolean;
  readonly mirrors: boolean;
}

/**
 * One state in the making, and what daemons, nodes and the database do to it. steps.ts says what can happen when;
 * here is what it comes to.
 */
export class World {
  readonly scope: Scope;
  readonly design: Design;
  readonly scene: Scene;
  readonly memory: DaemonMemory;
  readonly laws: Laws;
  readonly database: ModelDatabase;
  /** The state before the step and the state that becomes of it. */
  readonly before = new Uint8Array(BYTES);
  readonly beforeWords = new Uint32Array(this.before.buffer);
  readonly s = new Uint8Array(BYTES);
  readonly words = new Uint32Array(this.s.buffer);
  readonly #ghosts = new Map<string, number>();
  readonly ghostBatches: { readonly daemon: number; readonly batch: readonly number[] }[] = [];

  readonly #kept = new Uint8Array(BYTES);
  readonly #keptWords = new Uint32Array(this.#kept.buffer);
  readonly #forgets: boolean;
  readonly #mirrors: Mirrors | undefined;

  constructor(scope: Scope, design: Design, { facts, mirrors }: WorldReductions) {
    this.scope = scope;
    this.design = design;
    this.scene = new Scene(scope.nodeOf, scope.autoFail);
    this.#forgets = facts;
    this.#mirrors = mirrors ? new Mirrors(this, scope, this.scene) : undefined;
    this.memory = new DaemonMemory(this.scene, design, mirrors ? namingsOf(this.scene) : [], !facts);
    this.laws = new Laws(this.scene);
    this.database = new ModelDatabase(design.flaws, this.laws);
  }

  /** The first daemon leads; nothing is connected, nothing sent. */
  initial(): Uint32Array {
    this.s.fill(0);
    for (const [name, amount] of Object.entries(this.scope.budgets)) {
      grant(this.words, BUDGET[name as BudgetName], amount);
    }
    this.s[phaseAt(0)] = PHASE.live;
    this.s[LEADER] = 1;
    return Uint32Array.from(this.words);
  }

  load(words: Uint32Array, at: number): void {
    for (let i = 0; i < WORDS; i++) this.beforeWords[i] = words[at + i]!;
  }

  /** Starts a step from the state before. */
  begin(): Uint8Array {
    this.words.set(this.beforeWords);
    return this.s;
  }

  /** The state that stands for the one that was made. */
  standIn(): Uint32Array {
    if (!this.#forgets && !this.#mirrors) return this.words;
    this.#keptWords.set(this.words);
    if (this.#forgets) forget(this.#kept, this.scope);
    return this.#mirrors ? this.#mirrors.canonical(this.#kept, this.#keptWords) : this.#keptWords;
  }

  info(d: number) {
    return this.memory.infos[this.words[MEMORY + d]!]!;
  }

  // --- a daemon's turn

  /** Hands an op to a daemon and carries out what it asks. */
  turn(d: number, code: number): void {
    const { s, words, laws } = this;
    const ready = s[linksAt(d)]! & ~s[UNREADY]!;
    const book = s[bookAt(d)]!;
    const height = this.design.flaws.deafToBlocks ? 0 : s[heightAt(d)]!;
    const { next, effects } = this.memory.apply(words[MEMORY + d]!, code, envOf(book, ready, height));
    words[MEMORY + d] = next;
    for (const effect of effects) {
      const a = effectA(effect);
      switch (effectKind(effect)) {
        case EFFECT.settle:
          this.#answer(d, a, true, book);
          break;
        case EFFECT.fail:
          this.#answer(d, a, false, book);
          break;
        case EFFECT.settleAnswer:
          laws.settleAnswered(s, a, effectB(effect));
          break;
        case EFFECT.cancelAnswer:
          laws.cancelAnswered(s, a, effectB(effect));
          break;
        case EFFECT.status:
          laws.published(s, a);
          break;
        default:
          laws.alarmed(a);
      }
    }
    this.#submit(d);
  }

  /** groupCommit.ts: an idle writer takes at once everything that was submitted in the turn. */
  #submit(d: number): void {
    if (this.s[flightAt(d)] !== 0 || this.s[phaseAt(d)] !== PHASE.live) return;
    this.s[flightAt(d)] = this.info(d).queue.length & FLIGHT_ITEMS;
  }

  /** src/actors/nodeLink/interception.ts settle, fail: one answer per offer of the present stream. */
  #answer(d: number, k: number, isSettle: boolean, book: number): void {
    const { s, scene, laws } = this;
    const node = scene.nodeOf[k]!;
    const bit = 1 << k;
    if (!(s[linksAt(d)]! & (1 << node)) || !(s[bookAt(d)]! & bit)) return;
    if (!this.design.flaws.answerTwice) s[bookAt(d)]! &= ~bit;
    if (isSettle) laws.settleSent(s, d, k, book);
    else laws.failSent(s, k);
    // A half-open stream swallows it.
    if (s[slotAt(node)] !== d + 1) return;
    if (s[htlcAt(k)] === HTLC.held) s[htlcAt(k)] = isSettle ? HTLC.settling : HTLC.failing;
    else if (s[htlcAt(k)] !== HTLC.autoFailed) laws.answeredTwice(k);
  }

  // --- streams

  /** The node's slot gets free; answers in `lost` had not arrived. */
  freeSlot(node: number, lost: number): void {
    const { s } = this;
    s[slotAt(node)] = 0;
    s[EVENTS]! &= ~this.scene.onNode(node);
    this.loseAnswers(lost);
  }

  /** The daemon learns that its stream is gone. */
  notice(d: number, node: number): void {
    const { s } = this;
    s[linksAt(d)]! &= ~(1 << node);
    s[bookAt(d)]! &= ~this.scene.onNode(node);
  }

  loseAnswers(lost: number): void {
    const { s, scene } = this;
    for (let k = 0; k < scene.htlcs; k++) {
      if (!(lost & (1 << k))) continue;
      s[htlcAt(k)] = HTLC.held;
      this.giveBack(k);
    }
  }

  /** lnd fails what it holds at its auto-fail height. */
  giveBack(k: number): void {
    const { s, scene } = this;
    if (s[htlcAt(k)] !== HTLC.held || s[HEIGHT]! < scene.autoFail[k]!) return;
    s[htlcAt(k)] = HTLC.autoFailed;
    this.announceEnd(k);
  }

  announceEnd(k: number): void {
    const { s, scene, laws } = this;
    if (s[slotAt(scene.nodeOf[k]!)] !== 0) s[EVENTS]! |= 1 << k;
    laws.ended(s);
  }

  /** HTLCs of a node, or of all nodes of a daemon, whose answer may still be on the stream. */
  answersUnderWay(nodes: number): number {
    const { s, scene } = this;
    let mask = 0;
    for (let k = 0; k < scene.htlcs; k++) {
      const state = s[htlcAt(k)]!;
      if ((state === HTLC.settling || state === HTLC.failing) && nodes & (1 << scene.nodeOf[k]!))
        mask |= 1 << k;
    }
    return mask;
  }

  slotsOf(d: number): number {
    let nodes = 0;
    for (let node = 0; node < this.scene.nodes; node++)
      if (this.s[slotAt(node)] === d + 1) nodes |= 1 << node;
    return nodes;
  }

  /** A process ends: memory and streams are gone. */
  end(d: number, lost: number): void {
    const { s, words } = this;
    const nodes = this.slotsOf(d);
    words[MEMORY + d] = DaemonMemory.EMPTY;
    s.fill(0, phaseAt(d), refusedAt(d) + 1);
    for (let node = 0; node < this.scene.nodes; node++) if (nodes & (1 << node)) this.freeSlot(node, 0);
    this.loseAnswers(lost);
  }

  /** src/daemon/run: takes the lead. With one daemon nothing can come between that and the recovery. */
  start(d: number): void {
    const { s, words } = this;
    this.database.raiseEpoch(s, d);
    s[GHOST] = 0;
    words[MEMORY + d] = DaemonMemory.EMPTY;
    s[phaseAt(d)] = PHASE.starting;
    if (this.scope.daemons === 1) this.recover(d);
  }

  /** supervisor.ts recover: before any node link exists. high_water may not have been written. */
  recover(d: number): void {
    const { s } = this;
    s[phaseAt(d)] = PHASE.live;
    const row = this.database.row(s);
    const status = rowStatus(row);
    const pending = status === ROW.requested || status === ROW.released ? row : 0;
    if (pending !== 0 || s[FAILS] !== 0) this.turn(d, op(OP.recover, 0, pending | (s[FAILS]! << 15)));
  }

  // --- statements

  ghostOf(d: number, batch: readonly number[]): number {
    const key = `${d}:${batch.join()}`;
    let id = this.#ghosts.get(key);
    if (id === undefined) {
      id = this.ghostBatches.push({ daemon: d, batch: [...batch] });
      this.#ghosts.set(key, id);
    }
    return id;
  }

  batchOf(d: number): readonly number[] {
    return this.info(d).queue.slice(0, this.s[flightAt(d)]! & FLIGHT_ITEMS);
  }

  /** The answer reaches the charts; what they submitted meanwhile goes next. */
  acknowledge(d: number, refused: number): void {
    const items = this.s[flightAt(d)]! & FLIGHT_ITEMS;
    this.s[flightAt(d)] = 0;
    this.s[refusedAt(d)] = 0;
    this.turn(d, op(OP.acknowledged, items, refused));
  }

  fence(d: number): void {
    this.s[flightAt(d)] = 0;
    this.s[refusedAt(d)] = 0;
    this.turn(d, op(OP.fenced));
    this.s[flightAt(d)] = 0;
    this.s[phaseAt(d)] = PHASE.fenced;
  }
}
