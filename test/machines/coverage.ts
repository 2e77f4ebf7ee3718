import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition, InspectionEvent } from 'xstate';

const nameOf = (t: AnyTransitionDefinition): string => {
  const { source, eventType } = t;
  const all = eventType === '' ? (source.always ?? []) : (source.transitions.get(eventType) ?? []);
  return `${source.id} on ${eventType || 'always'} #${all.indexOf(t as never)}`;
};

/** Counts which states and which branches of which transitions of a chart were really gone through. */
export class ChartCoverage {
  readonly #counts = new Map<string, number>();
  readonly #id: string;

  constructor(machine: AnyStateMachine) {
    this.#id = machine.id;
    this.#list(machine.root);
  }

  readonly observe = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    const snapshot = event.snapshot as { machine?: AnyStateMachine; _nodes?: AnyStateNode[] };
    if (snapshot.machine?.id !== this.#id) return;
    for (const transition of event._transitions) {
      this.#count(nameOf(transition));
      // States that are left at once appear in no snapshot.
      this.#count(`state ${transition.source.id}`);
    }
    for (const node of snapshot._nodes ?? []) this.#count(`state ${node.id}`);
  };

  /** States and transition branches that no run went through. */
  missing(): string[] {
    return [...this.#counts].filter(([, count]) => count === 0).map(([name]) => name);
  }

  summary(): string {
    const states = [...this.#counts.keys()].filter((name) => name.startsWith('state ')).length;
    return `${this.#id}: ${states} states, ${this.#counts.size - states} transition branches`;
  }

  #count(name: string): void {
    const count = this.#counts.get(name);
    // Entering a final state of the root raises events that no chart names.
    if (count !== undefined) this.#counts.set(name, count + 1);
  }

  #list(node: AnyStateNode): void {
    this.#counts.set(`state ${node.id}`, 0);
    for (const transitions of node.transitions.values())
      for (const transition of transitions) this.#counts.set(nameOf(transition), 0);
    for (const transition of node.always ?? []) this.#counts.set(nameOf(transition), 0);
    for (const child of Object.values(node.states)) this.#list(child);
  }
}
