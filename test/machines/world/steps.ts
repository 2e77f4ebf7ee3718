import type { PartId } from '../../../src/domain/htlcKey.ts';
import { refusalOfBytes } from '../../../src/domain/terms.ts';
import {
  arrive,
  commitFails,
  commitIsFenced,
  commitIsUnknown,
  deadlineOf,
  finalise,
  isDue,
  isWaiting,
  offerAgain,
  passTime,
  record,
  refuse,
  succeed,
  succeedWhileBarrierFalls,
  tellDeadline,
  tellView,
} from './moves.ts';
import type { HeldHtlc, PaymentWorld } from './paymentWorld.ts';
import { AMOUNT, makePart, NODES, START_HEIGHT, WRONG_SET } from './scene.ts';

/** One random choice: which kind of step, and two numbers that fill in its details. */
export interface Choice {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  /** Deliver the event a second time, where that must change nothing. */
  readonly twice: boolean;
}

type Step = (world: PaymentWorld, choice: Choice) => void;

const pick = <T>(from: readonly T[], n: number): T | undefined => from[n % Math.max(1, from.length)];
const AMOUNTS = [AMOUNT / 2n, AMOUNT / 2n, AMOUNT, AMOUNT / 4n, AMOUNT * 2n, 1n, 0n, (AMOUNT * 3n) / 4n];
const TOTALS = [AMOUNT, AMOUNT, AMOUNT, AMOUNT, AMOUNT * 2n, AMOUNT + 1n, AMOUNT - 1n, 0n, AMOUNT * 2n + 1n];
const CLTV_DELTAS = [40, 40, 40, 20, 25, 40, 11, 3000];
const PAUSES = [1_000, 1_000, 20_000, 60_000, 90_000, 700_000];

const offer: Step = (world, { a, b }) => {
  const part = makePart(world.htlcs.size, world.height, {
    amountMsat: pick(AMOUNTS, a)!,
    totalMsat: pick(TOTALS, Math.floor(a / 8))!,
    cltvDelta: pick(CLTV_DELTAS, b)!,
  });
  // The shell refuses these without an actor: everyone who sees the same bytes says the same.
  if (refusalOfBytes(part, world.terms, world.rules)) return;
  const htlc: HeldHtlc = { part, attempt: undefined, lnd: 'offered', answer: undefined, final: undefined };
  world.htlcs.set(part.id, htlc);
  arrive(world, htlc);
};

const commit: Step = (world, { a, b }) => {
  const set = pick(
    [...world.sets.values()].filter((s) => s.write),
    a,
  );
  if (!set) return;
  const outcome = b % 16;
  if (outcome < 6) succeed(world, set);
  else if (outcome < 8) succeedWhileBarrierFalls(world, set);
  else if (outcome < 11) commitIsUnknown(world, set, outcome === 8);
  else if (outcome < 13) commitFails(world, set);
  else if (outcome < 15) refuse(world, set);
  else commitIsFenced(world, set);
};

const settle: Step = (world, { a, b, twice }) => {
  const accepted = [...world.laws.accepted];
  const setId = b % 8 === 7 ? WRONG_SET : (pick(accepted.toReversed(), b % 8 < 5 ? 0 : a) ?? WRONG_SET);
  const set = [...world.sets.values()].find((s) => s.ref.getSnapshot().context.setId === setId);
  // The call overtakes the news of the block.
  if (set && b % 16 === 3) world.height = Math.max(world.height, deadlineOf(world, set) - (a % 2));
  const before = world.state();
  for (let times = twice ? 2 : 1; times > 0; times -= 1) {
    world.trace.push(`application asks to settle ${setId.slice(0, 4)}`);
    world.laws.asksSettle(setId);
    world.toInvoice({ type: 'settle.requested', setId, view: world.viewFor(setId) });
  }
  if (setId === WRONG_SET && world.state() !== before)
    world.broken('S10 exactly once visible', 'a call for an unknown set changed something');
};

