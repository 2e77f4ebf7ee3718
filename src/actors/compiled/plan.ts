import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

/** An action as a machine's configuration names it, with the function behind the name. */
export interface PlannedAction {
  readonly type: string;
  /** Undefined where the machine has no implementation of it, which XState takes for "do nothing". */
  readonly implementation: ActionFunction | undefined;
  readonly params: unknown;
}

/** A function of the machine, or one of XState's own: those carry how they are resolved. */
export type ActionFunction = ((info: never, params: never) => void) & {
  readonly type?: string;
  readonly resolve?: unknown;
  readonly execute?: unknown;
  readonly assignment?: unknown;
};

export interface PlannedGuard {
  readonly check: (args: { readonly context: unknown; readonly event: unknown }, params: unknown) => boolean;
  readonly params: unknown;
}

/** One transition, taken from one leaf: everything about it that does not depend on context or event. */
export interface PlannedTransition {
  readonly definition: AnyTransitionDefinition;
  readonly guard: PlannedGuard | undefined;
  /** Of exits, of the transition itself, of entries: in the order of execution. */
  readonly actions: readonly PlannedAction[];
  /** Where it leads; undefined when it stays and changes no state. */
  readonly to: Leaf | undefined;
  /** Enters a final state: of the machine, which ends then, or of a state, which says so in an event. */
  readonly ends: { readonly machine: readonly PlannedAction[] } | { readonly state: string } | undefined;
}

/** A leaf of the chart, which stands for itself and all its ancestors. */
export interface Leaf {
  readonly node: AnyStateNode;
  /** Root first. */
  readonly nodes: readonly AnyStateNode[];
  /** Transitions by event, innermost first: the first whose guard holds is taken. */
  readonly on: ReadonlyMap<string, readonly PlannedTransition[]>;
  readonly always: readonly PlannedTransition[];
}

export interface Plan {
  readonly leaves: ReadonlyMap<AnyStateNode, Leaf>;
  readonly initial: { readonly leaf: Leaf; readonly actions: readonly PlannedAction[] };
}

/** The chart has something that plans do not cover: it has to run as it is. */
export class UnplannedFeature extends Error {
  override readonly name = 'UnplannedFeature';
}

/**
 * Works out what each transition of a chart exits and enters, once. For charts of plain nested states: no parallel
 * states, history, invocations, wildcards, guards made of guards, or transitions with several targets.
 *
 * @throws UnplannedFeature
 */
export function planOf(machine: AnyStateMachine): Plan {
  const leaves = new Map<AnyStateNode, MutableLeaf>();
  for (const node of nodesOf(machine.root)) {
    refuseUnplanned(node);
    if (node.type === 'compound') continue;
    leaves.set(node, { node, nodes: [...ancestorsOf(node).reverse(), node], on: new Map(), always: [] });
  }
  const leafOf = (node: AnyStateNode): Leaf => {
    let at = node;
    while (at.type === 'compound') at = at.initial.target[0]!;
    return leaves.get(at)!;
  };
  for (const leaf of leaves.values()) {
    for (const source of [...leaf.nodes].reverse()) {
      for (const [type, definitions] of source.transitions) {
        const planned = definitions.map((each) => plannedOf(machine, leaf, each, leafOf));
        leaf.on.set(type, [...(leaf.on.get(type) ?? []), ...planned]);
      }
      for (const each of source.always ?? []) leaf.always.push(plannedOf(machine, leaf, each, leafOf));
    }
  }
  const first = leafOf(machine.root);
  return {
    leaves,
    initial: { leaf: first, actions: entryActions(machine, first.nodes, new Set(first.nodes)) },
  };
}

interface MutableLeaf extends Leaf {
  readonly on: Map<string, readonly PlannedTransition[]>;
  readonly always: PlannedTransition[];
}

