import {
  type AnyActorScope,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
  type StateValue,
  stopChild,
} from 'xstate';
import {
  type ActionFunction,
  type Leaf,
  type Plan,
  type PlannedAction,
  type PlannedTransition,
  planOf,
} from './plan.ts';

type Snapshot = AnyMachineSnapshot;

/** What XState's own actions are resolved with, beside what they are given. */
interface Extra {
  readonly internalQueue: EventObject[];
  readonly deferredActorIds: undefined;
}

type Resolve = (
  scope: AnyActorScope,
  snapshot: Snapshot,
  info: ActionInfo,
  params: unknown,
  action: ActionFunction,
  extra: Extra,
) => [Snapshot, unknown, readonly ActionFunction[] | undefined];

interface ActionInfo {
  readonly context: unknown;
  readonly event: EventObject;
  readonly self: AnyActorScope['self'];
  readonly system: AnyActorScope['system'];
}

/** What stays the same while one event is worked on. */
interface Step {
  readonly event: EventObject;
  readonly scope: AnyActorScope;
  /** Events that the machine raised for itself. */
  readonly queue: EventObject[];
}

type Assigner = (info: unknown, params: unknown) => object;
type Assignment = Assigner | Readonly<Record<string, unknown>>;

/**
 * The same machine, with a quicker way through it. XState works out for each event anew what a transition exits and
 * enters, and the state value again for each assignment; here both are known beforehand. Guards, actions, children,
 * timers and inspection stay XState's own, and so do being stopped and the failure of a child.
 *
 * Nothing but the time that it takes may differ: test/actors/compiled.test.ts holds it against XState.
 *
 * @throws UnplannedFeature when the chart has something that can't be worked out beforehand.
 */
export function compiled<TMachine extends AnyStateMachine>(machine: TMachine): TMachine {
  const plan = planOf(machine);
  const shapes = new Map<Leaf, Snapshot>();
  for (const leaf of plan.leaves.values()) {
    shapes.set(leaf, machine.resolveState({ value: stateValueOf(leaf), context: {} }) as Snapshot);
  }
  const runner = new Runner(plan, shapes);
  const quick = Object.create(machine) as TMachine;
  Object.defineProperties(quick, {
    transition: {
      value: (snapshot: Snapshot, event: EventObject, scope: AnyActorScope) =>
        runner.transition(snapshot, event, scope) ??
        machine.transition(snapshot, event as never, scope as never),
    },
    getInitialSnapshot: {
      value: (scope: AnyActorScope, input: unknown) => runner.initial(quick, scope, input),
    },
  });
  return quick;
}

class Runner {
  readonly #plan: Plan;
  /** Of each leaf, a snapshot to copy: its value, tags and methods. */
  readonly #shapes: ReadonlyMap<Leaf, Snapshot>;

  constructor(plan: Plan, shapes: ReadonlyMap<Leaf, Snapshot>) {
    this.#plan = plan;
    this.#shapes = shapes;
  }

  /** Undefined: for XState itself. Nothing has happened then. */
  transition(snapshot: Snapshot, event: EventObject, scope: AnyActorScope): Snapshot | undefined {
    if (snapshot.status !== 'active' || isSpecial(event)) return undefined;
    const step: Step = { event, scope, queue: [] };
    const leaf = this.#leafOf(snapshot);
    const taken = first(leaf.on.get(event.type), snapshot, event);
    const next = taken ? this.#take(taken, leaf, snapshot, step) : snapshot;
    inspect(step, next, taken);
    return this.#settle(next, step);
  }

  initial(machine: AnyStateMachine, scope: AnyActorScope, input: unknown): Snapshot {
    const step: Step = { event: { type: 'xstate.init', input } as EventObject, scope, queue: [] };
    const { leaf, actions } = this.#plan.initial;
    let snapshot = { ...this.#shapes.get(leaf)!, machine, children: {} } as Snapshot;
    try {
      const { context } = machine.config as { context?: unknown };
      const made =
        typeof context === 'function' ? context({ spawn: refuseSpawn, input, self: scope.self }) : context;
      snapshot = { ...snapshot, context: { ...made } } as Snapshot;
      return this.#settle(this.#act(actions, snapshot, step), step);
    } catch (error) {
      return { ...snapshot, status: 'error', error } as Snapshot;
    }
  }

  #leafOf({ _nodes: nodes }: Snapshot): Leaf {
    for (const node of nodes) {
      const leaf = this.#plan.leaves.get(node);
      if (leaf) return leaf;
    }
    throw new Error('a snapshot of another machine');
  }

