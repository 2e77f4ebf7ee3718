import type { Design } from '../design.ts';
import type { Scene } from '../scene.ts';
import { LocalDaemon } from './localDaemon.ts';
import { type Naming, OWN_NAMES, renameEnv, renameOp } from './naming.ts';
import { OP, op, opKind } from './ops.ts';
import { stateKey } from './stateKey.ts';
import { timersOf } from './timers.ts';

/** What the world needs to know of a daemon's memory, by number. */
export interface LocalInfo {
  readonly key: string;
  /** What the key would be under each of the other namings. */
  readonly mirrorKeys: readonly string[];
  readonly hasEntry: boolean;
  readonly admitting: number;
  readonly readmitting: number;
  readonly unresolved: number;
  /** HTLCs that are held, decided or not. */
  readonly held: number;
  /** Parts whose reported end is on its way to the database. */
  readonly finals: number;
  readonly finalsSettled: number;
  readonly queue: readonly number[];
  /** Ops of the timers that run. */
  readonly timers: readonly number[];
  /** The set in memory waits for its barrier. */
  readonly waiting: boolean;
  readonly story: string;
}

export interface LocalResult {
  readonly next: number;
  readonly effects: readonly number[];
}

interface Origin {
  readonly parent: number;
  readonly op: number;
  readonly env: number;
}

/** Results of one op in one memory, by what of the environment was looked at. */
interface Memo {
  reads: number;
  readonly results: Map<number, LocalResult>;
}

const MAX_LIVE = 500;

/**
 * All memories that a daemon can have, each computed once by the real charts. A memory is brought back by replaying
 * the shortest sequence of ops that led to it. What an op does depends on the memory and on what it looks at.
 */
export class DaemonMemory {
  readonly infos: LocalInfo[] = [];
  readonly #origins: (Origin | undefined)[] = [];
  readonly #memos: Map<number, Memo>[] = [];
  readonly #byKey = new Map<string, number>();
  /** Daemons that stand in a memory and were not used since. */
  readonly #live = new Map<number, LocalDaemon>();
  readonly #scene: Scene;
  readonly #design: Design;
  computed = 0;
  replayed = 0;

  /** Namings under which memories are mirrored, and their mirror images where those were asked for. */
  readonly #namings: readonly Naming[];
  readonly #mirrors: number[][];
  readonly #isLong: boolean;

  constructor(scene: Scene, design: Design, namings: readonly Naming[] = [], isLong = false) {
    this.#scene = scene;
    this.#design = design;
    this.#namings = namings;
    this.#mirrors = namings.map(() => []);
    this.#isLong = isLong;
    this.#add(new LocalDaemon(scene, design), undefined);
  }

  /** The empty memory of a new process. */
  static readonly EMPTY = 0;

  apply(state: number, code: number, env: number): LocalResult {
    const memos = this.#memos[state]!;
    const memo = memos.get(code);
    const known = memo?.results.get(env & memo.reads);
    if (known) return known;
    const daemon = this.#bringBack(state);
    daemon.run(code, env);
    if (daemon.lacking.length > 0) throw new Error(`surroundings.ts lacks ${daemon.lacking.join()}`);
    this.computed++;
    const result = { next: this.#add(daemon, { parent: state, op: code, env }), effects: daemon.effects };
    this.#remember(memos, memo, code, env, daemon.reads, result);
    return result;
  }

  #remember(
    memos: Map<number, Memo>,
    memo: Memo | undefined,
    code: number,
    env: number,
    reads: number,
    result: LocalResult,
  ) {
    const all = (memo?.reads ?? 0) | reads;
    if (memo && all === memo.reads) {
      memo.results.set(env & all, result);
      return;
    }
    // More was looked at than before: what was known is known too coarsely.
    memos.set(code, { reads: all, results: new Map([[env & all, result]]) });
  }

