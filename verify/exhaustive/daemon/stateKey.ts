import type { SetEntry } from '../../../src/actors/supervisor/entries.ts';
import { HASH } from '../scene.ts';
import type { LocalDaemon } from './localDaemon.ts';
import type { Naming } from './naming.ts';
import { submissionMask } from './ops.ts';

/** How a memory is written down. */
export interface Spelling {
  readonly naming: Naming;
  /** Also facts that can't matter any more, and sets in the order in which they began. */
  readonly isLong: boolean;
}

/**
 * Everything in a daemon's memory on which its future depends, as text. Attempts have no names, since the charts
 * only compare them; parts are named by their index.
 */
export function stateKey(daemon: LocalDaemon, spelling: Spelling): string {
  const { htlcs, masks } = spelling.naming;
  const mask = (m: number) => masks[m]!;
  const { admitting, readmitting } = daemon.pendingParts();
  return [
    entryKey(daemon, spelling),
    mask(daemon.holds()),
    mask(daemon.scene.maskOf([...daemon.held.offered].map((id) => ({ id })))),
    mask(daemon.unresolved()),
    daemon
      .dormantRows()
      .map((r) => `${r.released},${mask(r.members)},${mask(r.settled)},${mask(r.failed)}`)
      .join(),
    mask(daemon.dormantFails()),
    mask(admitting),
    mask(readmitting),
    [...daemon.readmissions.entries()]
      .map(([k, n]) => `${htlcs[k]}x${n}`)
      .sort()
      .join('+'),
    daemon
      .submissions()
      .map((code) => code + ((mask(submissionMask(code)) - submissionMask(code)) << 3))
      .join('+'),
    [...daemon.finals.entries()]
      .map(([k, f]) => `${htlcs[k]}${f.settled ? 's' : 'f'}`)
      .sort()
      .join('+'),
    daemon.stopped ? 'stopped' : '',
    daemon.actors.waiting,
  ].join('|');
}

function entryKey(daemon: LocalDaemon, spelling: Spelling): string {
  const entry = daemon.actors.get(HASH);
  if (!entry) return 'none';
  const { value, context, status } = entry.actor.getSnapshot();
  const { current } = context;
  const mask = (id: typeof context.finalSetId) => spelling.naming.masks[daemon.scene.maskOfSet(id)];
  const sets = entry.sets.map(
    (set) => `${set.attempt === current?.attempt ? '*' : ''}${setKey(daemon, set, spelling)}`,
  );
  // One set never looks at another one, so that their order is of no consequence.
  if (!spelling.isLong) sets.sort();
  return [
    JSON.stringify(value),
    status,
    spelling.isLong ? context.restored?.as : '',
    current ? `${current.heldMsat},${current.totalMsat},${current.parts},${mask(current.setId)}` : '',
    mask(context.finalSetId),
    context.live - entry.sets.length,
    entry.preimage ? 'p' : '',
    sets.join('/'),
  ].join(';');
}

/** Facts that a set of the real chart never looks at again, by the state in which it is. */
function fadedIn(state: string) {
  const isOver = state === 'failed' || state === 'abandoned';
  const isGivenUp = state === 'failing' || state === 'aborting' || isOver;
  return {
    setId: isOver,
    doom: isGivenUp || state === 'released',
    requestDurable: state !== 'releasing' && state !== 'requesting',
    reported: isOver,
    deadline: isGivenUp || state === 'released',
  };
}

const NOTHING_FADES = {
  setId: false,
  doom: false,
  requestDurable: false,
  reported: false,
  deadline: false,
};

function setKey({ scene }: LocalDaemon, set: SetEntry, { naming, isLong }: Spelling): string {
  const { value, context, status } = set.actor.getSnapshot();
  const index = (id: (typeof context.recorded)[number]) => naming.htlcs[scene.indexOf(id)];
  const state = typeof value === 'string' ? value : Object.keys(value)[0]!;
  // In a released set the deadline only repeats an alarm.
  const faded = isLong ? { ...NOTHING_FADES, deadline: value === 'released' } : fadedIn(state);
  const reported = context.reported.map((r) => `${index(r.partId)}${r.settled ? 's' : 'f'}`);
  return [
    JSON.stringify(value),
    status,
    context.parts
      .map((p) => index(p.id))
      .sort()
      .join(''),
    faded.setId ? '' : naming.masks[scene.maskOfSet(context.setId)],
    // Only failure messages tell one reason from another.
    faded.doom ? '' : isLong ? (context.doom ?? '') : context.doom !== undefined,
    context.requestDurable && !faded.requestDurable ? 'd' : '',
    isLong ? (context.restoredAs ?? '') : '',
    faded.reported ? '' : reported.sort().join(''),
    context.recorded.map(index).sort().join(''),
    faded.deadline ? '' : (set.deadline ?? ''),
  ].join(',');
}