  /** Eventless transitions and raised events, until there are none. */
  #settle(from: Snapshot, begun: Step): Snapshot {
    let snapshot = from;
    let step = begun;
    let lookAtAlways = true;
    while (snapshot.status === 'active') {
      const leaf = this.#leafOf(snapshot);
      let taken: PlannedTransition | undefined = lookAtAlways
        ? first(leaf.always, snapshot, step.event)
        : undefined;
      const before: Snapshot | undefined = taken ? snapshot : undefined;
      if (!taken) {
        const event = step.queue.shift();
        if (!event) break;
        step = { ...step, event };
        taken = first(leaf.on.get(event.type), snapshot, event);
      }
      if (taken) snapshot = this.#take(taken, leaf, snapshot, step);
      lookAtAlways = snapshot !== before;
      inspect(step, snapshot, taken);
    }
    if (snapshot.status !== 'active') {
      for (const child of Object.values(snapshot.children)) {
        this.#one(enqueued(stopChild(child as never)), snapshot, step);
      }
    }
    return snapshot;
  }

  #take({ actions, to, ends }: PlannedTransition, leaf: Leaf, from: Snapshot, step: Step): Snapshot {
    const snapshot = this.#act(actions, from, step);
    if (!to || to === leaf) return snapshot;
    const { value, tags, _nodes } = this.#shapes.get(to)!;
    const next = { ...snapshot, value, tags, _nodes } as Snapshot;
    if (!ends) return next;
    if ('state' in ends) {
      step.queue.push({ type: `xstate.done.state.${ends.state}`, output: undefined } as EventObject);
      return next;
    }
    return this.#act(ends.machine, { ...next, status: 'done' } as Snapshot, step);
  }

  #act(actions: readonly PlannedAction[], from: Snapshot, step: Step, maySpawn = false): Snapshot {
    let snapshot = from;
    for (const action of actions) snapshot = this.#one(action, snapshot, step, maySpawn);
    return snapshot;
  }

  /** Assignments that `maySpawn` are left to XState, which makes children of what they spawn. */
  #one(
    { type, implementation, params }: PlannedAction,
    snapshot: Snapshot,
    { event, scope, queue }: Step,
    maySpawn = false,
  ): Snapshot {
    const { self, system } = scope;
    const info: ActionInfo = { context: snapshot.context, event, self, system };
    if (!implementation?.resolve) {
      scope.actionExecutor({ type, info, params, exec: implementation } as never);
      return snapshot;
    }
    if (implementation.assignment !== undefined && !maySpawn) {
      const { assignment } = implementation as unknown as { readonly assignment: Assignment };
      return { ...snapshot, context: assigned(assignment, info, params) } as Snapshot;
    }
    const resolve = implementation.resolve as Resolve;
    const extra: Extra = { internalQueue: queue, deferredActorIds: undefined };
    const [next, resolved, inner] = resolve(scope, snapshot, info, params, implementation, extra);
    if (implementation.execute) {
      const execute = implementation.execute as (scope: AnyActorScope, params: unknown) => void;
      const exec = () => execute(scope, resolved);
      scope.actionExecutor({ type: implementation.type, info, params: resolved, exec } as never);
    }
    return inner ? this.#act(inner.map(enqueued), next, { event, scope, queue }, true) : next;
  }
}

/** What enqueueActions collects, or XState makes. */
function enqueued(action: unknown): PlannedAction {
  if (typeof action !== 'function') throw new Error('only functions can be enqueued');
  const implementation = action as ActionFunction;
  return { type: implementation.name || '(anonymous)', implementation, params: undefined };
}

/** Its end, and the failure of a child, change a machine whatever its chart says. */
function isSpecial({ type }: EventObject): boolean {
  return type === 'xstate.stop' || type.startsWith('xstate.error.');
}

function first(
  candidates: readonly PlannedTransition[] | undefined,
  { context }: Snapshot,
  event: EventObject,
): PlannedTransition | undefined {
  return candidates?.find(({ guard }) => !guard || guard.check({ context, event }, guard.params));
}

function assigned(assignment: Assignment, info: ActionInfo, params: unknown): object {
  const args = { ...info, spawn: refuseSpawn };
  if (typeof assignment === 'function') return { ...(info.context as object), ...assignment(args, params) };
  const changed: Record<string, unknown> = { ...(info.context as object) };
  for (const [key, value] of Object.entries(assignment)) {
    changed[key] = typeof value === 'function' ? (value as Assigner)(args, params) : value;
  }
  return changed;
}

function refuseSpawn(): never {
  throw new Error('only assignments inside of enqueueActions may spawn');
}

function inspect({ event, scope }: Step, snapshot: Snapshot, taken: PlannedTransition | undefined): void {
  const { system } = scope as unknown as { system: { _sendInspectionEvent(event: unknown): void } };
  const _transitions = taken ? [taken.definition] : [];
  const type = '@xstate.microstep';
  system._sendInspectionEvent({ type, actorRef: scope.self, event, snapshot, _transitions });
}

/** The state value that XState gives a leaf. */
function stateValueOf({ nodes }: Leaf): StateValue {
  const keys = nodes.slice(1).map((node) => node.key);
  const last = keys.pop()!;
  return keys.reduceRight<StateValue>((value, key) => ({ [key]: value }), last);
}
