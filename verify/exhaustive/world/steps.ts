import { OP, op, opA, opB, ROW, rowCode, rowMembers, rowStatus } from '../daemon/ops.ts';
import { bitsOf } from '../scene.ts';
import { FaultSteps } from './faults.ts';
import { label, STEP } from './labels.ts';
import {
  BUDGET,
  bookAt,
  CORE_WORDS,
  EVENTS,
  FAILS,
  FLIGHT_EXECUTED,
  FLIGHT_FENCED,
  FLIGHT_ITEMS,
  flightAt,
  GHOST,
  HEIGHT,
  HTLC,
  heightAt,
  htlcAt,
  LATE,
  LEADER,
  linksAt,
  MEMORY,
  PHASE,
  phaseAt,
  RELEASER,
  ROW_STATUS,
  refusedAt,
  SENT,
  SENT_SETTLES,
  SETS,
  slotAt,
  spend,
  UNREADY,
} from './layout.ts';
import type { World } from './world.ts';

export type Visit = (label: number) => void;

/** Everything that can happen next. Each step is made in `world.s` and shown to `visit`. */
export class Steps {
  readonly #world: World;
  readonly #faults: FaultSteps;
  #visit: Visit = () => {};

  constructor(world: World) {
    this.#world = world;
    this.#faults = new FaultSteps(world);
  }

  /** All steps from the state that the world has loaded; only those that heal, if `healing`. */
  expand(visit: Visit, healing = false): void {
    const { scope, scene } = this.#world;
    this.#visit = visit;
    for (let d = 0; d < scope.daemons; d++) this.#daemon(d);
    for (let k = 0; k < scene.htlcs; k++) this.#final(k);
    this.#ghost();
    for (let node = 0; node < scene.nodes; node++) this.#node(node);
    if (healing) return;
    for (let k = 0; k < scene.htlcs; k++) this.#send(k);
    for (let d = 0; d < scope.daemons; d++) this.#calls(d);
    this.#block();
    this.#faults.expand(visit);
  }

