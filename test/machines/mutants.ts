import { type AnyStateMachine, emit, StateMachine } from 'xstate';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';
import type { Charts } from './world/paymentWorld.ts';
import type { Law } from './world/violation.ts';

/** A chart's configuration, open for damage. */
// biome-ignore lint/suspicious/noExplicitAny: a mutant breaks what the types promise
type Config = any;
type Implementations = Partial<Record<'actions' | 'guards' | 'delays', Record<string, unknown>>>;

/** A chart with one mistake in it, and the law that such a mistake breaks. */
export interface Mutant {
  readonly name: string;
  readonly breaks: Law;
  readonly set?: (config: Config) => void;
  readonly setImplementations?: Implementations;
  readonly invoice?: (config: Config) => void;
  readonly invoiceImplementations?: Implementations;
}

function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, copyOf(child)]));
}

function damaged<T extends AnyStateMachine>(
  machine: T,
  damage?: (c: Config) => void,
  own: Implementations = {},
) {
  const config = copyOf(machine.config) as Config;
  damage?.(config);
  const { actions, guards, delays, actors } = machine.implementations;
  return new StateMachine(config, {
    actors,
    actions: { ...actions, ...own.actions },
    guards: { ...guards, ...own.guards },
    delays: { ...delays, ...own.delays },
  } as never) as unknown as T;
}

export function chartsOf(mutant: Mutant): Charts {
  const htlcSet = damaged(htlcSetMachine, mutant.set, mutant.setImplementations);
  const invoice = damaged(invoiceMachine, mutant.invoice, mutant.invoiceImplementations);
  return { htlcSet, invoice: invoice.provide({ actors: { htlcSet } }) };
}

const doom = (reason: string) => ({ type: 'recordDoom', params: { reason } });
type Snapshot = { readonly context: Config; readonly event: Config };

