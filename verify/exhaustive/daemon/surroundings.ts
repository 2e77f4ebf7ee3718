import { createActorSystem } from '../../../src/actors/actorSystem.ts';
import { CoreMeasures } from '../../../src/actors/measures/coreMeasures.ts';
import type { CommitOutcome } from '../../../src/actors/outbox/groupCommit.ts';
import type {
  Decision,
  DecisionOutcome,
  FinalRecord,
  RecordedFinal,
} from '../../../src/actors/ports/decisionStore.ts';
import type { NodeLink } from '../../../src/actors/ports/nodeLink.ts';
import type { EffectWorld } from '../../../src/actors/supervisor/effects.ts';
import type { NodeId } from '../../../src/domain/hash.ts';
import type { Design } from '../design.ts';
import { HASH, PREIMAGE, RULES, type Scene } from '../scene.ts';
import type { ModelHeld } from './modelHeld.ts';
import { CANCEL_RESULTS, EFFECT, effect, SETTLE_RESULTS } from './ops.ts';

export type DecisionDone = (outcome: CommitOutcome<DecisionOutcome>) => void;
export type FinalDone = (outcome: CommitOutcome<RecordedFinal>) => void;

/** Where the real shell's requests go. */
export interface Host {
  readonly scene: Scene;
  readonly design: Design;
  readonly held: ModelHeld;
  readonly links: ReadonlyMap<NodeId, NodeLink>;
  height(): number;
  /** Something that the world or the application gets to see. */
  say(effect: number): void;
  decide(decision: Decision, done: DecisionDone): void;
  finalise(record: FinalRecord, done: FinalDone): void;
  /** The shell looked for something that is not here: the real one has grown. */
  lacks(what: string): void;
}

/** Nothing fires by itself: charts' timers are fired as events (timers.ts). */
const DEAD_CLOCK = { now: () => 1_000_000, setTimeout: () => 0, clearTimeout: () => {} };

/** What InvoiceActors and Effects act upon; only what they use. */
export function surroundingsOf(host: Host): EffectWorld {
  const { scene, held, links, say } = host;
  const maskOfCall = (key: string) => scene.maskOfSet(key.slice(HASH.length) as never);
  const world = {
    options: {
      system: systemOf(host.design),
      rules: RULES,
      autoSettle: false,
      deriver: { preimage: () => PREIMAGE },
    },
    clock: DEAD_CLOCK,
    log: {
      debug: () => {},
      info: () => {},
      warn: () => {},
      // Two of these tell a person of money that is stuck; all others, of a defect.
      error: (_: unknown, message: string) => {
        if (!/partially settled|is not final and close/.test(message)) say(effect(EFFECT.alarm, 1));
      },
    },
    links,
    held,
    accepted: {
      attended: () => true,
      announce: () => {},
      withdraw: () => {},
    },
    finalStatus: {
      finish: (_: unknown, end: { result: string }) =>
        say(effect(EFFECT.status, end.result === 'settled' ? 1 : 2)),
    },
    changes: { changed: () => {} },
    settleCalls: {
      answer: (key: string, { result }: { result: never }) =>
        say(effect(EFFECT.settleAnswer, maskOfCall(key), SETTLE_RESULTS.indexOf(result))),
    },
    cancelCalls: {
      answer: (key: string, { result }: { result: never }) =>
        say(effect(EFFECT.cancelAnswer, maskOfCall(key), CANCEL_RESULTS.indexOf(result))),
    },
    decisions: { submit: (decision: Decision, done: DecisionDone) => host.decide(decision, done) },
    finals: { submit: (record: FinalRecord, done: FinalDone) => host.finalise(record, done) },
    journal: { append: () => {} },
    measures: new CoreMeasures(),
    height: () => host.height(),
  };
  return complete(world, host) as unknown as EffectWorld;
}

/** What the shell asks for in vain would otherwise throw in an actor's turn, where the real one guards against it. */
function complete<T extends object>(world: T, host: Host): T {
  return new Proxy(world, {
    get(target, name) {
      if (!(name in target)) host.lacks(String(name));
      return Reflect.get(target, name);
    },
  });
}

/** The real actor system, with the charts of the design in place of the real ones. */
function systemOf(design: Design) {
  const system = createActorSystem(DEAD_CLOCK);
  return { ...system, spawn: (_: unknown, options: never) => system.spawn(design.invoice, options) };
}
