import { OP, op } from '../daemon/ops.ts';
import { label, STEP } from './labels.ts';
import {
  BUDGET,
  FLIGHT_AGAIN,
  FLIGHT_EXECUTED,
  FLIGHT_ITEMS,
  flightAt,
  GHOST,
  LEADER,
  PHASE,
  phaseAt,
  refusedAt,
  slotAt,
  spend,
  UNREADY,
} from './layout.ts';
import type { World } from './world.ts';

/** What goes wrong, as long as the scope's budgets last. */
export class FaultSteps {
  readonly #world: World;
  #visit: (label: number) => void = () => {};

  constructor(world: World) {
    this.#world = world;
  }

  expand(visit: (label: number) => void): void {
    const { scope, scene, before } = this.#world;
    this.#visit = visit;
    for (let d = 0; d < scope.daemons; d++) {
      const phase = before[phaseAt(d)];
      if (phase === PHASE.dead) this.#takeover(d);
      else this.#crash(d);
      if (phase === PHASE.live) this.#statement(d);
    }
    for (let node = 0; node < scene.nodes; node++) {
      if (before[slotAt(node)] !== 0) this.#disconnect(node);
      this.#restart(node);
      this.#unsync(node);
    }
  }

  /** kill -9. A statement under way may have been executed; answers under way may have arrived. */
  #crash(d: number): void {
    const world = this.#world;
    const flight = world.before[flightAt(d)]!;
    const isOpen = (flight & FLIGHT_ITEMS) !== 0 && !(flight & FLIGHT_EXECUTED);
    world.begin();
    const underWay = world.answersUnderWay(world.slotsOf(d));
    for (let lost = underWay; ; lost = (lost - 1) & underWay) {
      for (let executed = 0; executed <= (isOpen ? 1 : 0); executed++) {
        const s = world.begin();
        if (!spend(world.words, BUDGET.crash)) return;
        if (executed) world.database.decide(s, d, world.batchOf(d));
        world.end(d, lost);
        this.#visit(label(STEP.crash, d, lost | (executed << 4)));
      }
      if (lost === 0) break;
    }
  }

  /** The lease of a leader that sleeps runs out: two daemons are awake. */
  #takeover(d: number): void {
    const world = this.#world;
    const leader = world.before[LEADER]! - 1;
    const phase = world.before[phaseAt(leader)];
    if (leader === d || (phase !== PHASE.live && phase !== PHASE.starting)) return;
    world.begin();
    if (!spend(world.words, BUDGET.takeover)) return;
    world.start(d);
    this.#visit(label(STEP.takeover, d));
  }

  #disconnect(node: number): void {
    const world = this.#world;
    world.begin();
    const underWay = world.answersUnderWay(1 << node);
    for (let lost = underWay; ; lost = (lost - 1) & underWay) {
      world.begin();
      if (!spend(world.words, BUDGET.disconnect)) return;
      world.freeSlot(node, lost);
      this.#visit(label(STEP.disconnect, node, lost));
      if (lost === 0) break;
    }
  }

  /** The mailbox is RAM: every answer that is not committed is lost. */
  #restart(node: number): void {
    const world = this.#world;
    world.begin();
    const underWay = world.answersUnderWay(1 << node);
    if (world.before[slotAt(node)] === 0 && underWay === 0) return;
    world.begin();
    if (!spend(world.words, BUDGET.lndRestart)) return;
    world.freeSlot(node, underWay);
    this.#visit(label(STEP.lndRestart, node));
  }

  #unsync(node: number): void {
    const world = this.#world;
    if (world.before[UNREADY]! & (1 << node)) return;
    const s = world.begin();
    if (!spend(world.words, BUDGET.unsync)) return;
    s[UNREADY]! |= 1 << node;
    this.#visit(label(STEP.unsync, node));
  }

  // --- the database

  #statement(d: number): void {
    const world = this.#world;
    const flight = world.before[flightAt(d)]!;
    if ((flight & FLIGHT_ITEMS) === 0 || flight & FLIGHT_AGAIN) return;
    const isExecuted = (flight & FLIGHT_EXECUTED) !== 0;
    if (!isExecuted) this.#certainFailure(d);
    // What became of the first submission: 0 nothing, 1 executed, 2 the server still has it.
    for (let fate = 0; fate < 3; fate++) {
      if (isExecuted !== (fate === 1) && (isExecuted || world.scope.daemons === 2)) continue;
      this.#ambiguous(d, fate, isExecuted);
    }
  }

  #certainFailure(d: number): void {
    const world = this.#world;
    const s = world.begin();
    if (!spend(world.words, BUDGET.dbError)) return;
    const items = s[flightAt(d)]! & FLIGHT_ITEMS;
    s[flightAt(d)] = 0;
    world.turn(d, op(OP.failed, items));
    this.#visit(label(STEP.dbError, d));
  }

  /** groupCommit.ts: reported once, then submitted again, unchanged, until there is an acknowledgement. */
  #ambiguous(d: number, fate: number, isExecuted: boolean): void {
    const world = this.#world;
    const s = world.begin();
    if (!spend(world.words, BUDGET.ambiguous)) return;
    const batch = world.batchOf(d);
    if (fate === 1 && !isExecuted) world.database.decide(s, d, batch);
    if (fate === 2) {
      if (s[GHOST] !== 0) return;
      s[GHOST] = world.ghostOf(d, batch);
    }
    if (!this.#concludes(d, batch)) {
      s[flightAt(d)] = batch.length | FLIGHT_AGAIN;
      s[refusedAt(d)] = 0;
      world.turn(d, op(OP.ambiguous, batch.length));
    }
    this.#visit(label(STEP.ambiguous, d, fate));
  }

  /** Flawed designs conclude something from an open outcome. */
  #concludes(d: number, batch: readonly number[]): boolean {
    const world = this.#world;
    const { s, design } = world;
    const { readInsteadOfResubmit, ambiguousIsFailure, ambiguousIsSuccess } = design.flaws;
    if (!readInsteadOfResubmit && !ambiguousIsFailure && !ambiguousIsSuccess) return false;
    const isThere = readInsteadOfResubmit && world.database.holds(s, batch);
    if (isThere || ambiguousIsSuccess) world.acknowledge(d, 0);
    else {
      s[flightAt(d)] = 0;
      world.turn(d, op(OP.failed, batch.length));
    }
    return true;
  }
}
