import type { AnyActorRef, AnyMachineSnapshot } from 'xstate';
import type { SetEntry } from '../../../src/actors/supervisor/entries.ts';

/**
 * The chart's own timers that run now: every active state's `after`. They go straight to the actor, as XState's
 * scheduler does it, past the shell.
 */
export function timersOf(actor: AnyActorRef): string[] {
  const snapshot = actor.getSnapshot() as AnyMachineSnapshot;
  if (snapshot.status !== 'active') return [];
  const timers: string[] = [];
  for (const node of snapshot._nodes) {
    for (const type of node.transitions.keys()) if (type.startsWith('xstate.after.')) timers.push(type);
  }
  return timers.sort();
}

export function fireTimer(set: SetEntry, index: number): void {
  const type = timersOf(set.actor)[index];
  if (type === undefined) throw new Error('no such timer');
  set.actor.send({ type } as never);
}