function plannedOf(
  machine: AnyStateMachine,
  from: Leaf,
  definition: AnyTransitionDefinition,
  leafOf: (node: AnyStateNode) => Leaf,
): PlannedTransition {
  const guard = guardOf(machine, definition.guard);
  const own = definition.actions.map((action) => actionOf(machine, action));
  const target = definition.target?.[0];
  if (!target) return { definition, guard, actions: own, to: undefined, ends: undefined };
  const domain = domainOf(definition, target);
  const leaves = (node: AnyStateNode) =>
    isBelow(node, domain) || (definition.reenter && definition.source === domain && node === domain);
  const exits = from.nodes.filter(leaves).reverse();
  const to = leafOf(target);
  const { source, reenter } = definition;
  const enters = to.nodes.filter((node) =>
    node === target
      ? source !== target || source !== domain || reenter
      : isBelow(node, target) || isBelow(node, domain),
  );
  const isDefault = new Set(to.nodes.filter((node) => node === target || isBelow(node, target)));
  return {
    definition,
    guard,
    actions: [
      ...exits.flatMap((node) => node.exit.map((action) => actionOf(machine, action))),
      ...own,
      ...entryActions(machine, enters, isDefault),
    ],
    to,
    ends: endOf(machine, to),
  };
}

function endOf(machine: AnyStateMachine, { node, nodes }: Leaf): PlannedTransition['ends'] {
  if (node.type !== 'final') return undefined;
  if (node.parent !== machine.root) return { state: node.parent!.id };
  const exits = [...nodes].reverse().flatMap((each) => each.exit);
  return { machine: exits.map((action) => actionOf(machine, action)) };
}

/** The innermost state that the transition does not leave. */
function domainOf(
  { source, reenter }: AnyTransitionDefinition,
  target: AnyStateNode,
): AnyStateNode | undefined {
  if (!reenter && (target === source || isBelow(target, source))) return source;
  const common = ancestorsOf(target).find((ancestor) => isBelow(source, ancestor));
  if (!common && reenter) throw new UnplannedFeature('a transition that enters the root again');
  return common ?? source.machine.root;
}

function entryActions(
  machine: AnyStateMachine,
  enters: readonly AnyStateNode[],
  isDefault: ReadonlySet<AnyStateNode>,
): PlannedAction[] {
  return enters.flatMap((node) => {
    const initial = node.type === 'compound' && isDefault.has(node) ? node.initial.actions : [];
    return [...node.entry, ...initial].map((action) => actionOf(machine, action));
  });
}

function actionOf(
  machine: AnyStateMachine,
  action: AnyTransitionDefinition['actions'][number],
): PlannedAction {
  if (typeof action === 'function') {
    const own = action as unknown as ActionFunction;
    return { type: own.name || '(anonymous)', implementation: own, params: undefined };
  }
  const type = typeof action === 'string' ? action : action.type;
  const params = typeof action === 'string' ? undefined : action.params;
  if (typeof params === 'function')
    throw new UnplannedFeature(`parameters of ${type} that depend on the event`);
  const { actions } = machine.implementations as unknown as { actions: Record<string, ActionFunction> };
  return { type, implementation: actions[type], params };
}

function guardOf(
  machine: AnyStateMachine,
  guard: AnyTransitionDefinition['guard'],
): PlannedGuard | undefined {
  if (guard === undefined) return undefined;
  const named = guard as unknown as string | { readonly type: string; readonly params?: unknown };
  const type = typeof named === 'string' ? named : named.type;
  const params = typeof named === 'string' ? undefined : named.params;
  const { guards } = machine.implementations as unknown as { guards: Record<string, unknown> };
  const check = typeof guard === 'function' ? guard : guards[type];
  if (typeof check !== 'function' || 'check' in check || typeof params === 'function') {
    throw new UnplannedFeature(`the guard ${type}`);
  }
  return { check: check as PlannedGuard['check'], params };
}

function refuseUnplanned(node: AnyStateNode): void {
  const refuse = (what: string) => {
    throw new UnplannedFeature(`${what} at ${node.id}`);
  };
  if (node.type === 'parallel' || node.type === 'history') refuse(`a ${node.type} state`);
  if (node.invoke.length > 0) refuse('an invocation');
  if (node.output !== undefined) refuse('an output');
  for (const [type, definitions] of node.transitions) {
    if (type.includes('*')) refuse('a wildcard');
    if (definitions.some((each) => (each.target?.length ?? 0) > 1)) refuse('several targets');
  }
}

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((child) => nodesOf(child as AnyStateNode))];
}

/** Innermost first. */
function ancestorsOf(node: AnyStateNode): AnyStateNode[] {
  return node.parent ? [node.parent, ...ancestorsOf(node.parent)] : [];
}

function isBelow(node: AnyStateNode, ancestor: AnyStateNode | undefined): boolean {
  return (
    ancestor !== undefined &&
    node.parent !== undefined &&
    (node.parent === ancestor || isBelow(node.parent, ancestor))
  );
}
