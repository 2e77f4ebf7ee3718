import { deadlineHeight, deadlineReached } from '../../../src/domain/barrier.ts';
import type { HtlcSetEvent } from '../../../src/machines/htlcSet/events.ts';
import type { HeldHtlc, LiveSet, PaymentWorld } from './paymentWorld.ts';
import { START_HEIGHT } from './scene.ts';

/** Sends an event that must be neutral when it comes again, and looks whether it is. */
function sendNeutral(world: PaymentWorld, set: LiveSet, event: HtlcSetEvent, twice: boolean): void {
  world.toSet(set, event);
  if (!twice) return;
  const [once, write] = [world.state(), set.write];
  world.toSet(set, event);
  if (world.state() !== once) world.broken('S12 replay-neutral', `${event.type} changed the state again`);
  if (set.write !== write) world.broken('S12 replay-neutral', `${event.type} was decided on twice`);
}

/** The HTLC is in no set yet. */
export function arrive(world: PaymentWorld, htlc: HeldHtlc): void {
  world.trace.push(
    `part ${htlc.part.id.slice(-2)} of ${htlc.part.amountMsat}/${htlc.part.totalMsat} arrives`,
  );
  const now = Math.floor(world.clock.now() / 1000);
  const { height, subscribed } = world;
  world.toInvoice({ type: 'part.arrived', part: htlc.part, facts: { now, height, subscribed } });
  if (htlc.attempt === undefined) world.broken('one set per part', `${htlc.part.id} is in no set`);
}

/** A node offers an HTLC again: to its set, or answered from its row, or as a new one. */
export function offerAgain(world: PaymentWorld, htlc: HeldHtlc, twice: boolean): void {
  const { id } = htlc.part;
  if (htlc.lnd === 'away') [htlc.lnd, htlc.answer] = ['offered', undefined];
  const set = htlc.attempt === undefined ? undefined : world.sets.get(htlc.attempt);
  if (!set) {
    if (world.isAnsweredByRow(id)) return world.answer(id, 'fail');
    return arrive(world, htlc);
  }
  world.trace.push(`part ${id.slice(-2)} is offered to set ${set.attempt}`);
  sendNeutral(world, set, { type: 'part.offered', partId: id, view: world.viewOf(set) }, twice);
  const isDecided = set.laws.failSent || (set.laws.settleSent && set.laws.acked.release);
  if (isDecided && htlc.answer === undefined) world.broken('L2 answered on each offer', `${id} is not`);
}

/** lnd says its last word. */
export function finalise(world: PaymentWorld, htlc: HeldHtlc, settled: boolean, twice: boolean): void {
  htlc.lnd = 'final';
  htlc.final = settled;
  world.trace.push(`part ${htlc.part.id.slice(-2)} is final, settled: ${settled}`);
  const set = htlc.attempt === undefined ? undefined : world.sets.get(htlc.attempt);
  if (set) sendNeutral(world, set, { type: 'part.finalised', partId: htlc.part.id, settled }, twice);
  else world.database.record(htlc.part.id, settled);
}

export function record(world: PaymentWorld, set: LiveSet, twice: boolean): void {
  const final = set.toRecord.shift();
  if (!final) return;
  world.trace.push(`the end of part ${final.partId.slice(-2)} is recorded`);
  world.database.record(final.partId, final.settled);
  sendNeutral(world, set, { type: 'final.recorded', partId: final.partId }, twice);
}

export function succeed(world: PaymentWorld, set: LiveSet): void {
  const { write } = set;
  if (!write) return;
  if (!world.database.apply(write.submission)) return refuse(world, set);
  world.trace.push(`${write.submission.decision} of set ${set.attempt} is acknowledged`);
  set.write = undefined;
  set.laws.acknowledged();
  world.toSet(set, { type: 'commit.succeeded', view: world.viewOf(set) });
}

/** The last look: while the write was under way, a node has lost its chain. */
export function succeedWhileBarrierFalls(world: PaymentWorld, set: LiveSet): void {
  const node = set.ref.getSnapshot().context.parts[0]?.key.nodeId;
  if (node) world.unsynced.add(node);
  succeed(world, set);
}

export function refuse(world: PaymentWorld, set: LiveSet): void {
  if (!set.write || world.database.has(set.write.submission)) return;
  const { decision } = set.write.submission;
  world.trace.push(`${decision} of set ${set.attempt} is refused`);
  set.write = undefined;
  set.laws.notWritten();
  const because = world.database.set ? 'another set was requested' : 'a rival wrote first';
  world.toSet(set, { type: 'commit.refused', because });
}

export const commitFails = (world: PaymentWorld, set: LiveSet) => {
  if (!set.write) return;
  world.trace.push(`${set.write.submission.decision} of set ${set.attempt} fails`);
  // A later attempt that certainly failed says nothing about the first one.
  if (!set.write.isUnknown) {
    set.write = undefined;
    set.laws.notWritten();
  }
  world.toSet(set, { type: 'commit.failed', reason: 'no connection' });
};

export const commitIsUnknown = (world: PaymentWorld, set: LiveSet, written: boolean) => {
  if (!set.write) return;
  const secretly = written && world.database.apply(set.write.submission);
  world.trace.push(`${set.write.submission.decision} of set ${set.attempt} is unknown, written: ${secretly}`);
  set.write.isUnknown = true;
  world.toSet(set, { type: 'commit.ambiguous' });
};

export const commitIsFenced = (world: PaymentWorld, set: LiveSet) => {
  world.trace.push(`set ${set.attempt} is fenced`);
  set.write = undefined;
  world.toSet(set, { type: 'commit.fenced' });
};

export function tellView(world: PaymentWorld, set: LiveSet): void {
  const view = world.viewOf(set);
  world.trace.push(
    `set ${set.attempt} sees height +${view.height - START_HEIGHT}, absent ${view.absent.length}`,
  );
  world.toSet(set, { type: 'view.changed', view });
}

export const isDue = (world: PaymentWorld, set: LiveSet) =>
  deadlineReached(set.ref.getSnapshot().context.parts, world.height, world.rules.deadlineMargin);

export const deadlineOf = (world: PaymentWorld, set: LiveSet) =>
  deadlineHeight(set.ref.getSnapshot().context.parts, world.rules.deadlineMargin);

/** Settlement is asked for, and nothing is sent: the set waits for the barrier or for the database. */
export const isWaiting = (set: LiveSet) => {
  const snapshot = set.ref.getSnapshot();
  return snapshot.matches('requested') || snapshot.matches('withheld') || snapshot.matches('requesting');
};

export function tellDeadline(world: PaymentWorld, set: LiveSet, twice: boolean): void {
  world.trace.push(`set ${set.attempt} reaches its deadline`);
  sendNeutral(world, set, { type: 'deadline.reached' }, twice);
}

export function passTime(world: PaymentWorld, ms: number): void {
  world.trace.push(`${ms} ms pass`);
  world.passTime(ms);
}
