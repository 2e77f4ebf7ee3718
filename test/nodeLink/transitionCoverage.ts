import { type AnyStateNode, type InspectionEvent, StateNode } from 'xstate';
import { nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';

/** Counts which (state, event) pairs of the node link statechart a run has taken. */
export class TransitionCoverage {
  readonly counts = new Map<string, number>();

  readonly inspect = (event: InspectionEvent): void => {
    if (event.type !== '@xstate.microstep') return;
    for (const taken of event._transitions) {
      const pair = pairOf(taken.source, taken.eventType);
      this.counts.set(pair, (this.counts.get(pair) ?? 0) + 1);
    }
  };

  /** Every pair that was taken, sorted. */
  get covered(): readonly string[] {
    return [...this.counts.keys()].sort();
  }

  /** Pairs of the chart that were never taken. */
  get missing(): readonly string[] {
    return allPairs().filter((pair) => !this.counts.has(pair));
  }
}

/** Every (state, event) pair that the chart defines. */
export function allPairs(): readonly string[] {
  const pairs: string[] = [];
  const visit = (node: AnyStateNode): void => {
    for (const eventType of node.transitions.keys()) pairs.push(pairOf(node, eventType));
    if (node.always?.length) pairs.push(pairOf(node, ''));
    for (const child of Object.values(node.states)) if (child instanceof StateNode) visit(child);
  };
  visit(nodeLinkMachine.root);
  return pairs.sort();
}

function pairOf(source: AnyStateNode, eventType: string): string {
  const state = source.path.join('.') || '(any)';
  const after = /^xstate\.after\.([^.]+)\./.exec(eventType);
  return `${state} / ${after ? `after ${after[1]}` : eventType || 'always'}`;
}