export const mutants: readonly Mutant[] = [
  {
    name: 'settles before the commit',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.releasing.entry = ['commitRelease', 'settleParts'];
    },
  },
  {
    name: 'releases at the settle request without looking at the barrier',
    breaks: 'S3 release barrier',
    set: ({ states }) => {
      delete states.complete.on['settle.requested'][0].guard;
    },
  },
  {
    name: 'releases a requested set without looking at the barrier',
    breaks: 'S3 release barrier',
    set: ({ states }) => {
      delete states.requested.on['view.changed'][1].guard;
    },
  },
  {
    name: 'takes no last look at the acknowledgement',
    breaks: 'S3 release barrier',
    set: ({ states }) => {
      delete states.releasing.on['commit.succeeded'][0].guard;
    },
  },
  {
    name: 'sends a withheld release while the barrier is down',
    breaks: 'S3 release barrier',
    set: ({ states }) => {
      states.withheld.on['part.offered'][1].guard = 'isMember';
    },
  },
  {
    name: 'forgets the margin before the auto-fail height',
    breaks: 'S3 release barrier',
    setImplementations: {
      guards: {
        barrierHolds: ({ context, event }: Snapshot) =>
          event.view?.absent.length === 0 && context.doom === undefined,
      },
    },
  },
  {
    name: 'stale hold timer fails a complete set',
    breaks: 'true reasons',
    set: ({ states }) => {
      states.complete.after.hold = { target: 'failing', actions: doom('mpp_timeout') };
    },
  },
  {
    name: 'stale accept timer fails a set that is being released',
    breaks: 'S8 own acknowledgement',
    set: ({ states }) => {
      states.releasing.after = { accept: { target: 'failing', actions: doom('accept_timeout') } };
    },
  },
  {
    name: 'fails a requested set instead of aborting it',
    breaks: 'S5 monotone',
    set: ({ states }) => {
      states.requested.on['deadline.reached'].target = 'failing';
    },
  },
  {
    name: 'fails a released set at its deadline',
    breaks: 'S5 monotone',
    set: ({ states }) => {
      states.released.on['deadline.reached'] = { target: 'failing', actions: doom('deadline_reached') };
    },
  },
  {
    name: 'aborts a released set when one part is lost',
    breaks: 'S5 monotone',
    set: ({ states }) => {
      states.released.on['part.finalised'] = {
        guard: 'isMember',
        target: 'aborting',
        actions: ['recordReport', doom('part_lost')],
      };
    },
  },
  {
    name: 'a frozen set takes another part',
    breaks: 'S1 authority',
    set: ({ states }) => {
      states.complete.on['part.added'] = { actions: 'holdPart' };
    },
    invoice: ({ states }) => {
      states.accepted.on['part.arrived'] = { actions: 'addPart' };
    },
  },
  {
    name: 'a set is complete with less than the sender declared',
    breaks: 'S1 authority',
    setImplementations: { guards: { completesSet: ({ event }: Snapshot) => event.type === 'part.added' } },
  },
  {
    name: 'a settle call for another set counts',
    breaks: 'S1 authority',
    invoiceImplementations: {
      guards: { namesCurrentSet: ({ context }: Snapshot) => context.current?.setId !== undefined },
    },
  },
  {
    name: 'an unknown release counts as written',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.releasing.states.committing.on['commit.ambiguous'] = '#htlcSet.released';
    },
  },
  {
    name: 'an unknown release counts as not written',
    breaks: 'S8 own acknowledgement',
    set: ({ states }) => {
      states.releasing.states.committing.on['commit.ambiguous'] =
        states.releasing.states.committing.on['commit.failed'];
    },
  },
  {
    name: 'a later failure ends the unknown',
    breaks: 'S8 own acknowledgement',
    set: ({ states }) => {
      states.releasing.states.unknown.on = {
        'commit.failed': { target: '#htlcSet.complete', actions: ['answerUnavailable', 'reportReopened'] },
      };
    },
  },
  {
    name: 'a failed release counts as written',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.releasing.states.committing.on['commit.failed'] = '#htlcSet.released';
    },
  },
  {
    name: 'a refused release counts as written',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.releasing.on['commit.refused'] = 'released';
    },
  },
  {
    name: 'a fenced leader goes on sending',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.failing.on['commit.fenced'] = 'failed';
    },
  },
  {
    name: 'a refusal is sent before it is durable',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      const refusal = states.routing.always.find((t: Config) => t.guard === 'isRefused');
      refusal.target = 'failed';
    },
  },
  {
    name: 'an unknown failure counts as written',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.failing.states.committing.on['commit.ambiguous'] = '#htlcSet.failed';
    },
  },
  {
    name: 'cancel is accepted after the settle request',
    breaks: 'S5 monotone',
    set: ({ states }) => {
      states.requested.on['cancel.requested'] = { target: 'failing', actions: doom('canceled') };
    },
    invoice: ({ states }) => {
      const { requested } = states.settleRequested.states;
      requested.on['cancel.requested'] = [{ guard: 'namesCurrentSet', actions: 'passCancel' }];
    },
  },
  {
    name: 'cancel is answered before it is durable',
    breaks: 'S8 own acknowledgement',
    set: ({ states }) => {
      states.complete.on['cancel.requested'].actions = [doom('canceled'), 'recordSetId', 'answerCanceled'];
    },
  },
  {
    name: 'settlement is promised before it is durable',
    breaks: 'S8 own acknowledgement',
    set: ({ states }) => {
      states.requesting.entry = ['commitRequest', 'answerRequested'];
    },
  },
  {
    name: 'a failed set is opened again and settled',
    breaks: 'S2 durable before sent',
    set: ({ states }) => {
      states.failed.on['part.offered'] = 'released';
    },
  },
  {
    name: 'only the first part is settled',
    breaks: 'all or nothing',
    setImplementations: {
      actions: {
        settleParts: emit(({ context }: Snapshot) => ({
          type: 'htlc.settle',
          parts: context.parts.slice(0, 1),
        })),
      },
    },
  },
  {
    name: 'a part of another payment is failed too',
    breaks: 'S7 members only',
    setImplementations: {
      actions: {
        failParts: emit(({ context }: Snapshot) => ({
          type: 'htlc.fail',
          reason: context.doom,
          parts: [...context.parts, { ...context.parts[0], id: '02:1:1' }],
        })),
      },
    },
  },
  {
    name: 'a released set ignores that a part is offered again',
    breaks: 'L2 answered on each offer',
    set: ({ states }) => {
      delete states.released.on['part.offered'];
    },
  },
  {
    name: 'a failed set ignores that a part is offered again',
    breaks: 'L2 answered on each offer',
    set: ({ states }) => {
      delete states.failed.on['part.offered'];
    },
  },
  {
    name: 'a lost part is forgotten once the request is written',
    breaks: 'L4 hopeless sets end',
    set: ({ states }) => {
      delete states.requested.always;
    },
  },
  {
    name: 'a lost part is forgotten once the release is written',
    breaks: 'L4 hopeless sets end',
    set: ({ states }) => {
      delete states.withheld.always;
    },
  },
  {
    name: 'a write that failed is never tried again',
    breaks: 'L1 everything ends',
    set: ({ states }) => {
      delete states.failing.states.retrying.after;
    },
  },
  {
    name: 'neither a deadline nor the accept timer ends a complete set',
    breaks: 'L1 everything ends',
    set: ({ states }) => {
      delete states.complete.on['deadline.reached'];
      delete states.complete.after;
    },
  },
  {
    name: 'a foreign end counts as that of a member',
    breaks: 'L1 everything ends',
    setImplementations: {
      guards: { isLastRecord: ({ event }: Snapshot) => event.type === 'final.recorded' },
    },
  },
  {
    name: 'a part that comes twice counts twice',
    breaks: 'S12 replay-neutral',
    set: ({ states }) => {
      states.collecting.on['part.added'].shift();
    },
  },
  {
    name: 'a partly settled set is called settled',
    breaks: 'S10 exactly once visible',
    invoiceImplementations: {
      guards: { isFullySettled: ({ event }: Snapshot) => event.type === 'set.closed' },
    },
  },
  {
    name: 'a failed set is announced as accepted for ever',
    breaks: 'S10 exactly once visible',
    invoice: ({ states }) => {
      const failing = states.settleRequested.states.committing.on['set.failing'];
      failing.actions = [...failing.actions, { type: 'notify', params: { status: 'failed' } }];
    },
  },
  {
    name: 'a new part joins a set that is being failed',
    breaks: 'one set per part',
    invoice: ({ states }) => {
      delete states.open.on['set.failing'];
    },
  },
  {
    name: 'a call whose write failed gets no answer',
    breaks: 'calls are answered',
    set: ({ states }) => {
      states.releasing.states.committing.on['commit.failed'][2].actions = 'reportReopened';
    },
  },
  {
    name: 'a preimage travels in an effect',
    breaks: 'S13 secrecy',
    setImplementations: {
      actions: {
        settleParts: emit(({ context }: Snapshot) => ({
          type: 'htlc.settle',
          parts: context.parts,
          preimage: '00'.repeat(32),
        })),
      },
    },
  },
  {
    name: 'a guard throws',
    breaks: 'total',
    setImplementations: {
      guards: { isMember: ({ context, event }: Snapshot) => context.parts[0].id === event.part.id },
    },
  },
];