  #daemon(d: number): void {
    const { before, scene, memory, beforeWords } = this.#world;
    const phase = before[phaseAt(d)]!;
    if (phase === PHASE.dead) return this.#start(d);
    if (phase === PHASE.fenced) return this.#exit(d);
    if (phase === PHASE.starting) return this.#recover(d);
    const info = memory.infos[beforeWords[MEMORY + d]!]!;
    this.#statement(d);
    for (let node = 0; node < scene.nodes; node++) this.#link(d, node);
    for (let k = 0; k < scene.htlcs; k++) {
      const bit = 1 << k;
      // Of what is not decided, the link asks about what its node does not offer (heldHtlcs.ts, missing).
      const missing = info.held & ~before[bookAt(d)]!;
      this.#htlc(d, k, (info.unresolved | missing) & ~info.finals & bit);
      if (info.admitting & bit) this.#read(d, k, STEP.admit, OP.admitted);
      if (info.readmitting & bit) this.#read(d, k, STEP.readmit, OP.readmit);
      if (info.finals & bit) this.#record(d, k, (info.finalsSettled & bit) !== 0);
    }
    for (const timer of info.timers)
      this.#turn(d, timer, label(STEP.timer, d, opA(timer) | (opB(timer) << 4)));
    if (info.waiting) this.#turn(d, op(OP.look), label(STEP.look, d));
  }

  #turn(d: number, code: number, name: number): void {
    this.#world.begin();
    this.#world.turn(d, code);
    this.#visit(name);
  }

  /** A standby leads once the leader is gone. */
  #start(d: number): void {
    const world = this.#world;
    const { before } = world;
    const leader = before[LEADER]! - 1;
    const phase = before[phaseAt(leader)];
    if (leader !== d && (phase === PHASE.live || phase === PHASE.starting)) return;
    world.begin();
    world.start(d);
    this.#visit(label(STEP.start, d));
  }

  /** What is pending is read under the epoch; who finds another one ends. */
  #recover(d: number): void {
    const world = this.#world;
    const s = world.begin();
    if (world.database.passes(s, d) || world.design.flaws.unfencedRecovery) world.recover(d);
    else world.end(d, 0);
    this.#visit(label(STEP.recover, d));
  }

  #exit(d: number): void {
    const world = this.#world;
    world.begin();
    const underWay = world.answersUnderWay(world.slotsOf(d));
    for (let lost = underWay; ; lost = (lost - 1) & underWay) {
      world.begin();
      world.end(d, lost);
      this.#visit(label(STEP.exit, d, lost));
      if (lost === 0) break;
    }
  }

  // --- statements under way

  #statement(d: number): void {
    const world = this.#world;
    const flight = world.before[flightAt(d)]!;
    if ((flight & FLIGHT_ITEMS) === 0) return;
    const s = world.begin();
    if (flight & FLIGHT_EXECUTED) {
      if (flight & FLIGHT_FENCED) world.fence(d);
      else world.acknowledge(d, s[refusedAt(d)]!);
      return this.#visit(label(STEP.acknowledge, d));
    }
    const refused = world.database.decide(s, d, world.batchOf(d));
    // With one daemon nobody can tell when the statement was executed: crashes and open outcomes branch instead.
    if (world.scope.daemons === 1) {
      if (refused < 0) world.fence(d);
      else world.acknowledge(d, refused);
      return this.#visit(label(STEP.acknowledge, d));
    }
    s[flightAt(d)]! |= FLIGHT_EXECUTED | (refused < 0 ? FLIGHT_FENCED : 0);
    s[refusedAt(d)] = Math.max(0, refused);
    this.#visit(label(STEP.execute, d));
  }

  #ghost(): void {
    const world = this.#world;
    const ghost = world.before[GHOST]!;
    if (ghost === 0) return;
    const { daemon, batch } = world.ghostBatches[ghost - 1]!;
    const s = world.begin();
    s[GHOST] = 0;
    this.#visit(label(STEP.ghostVanishes));
    world.begin();
    s[GHOST] = 0;
    world.database.decide(s, daemon, batch);
    for (const k of bitsOf(s[FAILS]! & ~world.before[FAILS]!)) {
      if (s[htlcAt(k)]! >= HTLC.settled) s[LATE]! |= 1 << k;
    }
    this.#visit(label(STEP.ghostExecutes, daemon));
  }

  #record(d: number, k: number, settled: boolean): void {
    const world = this.#world;
    const s = world.begin();
    if (world.database.finalise(s, d, k, settled)) world.turn(d, op(OP.recorded, k));
    else world.fence(d);
    this.#visit(label(STEP.record, d, k));
  }

  /**
   * Steps of the daemon that read the row in the same moment, where memory knows nothing of the hash
   * (src/actors/supervisor/invoiceLookups.ts). A read that finds another leader acts on nothing. A daemon that knows the
   * hashes of all rows does not read where there is none (storedHashes.ts): what it knows is as old as its epoch, so that
   * one who was deposed may miss any row.
   */
  #read(d: number, k: number, step: number, kind: typeof OP.admitted | typeof OP.readmit): void {
    const world = this.#world;
    const s = world.begin();
    const { database, design } = world;
    const isReading = kind === OP.readmit || !world.info(d).hasEntry;
    const isStale = isReading && !design.flaws.unfencedLookup && !database.passes(s, d);
    if (isStale) world.fence(d);
    else world.turn(d, op(kind, k, database.row(s)));
    this.#visit(label(step, d, k));
    if (!isStale) return;
    world.begin();
    world.turn(d, op(kind, k, rowCode(ROW.none, 0, 0, 0)));
    this.#visit(label(step, d, k));
  }

  // --- links

  #link(d: number, node: number): void {
    const world = this.#world;
    const { before } = world;
    const bit = 1 << node;
    const slot = before[slotAt(node)]!;
    if (before[linksAt(d)]! & bit) {
      if (slot === d + 1) {
        if (world.scope.daemons === 2 && before[LEADER] !== d + 1) this.#kick(d, node);
        return;
      }
      world.begin();
      world.notice(d, node);
      return this.#visit(label(STEP.notice, d, node));
    }
    if (slot !== 0) return;
    const s = world.begin();
    s[slotAt(node)] = d + 1;
    this.hear(d);
    s[linksAt(d)]! |= bit;
    if (!(s[UNREADY]! & bit)) world.turn(d, op(OP.look));
    this.#visit(label(STEP.connect, d, node));
  }

  /** A height that is new to the daemon (interception.ts heightChanged, supervisor.ts heightChanged). */
  hear(d: number): void {
    const { s, scene, design } = this.#world;
    const height = s[HEIGHT]!;
    if (height <= s[heightAt(d)]!) return;
    for (let k = 0; k < scene.htlcs; k++) if (scene.autoFail[k]! <= height) s[bookAt(d)]! &= ~(1 << k);
    s[heightAt(d)] = height;
    if (!design.flaws.deafToBlocks) this.#world.turn(d, op(OP.height));
  }

  /** lnd ends the stream of a client that sleeps: a leader that lost the lead without knowing. */
  #kick(d: number, node: number): void {
    const world = this.#world;
    world.begin();
    const underWay = world.answersUnderWay(1 << node);
    for (let lost = underWay; ; lost = (lost - 1) & underWay) {
      world.begin();
      world.freeSlot(node, lost);
      this.#visit(label(STEP.kick, d, node | (lost << 4)));
      if (lost === 0) break;
    }
  }

  #htlc(d: number, k: number, isLookedFor: number): void {
    const world = this.#world;
    const { before, scene, design } = world;
    const node = scene.nodeOf[k]!;
    if (before[slotAt(node)] !== d + 1 || !(before[linksAt(d)]! & (1 << node))) return;
    const bit = 1 << k;
    const state = before[htlcAt(k)]!;
    if (state === HTLC.held && !(before[bookAt(d)]! & bit)) {
      world.begin()[bookAt(d)]! |= bit;
      world.turn(d, op(OP.offered, k));
      this.#visit(label(STEP.deliver, d, k));
    }
    if (state < HTLC.settled) return;
    const final = op(OP.finalised, k, state === HTLC.settled ? 1 : 0);
    if (before[EVENTS]! & bit) {
      world.begin()[EVENTS]! &= ~bit;
      world.turn(d, final);
      this.#visit(label(STEP.event, d, k));
    } else if (isLookedFor && !design.flaws.noOutcomeLookup) this.#turn(d, final, label(STEP.lookup, d, k));
  }

  // --- lnd and the payer

  #final(k: number): void {
    const world = this.#world;
    const state = world.before[htlcAt(k)]!;
    if (state !== HTLC.settling && state !== HTLC.failing) return;
    world.begin()[htlcAt(k)] = state === HTLC.settling ? HTLC.settled : HTLC.failed;
    world.announceEnd(k);
    this.#visit(label(STEP.final, k));
  }

  #node(node: number): void {
    const world = this.#world;
    const bit = 1 << node;
    if (!(world.before[UNREADY]! & bit)) return;
    const s = world.begin();
    s[UNREADY]! &= ~bit;
    for (let d = 0; d < world.scope.daemons; d++) {
      if (s[phaseAt(d)] === PHASE.live && s[linksAt(d)]! & bit) world.turn(d, op(OP.look));
    }
    this.#visit(label(STEP.sync, node));
  }

  #send(k: number): void {
    const world = this.#world;
    const { before, scene } = world;
    if (before[htlcAt(k)] !== HTLC.unsent || before[HEIGHT]! >= scene.autoFail[k]!) return;
    world.begin()[htlcAt(k)] = HTLC.held;
    this.#visit(label(STEP.send, k));
  }

  /** A block that every node and every connected daemon hears of. */
  #block(): void {
    const world = this.#world;
    const { before, scene, scope } = world;
    const height = before[HEIGHT]! + 1;
    if (height > scope.maxHeight || this.#isTooFast(height)) return;
    const s = world.begin();
    s[HEIGHT] = height;
    for (let k = 0; k < scene.htlcs; k++) world.giveBack(k);
    for (let d = 0; d < scope.daemons; d++) {
      const heard = world.slotsOf(d) & s[linksAt(d)]!;
      if (s[phaseAt(d)] === PHASE.live && heard) this.hear(d);
    }
    this.#visit(label(STEP.block));
  }

  /**
   * The margin is long (six blocks by default) against a message on a working stream. So a block does not take a
   * part of a released set away while the leader is up, connected to its node, and has nothing left but to send.
   */
  #isTooFast(height: number): boolean {
    const { before, scene, database, scope } = this.#world;
    if (before[ROW_STATUS] !== ROW.released) return false;
    const leader = before[LEADER]! - 1;
    if (before[phaseAt(leader)] !== PHASE.live || scope.daemons <= leader) return false;
    const isSending = (before[SENT]! & SENT_SETTLES) !== 0 || before[RELEASER] !== leader + 1;
    if (!isSending) return false;
    return bitsOf(rowMembers(database.row(before))).some((k) => {
      const node = scene.nodeOf[k]!;
      const isConnected = before[slotAt(node)] === leader + 1 && before[linksAt(leader)]! & (1 << node);
      return isConnected && before[htlcAt(k)] === HTLC.held && scene.autoFail[k]! <= height;
    });
  }

  // --- the application

  #calls(d: number): void {
    const { before, scene } = this.#world;
    if (before[phaseAt(d)] !== PHASE.live) return;
    for (const set of SETS) {
      if (set >> scene.htlcs) continue;
      this.#call(d, set, BUDGET.settle, STEP.settleCall);
      this.#call(d, set, BUDGET.cancel, STEP.cancelCall);
    }
  }

  #call(d: number, set: number, budget: number, step: number): void {
    const world = this.#world;
    world.begin();
    if (!spend(world.words, budget)) return;
    const isSettle = step === STEP.settleCall;
    if (world.info(d).hasEntry) world.turn(d, op(isSettle ? OP.settle : OP.cancel, set));
    else this.#answerFromRow(set, isSettle);
    // A call that changes nothing leads where less can happen than here.
    if (!world.laws.violation && this.#isUnchanged()) return;
    this.#visit(label(step, d, set));
  }

  /** Whether nothing but a budget differs from the state before. */
  #isUnchanged(): boolean {
    const { words, beforeWords } = this.#world;
    for (let i = 0; i < CORE_WORDS; i++) if (words[i] !== beforeWords[i]) return false;
    return true;
  }

  /** src/actors/supervisor/applicationCalls.ts settle, cancel: without an actor the row answers. */
  #answerFromRow(set: number, isSettle: boolean): void {
    const { s, laws, database } = this.#world;
    const row = database.row(s);
    const status = rowStatus(row);
    const isFound = status !== ROW.none && rowMembers(row) === set;
    if (!isSettle) return laws.cancelAnswered(s, set, isFound ? 2 : 1);
    const isFailed = status === ROW.aborted || status === ROW.failed;
    laws.settleAnswered(s, set, isFound ? (isFailed ? 2 : 0) : 1);
  }
}
