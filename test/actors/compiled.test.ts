import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type AnyActorRef,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  assign,
  type EventObject,
  emit,
  raise,
  setup,
} from 'xstate';
import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { liveHtlcSet, liveInvoice } from '../../src/actors/compiled/charts.ts';
import { compiled } from '../../src/actors/compiled/compiled.ts';
import { planOf, UnplannedFeature } from '../../src/actors/compiled/plan.ts';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { leadershipMachine } from '../../src/machines/leadership/machine.ts';
import { nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';
import { htlcSetEvents, invoiceEvents, PARTS } from '../machines/anyEvent.ts';
import { ManualClock } from '../machines/world/manualClock.ts';
import { payments, RUNS, SEED, TIMEOUT_MS } from '../machines/world/payments.ts';
import { HASH, rulesOf, termsAt } from '../machines/world/scene.ts';

const set = { attempt: '1', paymentHash: HASH, rules: rulesOf(false), holdMs: 60_000 };
const restoredSet = { setId: HASH, parts: PARTS.slice(0, 2) };
const invoice = { paymentHash: HASH, terms: termsAt(1_700_000_000_000), rules: rulesOf(false) };
interface Subject {
  readonly plain: AnyStateMachine;
  readonly quick: AnyStateMachine;
  readonly events: fc.Arbitrary<EventObject>;
  readonly inputs: readonly object[];
}

const subjects: Readonly<Record<string, Subject>> = {
  htlcSet: {
    plain: htlcSetMachine,
    quick: liveHtlcSet,
    events: htlcSetEvents,
    inputs: [
      set,
      { ...set, parts: PARTS.slice(0, 1) },
      { ...set, parts: PARTS.slice(0, 2) },
      { ...set, parts: PARTS.slice(0, 1), refusal: 'expiry_too_soon' },
      ...['requested', 'released', 'failed'].map((restoredAs) => ({ ...set, ...restoredSet, restoredAs })),
    ],
  },
  invoice: {
    plain: invoiceMachine,
    quick: liveInvoice,
    events: invoiceEvents,
    inputs: [
      invoice,
      ...['requested', 'released', 'settled', 'failed'].map((as) => ({
        ...invoice,
        restored: { as, ...restoredSet },
      })),
    ],
  },
};

type Step = readonly [ms: number, event: EventObject, child: EventObject];

/** Everything that can be told about a run from outside: states, contexts, effects, timers, and who sent what to whom. */
function runOf(machine: AnyStateMachine, input: object, script: readonly Step[]): unknown[] {
  const clock = new ManualClock();
  const system = createActorSystem(clock);
  const told: unknown[] = [];
  system.inspect((event) => {
    if (event.type === '@xstate.event') told.push([idOf(event.sourceRef), idOf(event.actorRef), event.event]);
    else if (event.type === '@xstate.action') told.push([idOf(event.actorRef), event.action.type]);
    else if (event.type === '@xstate.microstep') {
      const { snapshot, _transitions: taken } = event;
      told.push([
        idOf(event.actorRef),
        stateOf(snapshot),
        taken.map((each) => [each.source.id, each.eventType]),
      ]);
    }
  });
  const actor = system.spawn(machine, { id: machine.id, input: input as never });
  actor.subscribe({ error: (error) => told.push(String(error)) });
  actor.on('*', (effect) => told.push(effect));
  actor.start();
  told.push(stateOf(actor.getSnapshot()));
  for (const [ms, event, child] of script) {
    clock.advance(ms);
    if (statusOf(actor) !== 'active') break;
    actor.send(event);
    for (const each of childrenOf(actor)) {
      if (ms === 500 && statusOf(each) === 'active') each.send(child);
      told.push(each.id, stateOf(each.getSnapshot()));
    }
    told.push(stateOf(actor.getSnapshot()));
  }
  system.stop();
  return told;
}

const statusOf = (actor: AnyActorRef): string => (actor.getSnapshot() as AnyMachineSnapshot).status;

const idOf = (ref: unknown) => (ref as AnyActorRef | undefined)?.id;

const childrenOf = (actor: AnyActorRef): AnyActorRef[] =>
  Object.values((actor.getSnapshot() as { children: Record<string, AnyActorRef> }).children);

function stateOf(snapshot: unknown) {
  const { status, value, context, tags, output, error, children, _nodes, historyValue } =
    snapshot as AnyMachineSnapshot;
  return {
    status,
    value,
    context: withoutRefs(context as object),
    tags,
    output,
    error: error === undefined ? undefined : String(error),
    children: Object.keys(children),
    nodes: _nodes.map((node) => node.id).sort(),
    historyValue,
  };
}

/** An actor in a context stands for itself: its id is enough. */
function withoutRefs(context: object): unknown {
  const { current, ...rest } = context as { current?: { ref: AnyActorRef } };
  return current ? { ...rest, current: { ...current, ref: current.ref.id } } : context;
}

const pause = fc.constantFrom(0, 0, 0, 500, 500, 5_000, 60_000, 3_700_000);

describe.each(Object.keys(subjects))('the chart %s with known transitions', (name) => {
  const { plain, quick, events, inputs } = subjects[name]!;

  it('does what XState does with it, to the last action', { timeout: TIMEOUT_MS }, () => {
    const scripts = fc.array(fc.tuple(pause, events, htlcSetEvents), { maxLength: 30, size: 'max' });
    fc.assert(
      fc.property(fc.constantFrom(...inputs), scripts, (input, script) => {
        expect(runOf(quick, input, script)).toEqual(runOf(plain, input, script));
      }),
      { numRuns: 600, seed: SEED },
    );
  });
});

/** Names of the states of any chart below: at most three deep, two or three beside each other. */
const NODES = ['a', 'a.b', 'a.b.a', 'a.b.b', 'a.a', 'b', 'c', 'c.a', 'c.b', 'end'];
const transition = fc.record({
  target: fc.option(fc.constantFrom(...NODES), { nil: undefined }),
  reenter: fc.boolean(),
  from: fc.nat(3),
  /** Without a target nothing happens at all, which an eventless one must not do for ever. */
  quiet: fc.boolean(),
  raises: fc.option(fc.constantFrom('x', 'y'), { nil: undefined }),
});
type AnyTransition = typeof transition extends fc.Arbitrary<infer T> ? T : never;
const anyChart = fc.array(
  fc.record({
    on: fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.array(transition, { minLength: 1, maxLength: 2 })),
    always: fc.array(transition, { maxLength: 1 }),
    delay: fc.option(fc.constantFrom(400, 4_000), { nil: undefined }),
  }),
  { minLength: NODES.length + 1, maxLength: NODES.length + 1 },
);

