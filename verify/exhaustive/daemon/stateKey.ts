import type { SetEntry } from '../../../src/actors/supervisor/entries.ts';
import { HASH } from '../scene.ts';
import type { LocalDaemon } from './localDaemon.ts';

/**
 * Everything in a daemon's memory on which its future depends, as text. Attempts are named by their rank, since
 * the charts only compare them; parts by their index.
 */
export function stateKey(daemon: LocalDaemon): string {
  const { admitting, readmitting } = daemon.pendingParts();
  return [
    entryKey(daemon),
    daemon.holds(),
    daemon.scene.maskOf([...daemon.held.offered].map((id) => ({ id }))),
    daemon.unresolved(),
    daemon.dormantRow(),
    daemon.dormantFails(),
    admitting,
    readmitting,
    [...daemon.readmissions.entries()].sort().join('+'),
    daemon.submissions().join('+'),
    [...daemon.finals.entries()]
      .sort(([a], [b]) => a - b)
      .map(([k, f]) => `${k}${f.settled ? 's' : 'f'}`)
      .join('+'),
    daemon.stopped ? 'stopped' : '',
    daemon.actors.waiting,
  ].join('|');
}

function entryKey(daemon: LocalDaemon): string {
  const entry = daemon.actors.get(HASH);
  if (!entry) return 'none';
  const { value, context, status } = entry.actor.getSnapshot();
  const rank = (attempt: string | undefined) => entry.sets.findIndex((s) => s.attempt === attempt);
  const { current } = context;
  return [
    JSON.stringify(value),
    status,
    context.restored?.as ?? '',
    current
      ? `${rank(current.attempt)},${current.heldMsat},${current.totalMsat},${current.parts},${daemon.scene.maskOfSet(current.setId)}`
      : '',
    daemon.scene.maskOfSet(context.finalSetId),
    context.live - entry.sets.length,
    entry.preimage ? 'p' : '',
    entry.sets.map((set) => setKey(daemon, set)).join('/'),
  ].join(';');
}

function setKey({ scene }: LocalDaemon, set: SetEntry): string {
  const { value, context, status } = set.actor.getSnapshot();
  const index = (id: (typeof context.recorded)[number]) => scene.indexOf(id);
  return [
    JSON.stringify(value),
    status,
    context.parts
      .map((p) => index(p.id))
      .sort()
      .join(''),
    scene.maskOfSet(context.setId),
    context.doom ?? '',
    context.requestDurable ? 'd' : '',
    context.restoredAs ?? '',
    context.reported
      .map((r) => `${index(r.partId)}${r.settled ? 's' : 'f'}`)
      .sort()
      .join(''),
    context.recorded.map(index).sort().join(''),
    // In a released set it only repeats an alarm.
    value === 'released' ? '' : (set.deadline ?? ''),
  ].join(',');
}
