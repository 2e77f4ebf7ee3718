import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** What a state is about, at a glance; the picture's colours. */
export type Kind = 'passing' | 'waiting' | 'committing' | 'unknown' | 'released' | 'failed' | 'ended';

export interface ActionLabel {
  readonly name: string;
  /** `remember` changes the chart's own context; the others are heard outside. */
  readonly kind: 'remember' | 'ask' | 'tell';
}

export interface TransitionModel {
  readonly source: string;
  /** Absolute ids; empty when the state is not left. */
  readonly targets: readonly string[];
  readonly event: string;
  readonly guard: string | undefined;
  readonly actions: readonly ActionLabel[];
  readonly reenters: boolean;
}

export interface StateModel {
  readonly id: string;
  readonly key: string;
  readonly kind: Kind;
  readonly type: AnyStateNode['type'];
  readonly description: string | undefined;
  readonly entry: readonly ActionLabel[];
  readonly transitions: readonly TransitionModel[];
  readonly initial: string | undefined;
  readonly children: readonly StateModel[];
}

const COMMITTING = ['committing', 'requesting', 'releasing', 'aborting', 'failing'];
const RELEASED = ['released', 'settled'];
const FAILED = ['failed', 'refused', 'lost', 'quarantined', 'abandoned'];

/** The whole chart, read off the machine that runs. */
export function modelOf(machine: AnyStateMachine): StateModel {
  return stateOf(machine, machine.root);
}

export function allStates(state: StateModel): StateModel[] {
  return [state, ...state.children.flatMap(allStates)];
}

function stateOf(machine: AnyStateMachine, node: AnyStateNode): StateModel {
  return {
    id: node.id,
    key: node.key,
    kind: kindOf(node),
    type: node.type,
    description: node.description,
    entry: node.entry.map((action) => actionOf(machine, action)).filter((label) => label !== undefined),
    transitions: transitionsOf(machine, node),
    initial: node.type === 'compound' ? node.initial?.target[0]?.id : undefined,
    children: Object.values(node.states).map((child) => stateOf(machine, child)),
  };
}

function kindOf(node: AnyStateNode): Kind {
  if (RELEASED.includes(node.key)) return 'released';
  if (FAILED.includes(node.key)) return 'failed';
  if (node.type === 'final') return 'ended';
  if (node.key === 'unknown') return 'unknown';
  if (COMMITTING.includes(node.key)) return 'committing';
  if (node.key === 'retrying' && node.parent && kindOf(node.parent) === 'committing') return 'committing';
  return node.always?.some((t) => t.guard === undefined) ? 'passing' : 'waiting';
}

function transitionsOf(machine: AnyStateMachine, node: AnyStateNode): TransitionModel[] {
  const delays = new Map(node.after.map((t) => [t.eventType, String(t.delay)]));
  const all: [string, AnyTransitionDefinition][] = (node.always ?? []).map((t) => ['', t]);
  for (const [event, transitions] of node.transitions)
    for (const transition of transitions) all.push([event, transition as AnyTransitionDefinition]);
  return all.map(([event, t]) => ({
    source: node.id,
    targets: (t.target ?? []).map((target: AnyStateNode) => target.id),
    event: delays.has(event) ? `after ${delays.get(event)}` : event,
    guard: t.guard === undefined ? undefined : named(t.guard),
    actions: t.actions.map((action) => actionOf(machine, action)).filter((label) => label !== undefined),
    reenters: t.reenter,
  }));
}

/** Undefined for the actions with which XState itself starts and stops the timers of `after`. */
function actionOf(machine: AnyStateMachine, action: unknown): ActionLabel | undefined {
  if (typeof action === 'function') return undefined;
  const type = typeof action === 'string' ? action : (action as { type: string }).type;
  const implementation = machine.implementations.actions[type] as { type?: string } | undefined;
  const does = implementation?.type ?? '';
  const kind = does === 'xstate.assign' ? 'remember' : does === 'xstate.emit' ? 'ask' : 'tell';
  return { name: named(action), kind };
}

/** `name`, or `name(value, …)` where it has parameters. */
function named(thing: unknown): string {
  if (typeof thing === 'string') return thing;
  const { type, params } = thing as { type: string; params?: Record<string, unknown> };
  const values = Object.values(params ?? {}).map(String);
  return values.length > 0 ? `${type}(${values.join(', ')})` : type;
}