/** A chart of nothing but bookkeeping: it counts its steps, and ends when it has taken too many. */
function chartOf(nodes: typeof anyChart extends fc.Arbitrary<infer T> ? T : never): AnyStateMachine {
  const takes = (
    { target, reenter, from, quiet, raises }: AnyTransition,
    isEventless: boolean,
    atRoot = false,
  ) => ({
    ...(target === undefined ? {} : { target: `#${target}`, reenter: reenter && !atRoot }),
    // Eventless ones and raised events stop after a while: a ring of them would go round for ever.
    guard: { type: 'isBetween', params: { from, to: isEventless || raises ? 12 : 60 } },
    actions: quiet ? [] : ['count', 'tell', ...(raises ? [{ type: `raise.${raises}` }] : [])],
  });
  const node = (name: string): object => {
    const { on, always, delay } = nodes[NODES.indexOf(name) + 1]!;
    const depth = name === '' ? 0 : name.split('.').length;
    const below = NODES.filter(
      (each) => each.split('.').length === depth + 1 && (depth === 0 || each.startsWith(`${name}.`)),
    );
    if (name === 'end') return { id: name, type: 'final', entry: ['tell'] };
    const children = Object.fromEntries(below.map((each) => [each.split('.').at(-1), node(each)]));
    return {
      id: name === '' ? 'root' : name,
      entry: ['count', 'tell'],
      exit: ['tell'],
      on: Object.fromEntries(
        Object.entries(on).map(([type, all]) => [type, all.map((each) => takes(each, false, depth === 0))]),
      ),
      ...(depth > 0
        ? { always: always.filter((each) => each.target !== 'end').map((each) => takes(each, true)) }
        : {}),
      ...(delay === undefined || depth === 0
        ? {}
        : { after: { [delay]: { target: '#c', actions: ['count'] } } }),
      ...(below.length > 0
        ? { initial: { target: below[0]!.split('.').at(-1), actions: ['count', 'tell'] }, states: children }
        : {}),
    };
  };
  return setup({
    guards: {
      isBetween: ({ context }, { from, to }: { from: number; to: number }) => {
        const { steps } = context as { steps: number };
        return steps % 4 >= from && steps < to;
      },
    },
    actions: {
      count: assign(({ context }) => ({ steps: (context as { steps: number }).steps + 1 })),
      tell: emit(({ context, event }) => ({
        type: 'told',
        steps: (context as { steps: number }).steps,
        event: event.type,
      })),
      'raise.x': raise({ type: 'x' }),
      'raise.y': raise({ type: 'y' }),
    },
  }).createMachine({ ...node(''), context: { steps: 0 } } as never) as never;
}