const cancel: Step = (world, { a, b, twice }) => {
  const setId = b % 8 === 7 ? WRONG_SET : (pick([...world.laws.accepted].toReversed(), a % 3) ?? WRONG_SET);
  const before = world.state();
  for (let times = twice ? 2 : 1; times > 0; times -= 1) {
    world.trace.push(`application cancels ${setId.slice(0, 4)}`);
    world.laws.asksCancel(setId);
    world.toInvoice({ type: 'cancel.requested', setId });
  }
  if (setId === WRONG_SET && world.state() !== before)
    world.broken('S10 exactly once visible', 'a call for an unknown set changed something');
};

const htlcsThat = (world: PaymentWorld, test: (htlc: HeldHtlc) => boolean) =>
  [...world.htlcs.values()].filter(test);

const steps: readonly (readonly [weight: number, name: string, step: Step])[] = [
  [16, 'offer', offer],
  [22, 'commit', commit],
  [9, 'settle', settle],
  [3, 'cancel', cancel],
  [
    8,
    'offer again',
    (world, { a, twice }) => {
      const away = htlcsThat(world, (h) => h.lnd === 'away');
      const htlc = pick(away.length > 0 ? away : htlcsThat(world, (h) => h.lnd === 'offered'), a);
      if (htlc) offerAgain(world, htlc, twice);
    },
  ],
  [
    8,
    'disconnect',
    (world, { a, b }) => {
      const htlc = pick(
        htlcsThat(world, (h) => h.lnd === 'offered'),
        a,
      );
      if (!htlc) return;
      htlc.lnd = 'away';
      if (b % 2 === 0) htlc.answer = undefined;
      world.trace.push(`part ${htlc.part.id.slice(-2)} is away, answer ${htlc.answer ?? 'none'}`);
    },
  ],
  [
    14,
    'final',
    (world, { a, twice }) => {
      const htlc = pick(
        htlcsThat(world, (h) => h.lnd !== 'final' && h.answer !== undefined),
        a,
      );
      if (htlc) finalise(world, htlc, htlc.answer === 'settle', twice);
    },
  ],
  [
    2,
    'lost',
    (world, { a, twice }) => {
      const htlc = pick(
        htlcsThat(world, (h) => h.lnd !== 'final'),
        a,
      );
      if (htlc) finalise(world, htlc, false, twice);
    },
  ],
  [
    2,
    'final again',
    (world, { a }) => {
      const htlc = pick(
        htlcsThat(world, (h) => h.lnd === 'final' && world.sets.has(h.attempt ?? '')),
        a,
      );
      const set = world.sets.get(htlc?.attempt ?? '');
      if (!htlc || !set) return;
      const before = world.state();
      const isKnown = set.ref.getSnapshot().context.reported.some((r) => r.partId === htlc.part.id);
      world.toSet(set, { type: 'part.finalised', partId: htlc.part.id, settled: htlc.final! });
      if (isKnown && world.state() !== before)
        world.broken('S12 replay-neutral', 'an old final changed the state');
    },
  ],
  [
    12,
    'record',
    (world, { a, twice }) => {
      const set = pick(
        [...world.sets.values()].filter((s) => s.toRecord.length > 0),
        a,
      );
      if (set) record(world, set, twice);
    },
  ],
  [
    3,
    'foreign events',
    (world, { a, b }) => {
      const set = pick([...world.sets.values()], a);
      if (!set) return;
      const foreign = makePart(9_999, world.height, { amountMsat: 1n, totalMsat: AMOUNT, cltvDelta: 40 }).id;
      const member = pick(set.ref.getSnapshot().context.parts, b);
      const before = world.state();
      if (b % 4 === 0) world.toSet(set, { type: 'final.recorded', partId: foreign as PartId });
      else if (b % 4 === 1) world.toSet(set, { type: 'part.finalised', partId: foreign, settled: true });
      else if (b % 4 === 2)
        world.toSet(set, { type: 'part.offered', partId: foreign, view: { height: 0, absent: [foreign] } });
      else if (member) world.toSet(set, { type: 'part.added', part: member });
      if (world.state() !== before) world.broken('S12 replay-neutral', 'a foreign or repeated part counted');
    },
  ],
  [
    6,
    'view',
    (world, { a }) => {
      const set = pick([...world.sets.values()], a);
      if (set) tellView(world, set);
    },
  ],
  [
    6,
    'block',
    (world, { a, b, twice }) => {
      world.height += 1 + (a % 3 === 0 ? a % 24 : 0);
      world.trace.push(`height +${world.height - START_HEIGHT}`);
      // Else the news comes later, or something else comes first.
      if (b % 2 === 0)
        for (const set of world.sets.values()) if (isDue(world, set)) tellDeadline(world, set, twice);
    },
  ],
  [
    5,
    'deadline',
    (world, { a, twice }) => {
      const set = pick(
        [...world.sets.values()].filter((s) => isDue(world, s)),
        a,
      );
      if (set) tellDeadline(world, set, twice);
    },
  ],
  [
    4,
    'late news',
    (world, { a, b, twice }) => {
      const waiting = [...world.sets.values()].filter((s) => isWaiting(s));
      const set = pick(waiting, a);
      if (!set) return;
      // The height is seen in the view of some other event, before anyone says that a deadline is reached.
      if (b % 2 === 0) world.height = Math.max(world.height, deadlineOf(world, set));
      const { parts } = set.ref.getSnapshot().context;
      const htlc = world.htlcs.get(pick(parts, b)?.id ?? ('' as PartId));
      if (a % 2 === 0) tellView(world, set);
      else if (htlc && htlc.lnd !== 'final') offerAgain(world, htlc, twice);
    },
  ],
  [
    5,
    'barrier up',
    (world, { a, b, twice }) => {
      const set = pick(
        [...world.sets.values()].filter((s) => isWaiting(s)),
        a,
      );
      if (!set) return;
      const { parts } = set.ref.getSnapshot().context;
      if (b % 2 === 0) world.unsynced.clear();
      for (const { id } of parts) {
        const htlc = world.htlcs.get(id);
        if (htlc?.lnd === 'away') offerAgain(world, htlc, twice);
      }
      world.unsynced.clear();
      tellView(world, set);
    },
  ],
  [
    4,
    'sync',
    (world, { a, b }) => {
      const node = pick(NODES, a)!;
      if (b % 2 === 0) world.unsynced.add(node);
      else world.unsynced.delete(node);
      world.trace.push(`node ${node.slice(0, 2)} is ${b % 2 === 0 ? 'not ' : ''}synced`);
    },
  ],
  [5, 'time', (world, { a }) => passTime(world, pick(PAUSES, a)!)],
  [
    1,
    'subscription',
    (world, { b }) => {
      world.subscribed = b % 4 !== 0;
    },
  ],
  [
    2,
    'close',
    (world) => {
      world.trace.push('nothing is left?');
      const hadSets = world.sets.size > 0;
      world.toInvoice({ type: 'invoice.close' });
      const isClosed = world.invoice.getSnapshot().status === 'done';
      if (isClosed && hadSets) world.broken('L1 everything ends', 'closed while a set lives');
      if (isClosed) world.restart();
    },
  ],
  [1, 'restart', (world) => world.restart()],
];

const table: readonly Step[] = steps.flatMap(([weight, , step]) => Array<Step>(weight).fill(step));

/** How many different values {@link Choice.kind} takes. */
export const KINDS = table.length;

export function take(world: PaymentWorld, choice: Choice): void {
  if (world.isDead) world.restart();
  table[choice.kind % KINDS]!(world, choice);
  world.check();
}
