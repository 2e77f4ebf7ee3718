import type { InspectionEvent } from 'xstate';
import type { ActorSystem } from '../../src/actors/actorSystem.ts';
import type { Counters } from './counters.ts';

/** Counts which states of the statecharts were entered. */
export function watchCharts(system: ActorSystem, counters: Counters): void {
  const last = new WeakMap<object, string>();
  system.inspect((event: InspectionEvent) => {
    if (event.type !== '@xstate.snapshot') return;
    const { snapshot, actorRef } = event;
    if (!('value' in snapshot)) return;
    const id = (actorRef as { logic?: { id?: string } }).logic?.id ?? 'actor';
    if (id === 'nodeLink') return;
    const state = pathOf(snapshot.value);
    if (last.get(actorRef) === state) return;
    last.set(actorRef, state);
    counters.hit(`state.${id}.${state}`);
  });
}

function pathOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[state, inner]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
  return `${state}.${pathOf(inner)}`;
}