describe('any chart with known transitions', () => {
  it('does what XState does with it', { timeout: TIMEOUT_MS }, () => {
    const anyEvent = fc.constantFrom('x', 'y', 'z', 'other').map((type) => ({ type }));
    const scripts = fc.array(fc.tuple(fc.constantFrom(0, 500, 5_000), anyEvent, anyEvent), { maxLength: 12 });
    const ends = new Set<unknown>();
    fc.assert(
      fc.property(anyChart, scripts, (nodes, script) => {
        const machine = chartOf(nodes);
        const expected = runOf(machine, {}, script);
        expect(runOf(compiled(machine), {}, script)).toEqual(expected);
        ends.add((expected.findLast((each) => Object(each).status) as { status: string }).status);
      }),
      { numRuns: 300, seed: SEED },
    );
    expect([...ends].sort()).toEqual(['active', 'done']);
  });
});

describe('payments on charts with known transitions', () => {
  it('keep every law in any order of events', { timeout: TIMEOUT_MS }, () => {
    fc.assert(payments({ invoice: liveInvoice, htlcSet: liveHtlcSet }), { numRuns: RUNS, seed: SEED });
  });
});

describe('what can not be worked out beforehand', () => {
  const chart = setup({ guards: { never: () => false } });
  it.each([
    ['a parallel state', nodeLinkMachine],
    ['another one', leadershipMachine],
    ['history', chart.createMachine({ initial: 'a', states: { a: {}, h: { type: 'history' } } })],
    ['a wildcard', chart.createMachine({ initial: 'a', states: { a: { on: { '*': {} } } } })],
    [
      'an unknown guard',
      chart.createMachine({ initial: 'a', states: { a: { always: { guard: 'other' as never } } } }),
    ],
    [
      'an invocation',
      setup({ actors: { x: chart.createMachine({}) } }).createMachine({ invoke: { src: 'x' } }),
    ],
  ])('%s is refused', (_, machine) => {
    expect(() => planOf(machine)).toThrow(UnplannedFeature);
  });

  it('an assignment that spawns outside of enqueueActions ends the actor, as any action that throws does', () => {
    const machine = setup({ actors: { child: chart.createMachine({}) } }).createMachine({
      initial: 'a',
      states: { a: { on: { go: { actions: assign(({ spawn }) => void spawn('child') as never) } } } },
    });
    const actor = createActorSystem(new ManualClock()).spawn(compiled(machine), {
      id: 'a',
      input: undefined as never,
    });
    const errors: unknown[] = [];
    actor.subscribe({ error: (error) => errors.push(error) });
    actor.start();
    actor.send({ type: 'go' });
    expect(String(errors)).toContain('enqueueActions');
  });
});