  #bringBack(state: number): LocalDaemon {
    const live = this.#live.get(state);
    if (live) {
      this.#live.delete(state);
      return live;
    }
    const path: Origin[] = [];
    for (let at = this.#origins[state]; at; at = this.#origins[at.parent]) path.push(at);
    const daemon = new LocalDaemon(this.#scene, this.#design);
    for (const step of path.reverse()) daemon.run(step.op, step.env);
    this.replayed += path.length;
    // Memories of one key must be the same in everything that matters: otherwise the key is too coarse.
    if (this.keyOf(daemon) !== this.infos[state]!.key)
      throw new Error(`memory ${state} can not be brought back`);
    return daemon;
  }

  #add(daemon: LocalDaemon, origin: Origin | undefined): number {
    const key = this.keyOf(daemon);
    let id = this.#byKey.get(key);
    if (id === undefined) {
      id = this.infos.length;
      this.#byKey.set(key, id);
      const mirrorKeys = this.#namings.map((naming) => this.keyOf(daemon, naming));
      this.infos.push(infoOf(daemon, key, mirrorKeys));
      this.#origins.push(origin);
      this.#memos.push(new Map());
    }
    this.#live.set(id, daemon);
    if (this.#live.size > MAX_LIVE) this.#live.delete(this.#live.keys().next().value!);
    return id;
  }

  /** The same memory under the naming with this number. */
  mirror(state: number, naming: number): number {
    const mirrors = this.#mirrors[naming]!;
    const known = mirrors[state];
    if (known !== undefined) return known;
    const mirror = this.#mirrorOf(state, naming);
    mirrors[state] = mirror;
    return mirror;
  }

  /** Where nobody has been there yet, the real charts go the mirrored way, and have to arrive in the mirror image. */
  #mirrorOf(state: number, naming: number): number {
    const key = this.infos[state]!.mirrorKeys[naming]!;
    return this.#byKey.get(key) ?? this.mirroredWay(state, naming);
  }

  mirroredWay(state: number, naming: number): number {
    const key = this.infos[state]!.mirrorKeys[naming]!;
    const names = this.#namings[naming]!;
    const origin = this.#origins[state];
    if (!origin) return state;
    const parent = this.mirror(origin.parent, naming);
    const { next } = this.apply(parent, renameOp(origin.op, names), renameEnv(origin.env, names));
    if (this.infos[next]!.key !== key)
      throw new Error(`memory ${state} has no mirror image: ${this.historyOf(state)}`);
    return next;
  }

  keyOf(daemon: LocalDaemon, naming = OWN_NAMES): string {
    return stateKey(daemon, { naming, isLong: this.#isLong });
  }

  /** Every op that was computed for a memory. */
  *stepsFrom(
    state: number,
  ): Iterable<{ readonly op: number; readonly env: number; readonly to: LocalResult }> {
    for (const [code, { results }] of this.#memos[state]!) {
      for (const [env, to] of results) yield { op: code, env, to };
    }
  }

  /** How a memory came about, for debugging. */
  historyOf(state: number): string {
    const path: string[] = [];
    for (let at = this.#origins[state]; at; at = this.#origins[at.parent])
      path.push(`${opKind(at.op)}:${at.op >> 4}`);
    return path.reverse().join(' ');
  }
}

function infoOf(daemon: LocalDaemon, key: string, mirrorKeys: readonly string[]): LocalInfo {
  const sets = daemon.entry?.sets ?? [];
  const { admitting, readmitting } = daemon.pendingParts();
  let finalsSettled = 0;
  for (const [k, final] of daemon.finals) if (final.settled) finalsSettled |= 1 << k;
  return {
    key,
    mirrorKeys,
    hasEntry: daemon.entry !== undefined,
    admitting,
    readmitting,
    unresolved: daemon.unresolved(),
    held: daemon.holds(),
    finals: daemon.toldFinals(),
    finalsSettled,
    queue: daemon.submissions(),
    timers: sets.flatMap((set) => {
      const parts = daemon.scene.maskOf(set.actor.getSnapshot().context.parts);
      return timersOf(set.actor).map((_, i) => op(OP.timer, parts, i));
    }),
    waiting: daemon.actors.waiting > 0,
    story: storyOf(daemon),
  };
}

const dotted = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .map(([outer, inner]) => `${outer}.${dotted(inner)}`)
        .join('+');

/** The charts in words: the invoice's state, then each set with its parts. */
function storyOf(daemon: LocalDaemon): string {
  const { entry } = daemon;
  if (!entry) return 'no actor';
  const sets = entry.sets.map((set) => {
    const { value, context } = set.actor.getSnapshot();
    const parts = context.parts.map((p) => `h${daemon.scene.indexOf(p.id) + 1}`).join('+');
    return `set ${parts} ${dotted(value)}`;
  });
  return [`invoice ${dotted(entry.actor.getSnapshot().value)}`, ...sets].join(', ');
}
