import { type AnyStateMachine, createMachine } from 'xstate';
import { type Design, type Flaws, htlcSetMachine, invoiceMachine } from '../design.ts';

/** A chart's configuration as plain data. Its shape is XState's; a mutant that no longer fits it throws. */
// biome-ignore lint/suspicious/noExplicitAny: a typed path into every state would say no more
export type Config = Record<string, any>;

/** A copy of a configuration; what is not plain data stays the same. */
function copyOf<T>(value: T): T {
  if (Array.isArray(value)) return value.map(copyOf) as T;
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, copyOf(inner)])) as T;
}

function mutated<T extends AnyStateMachine>(machine: T, change: (states: Config, config: Config) => void): T {
  const config = copyOf(machine.config) as Config;
  change(config.states, config);
  return createMachine(config as never, machine.implementations as never) as unknown as T;
}

/** The real design with another set chart. */
export function withSet(name: string, change: (states: Config, config: Config) => void): Design {
  const htlcSet = mutated(htlcSetMachine, change);
  return { name, invoice: invoiceMachine.provide({ actors: { htlcSet } }), flaws: {} };
}

export function withSetGuard(name: string, guard: string, verdict: boolean): Design {
  const htlcSet = htlcSetMachine.provide({ guards: { [guard]: () => verdict } as never });
  return { name, invoice: invoiceMachine.provide({ actors: { htlcSet } }), flaws: {} };
}

/** The real design with another invoice chart, and another set chart if one is given. */
export function withInvoice(
  name: string,
  change: (states: Config, config: Config) => void,
  changeSet: (states: Config, config: Config) => void = () => {},
): Design {
  const htlcSet = mutated(htlcSetMachine, changeSet);
  return { name, invoice: mutated(invoiceMachine, change).provide({ actors: { htlcSet } }), flaws: {} };
}

export function withFlaws(name: string, flaws: Flaws): Design {
  return { name, invoice: invoiceMachine, flaws };
}
