import { finalise, isDue, offerAgain, passTime, record, succeed, tellDeadline, tellView } from './moves.ts';
import type { HeldHtlc, PaymentWorld } from './paymentWorld.ts';

const MOST_ROUNDS = 400;

/**
 * All faults heal: writes succeed, nodes come back and carry out their answers. Then everything has to end, and
 * well before any node would give an HTLC back by itself.
 */
export function heal(world: PaymentWorld): void {
  world.trace.push('everything heals');
  if (world.isDead) world.restart();
  world.subscribed = true;
  world.unsynced.clear();
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (isOver(world)) return end(world);
    if (!(nodesWork(world) || databaseWorks(world) || shellWorks(world))) timeGoesOn(world);
    world.check();
    if (world.isDead) world.restart();
  }
  const open = [...world.htlcs.values()].filter((h) => h.lnd !== 'final').map((h) => h.part.id);
  world.broken('L1 everything ends', `${world.sets.size} sets live, open parts: ${open.join() || 'none'}`);
  world.check();
}

const isOver = (world: PaymentWorld) =>
  world.sets.size === 0 && [...world.htlcs.values()].every((h) => h.lnd === 'final');

function nodesWork(world: PaymentWorld): boolean {
  let worked = false;
  for (const htlc of [...world.htlcs.values()] as HeldHtlc[]) {
    if (htlc.lnd === 'away') offerAgain(world, htlc, false);
    else if (htlc.lnd === 'offered' && htlc.answer !== undefined)
      finalise(world, htlc, htlc.answer === 'settle', false);
    else continue;
    world.check();
    worked = true;
  }
  return worked;
}

function databaseWorks(world: PaymentWorld): boolean {
  let worked = false;
  for (const set of [...world.sets.values()]) {
    if (set.write) succeed(world, set);
    else if (set.toRecord.length > 0) record(world, set, false);
    else continue;
    worked = true;
  }
  return worked;
}

/** What the product tells its sets by itself when the world around them changes. */
function shellWorks(world: PaymentWorld): boolean {
  const before = world.state();
  lookUpFinals(world);
  for (const set of [...world.sets.values()]) {
    tellView(world, set);
    if (isDue(world, set)) tellDeadline(world, set, false);
  }
  return world.state() !== before;
}

/** After each connection the nodes are asked for the end of everything that is not known to be final. */
function lookUpFinals(world: PaymentWorld): void {
  for (const { part, final, attempt } of world.htlcs.values()) {
    const set = world.sets.get(attempt ?? '');
    if (final === undefined || !set) continue;
    if (set.ref.getSnapshot().context.reported.some((r) => r.partId === part.id)) continue;
    world.trace.push(`part ${part.id.slice(-2)} is looked up, settled: ${final}`);
    world.toSet(set, { type: 'part.finalised', partId: part.id, settled: final });
  }
}

function timeGoesOn(world: PaymentWorld): void {
  const untilNext = world.clock.untilNext();
  if (untilNext !== undefined) return passTime(world, untilNext);
  world.height += 1;
  for (const { part, lnd } of world.htlcs.values())
    if (lnd !== 'final' && part.autoFailHeight <= world.height)
      world.broken('L1 everything ends', `${part.id} runs into its auto-fail height`);
}

function end(world: PaymentWorld): void {
  const waiting = [...world.laws.settleWaiting, ...world.laws.cancelWaiting];
  if (waiting.length > 0) world.broken('calls are answered', `${waiting.length} calls still wait`);
  world.toInvoice({ type: 'invoice.close' });
  if (world.invoice.getSnapshot().status !== 'done')
    world.broken('L1 everything ends', `the invoice is ${JSON.stringify(world.invoice.getSnapshot().value)}`);
  world.check();
}
