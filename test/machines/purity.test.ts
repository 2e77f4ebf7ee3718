import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import { leadershipMachine } from '../../src/machines/leadership/machine.ts';
import { nodeLinkMachine } from '../../src/machines/nodeLink/machine.ts';
import { payments, SEED } from './world/payments.ts';

const charts: readonly AnyStateMachine[] = [
  invoiceMachine,
  htlcSetMachine,
  nodeLinkMachine,
  leadershipMachine,
];

/** What a chart may do: remember, ask, tell its kin, start and end its kin, wait. Nothing that touches the world. */
const ALLOWED = new Set([
  'xstate.assign',
  'xstate.emit',
  'xstate.enqueueActions',
  'xstate.sendTo',
  'xstate.sendParent',
  'xstate.spawnChild',
  'xstate.stopChild',
  'xstate.raise',
  'xstate.cancel',
]);

const kindOf = (action: unknown): string =>
  typeof action === 'function' && 'type' in action ? String(action.type) : typeof action;

function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(nodesOf)];
}

/** Every action that a chart's states and transitions name. */
function namedActions(machine: AnyStateMachine) {
  return nodesOf(machine.root).flatMap((node) => [
    ...node.entry,
    ...node.exit,
    ...[...node.transitions.values(), node.always ?? []].flat().flatMap((transition) => transition.actions),
  ]);
}

describe.each(charts.map((machine) => ({ id: machine.id, machine })))('chart $id', ({ machine }) => {
  it('has only actions that assign, emit, or speak with other actors', () => {
    const { actions } = machine.implementations;
    const others = Object.entries(actions).filter(([, action]) => !ALLOWED.has(kindOf(action)));
    expect(others.map(([name, action]) => `${name}: ${kindOf(action)}`)).toEqual([]);
  });

  it('names its actions: none is written inline, none is unknown, none is unused', () => {
    const { actions } = machine.implementations;
    const named = namedActions(machine);
    // `after` starts and ends its timers with actions of XState's own.
    const inline = named.filter((action) => typeof action === 'function' && !isTimer(action));
    expect(inline.map(kindOf)).toEqual([]);
    const names = new Set(named.filter((action) => typeof action !== 'function').map(nameOf));
    expect([...names].filter((name) => !(name in actions))).toEqual([]);
    expect(Object.keys(actions).filter((name) => !names.has(name))).toEqual([]);
  });

  it('names its guards, and uses each of them', () => {
    const { guards } = machine.implementations;
    const used = new Set<string>();
    for (const node of nodesOf(machine.root))
      for (const { guard } of [...node.transitions.values(), node.always ?? []].flat()) {
        if (guard === undefined) continue;
        expect(typeof guard).not.toBe('function');
        used.add(typeof guard === 'string' ? guard : (guard as { type: string }).type);
      }
    expect([...used].filter((name) => !(name in guards))).toEqual([]);
    expect(Object.keys(guards).filter((name) => !used.has(name))).toEqual([]);
  });

  it('invokes nothing', () => {
    expect(nodesOf(machine.root).flatMap((node) => node.invoke)).toEqual([]);
  });

  it('describes each state that is not just a step on the way', () => {
    const silent = nodesOf(machine.root).filter(
      (node) => node.parent === machine.root && !node.description && !node.always,
    );
    expect(silent.map((node) => node.id)).toEqual([]);
  });
});

/** Actions are named by a string, or by an object with a type and parameters. */
function nameOf(action: unknown): string {
  return typeof action === 'string' ? action : (action as { readonly type: string }).type;
}

function isTimer(action: unknown): boolean {
  return ['xstate.raise', 'xstate.cancel'].includes(kindOf(action));
}

it('executes no other kind of action at run time', { timeout: 60_000 }, () => {
  const executed = new Set<string>();
  const charts = { invoice: invoiceMachine, htlcSet: htlcSetMachine };
  const observe: Parameters<typeof payments>[1] = (event) => {
    if (event.type === '@xstate.action') executed.add(event.action.type);
  };
  fc.assert(payments(charts, observe), { numRuns: 200, seed: SEED });
  expect([...executed].filter((type) => !ALLOWED.has(type))).toEqual([]);
  expect(executed.size).toBeGreaterThan(3);
});
