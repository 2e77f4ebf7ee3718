import { assign, emit, enqueueActions, sendTo, setup, stopChild } from 'xstate';
import type { FailResult } from '../../domain/failResult.ts';
import type { SetId } from '../../domain/hash.ts';
import type { Part } from '../../domain/part.ts';
import { type OfferFacts, refusalOf, type SetSoFar } from '../../domain/terms.ts';
import type { RestoredAs } from '../htlcSet/events.ts';
import { htlcSetMachine } from '../htlcSet/machine.ts';
import type { InvoiceContext, InvoiceEffect, InvoiceEvent, InvoiceInput, InvoiceStatus } from './events.ts';

type Arrival = { readonly part: Part; readonly facts: OfferFacts };

const soFar = (context: InvoiceContext): SetSoFar | undefined => context.current;

const refusalHere = (context: InvoiceContext, { part, facts }: Arrival): FailResult | undefined =>
  refusalOf(part, context.terms, soFar(context), facts, context.rules);

/** BOLT 4's hold, but never beyond the invoice's expiry: after it the set could not be completed anyway. */
const holdMsOf = (context: InvoiceContext, facts: OfferFacts): number =>
  Math.max(0, Math.min(context.rules.holdMs, (context.terms.expiresAt - facts.now) * 1000));

const isCurrent = (context: InvoiceContext, event: InvoiceEvent): boolean =>
  'attempt' in event && context.current?.attempt === event.attempt;

const namedSetId = (event: InvoiceEvent): SetId => ('setId' in event ? event.setId : ('' as SetId));

const setup_ = setup({
  types: {
    context: {} as InvoiceContext,
    events: {} as InvoiceEvent,
    input: {} as InvoiceInput,
    emitted: {} as InvoiceEffect,
    children: {} as Record<string, 'htlcSet'>,
  },
  actors: { htlcSet: htlcSetMachine },
  guards: {
    isRestoredAs: ({ context }, params: { as: string }) => context.restored?.as === params.as,
    isAfterExpiry: ({ context, event }) =>
      event.type === 'part.arrived' && event.facts.now >= context.terms.expiresAt,
    isRefused: ({ context, event }) =>
      event.type === 'part.arrived' && refusalHere(context, event) !== undefined,
    hasNoSets: ({ context }) => context.live === 0,
    isFirstPart: ({ context }) => context.current === undefined,
    isCurrentSet: ({ context, event }) => isCurrent(context, event),
    namesCurrentSet: ({ context, event }) =>
      'setId' in event && context.current?.setId !== undefined && context.current.setId === event.setId,
    namesFinalSet: ({ context, event }) =>
      'setId' in event && context.finalSetId !== undefined && context.finalSetId === event.setId,
    isFullySettled: ({ context, event }) =>
      event.type === 'set.closed' &&
      isCurrent(context, event) &&
      event.settledMsat >= (context.current?.heldMsat ?? 0n),
  },
  actions: {
    startSet: enqueueActions(({ enqueue, context, event }) => {
      if (event.type !== 'part.arrived') return;
      const attempt = String(context.attempts + 1);
      const { part, facts } = event;
      enqueue.assign(({ context: c, spawn }) => ({
        attempts: c.attempts + 1,
        live: c.live + 1,
        current: {
          attempt,
          ref: spawn('htlcSet', {
            id: attempt,
            input: { attempt, paymentHash: c.paymentHash, rules: c.rules, holdMs: holdMsOf(c, facts) },
          }),
          heldMsat: part.amountMsat,
          totalMsat: part.totalMsat,
          parts: 1,
          setId: undefined,
        },
      }));
      enqueue.emit({ type: 'set.started', attempt });
      enqueue.sendTo(attempt, { type: 'part.added', part });
    }),
    addPart: enqueueActions(({ enqueue, context, event }) => {
      const { current } = context;
      if (event.type !== 'part.arrived' || !current) return;
      enqueue.assign({
        current: {
          ...current,
          heldMsat: current.heldMsat + event.part.amountMsat,
          parts: current.parts + 1,
        },
      });
      enqueue.sendTo(current.ref, { type: 'part.added', part: event.part });
    }),
    refusePart: enqueueActions(({ enqueue, context, event }, params: { reason?: FailResult }) => {
      if (event.type !== 'part.arrived') return;
      const refusal = params.reason ?? refusalHere(context, event) ?? 'invoice_not_open';
      const attempt = String(context.attempts + 1);
      enqueue.assign(({ context: c, spawn }) => {
        spawn('htlcSet', {
          id: attempt,
          input: { attempt, paymentHash: c.paymentHash, rules: c.rules, holdMs: 0, refusal },
        });
        return { attempts: c.attempts + 1, live: c.live + 1 };
      });
      enqueue.emit({ type: 'set.started', attempt });
      enqueue.sendTo(attempt, { type: 'part.added', part: event.part });
    }),
    restoreSet: enqueueActions(({ enqueue, context }) => {
      const { restored } = context;
      if (!restored || restored.as === 'settled' || restored.as === 'failed') return;
      const as: RestoredAs = restored.as;
      enqueue.assign(({ context: c, spawn }) => ({
        attempts: 1,
        live: 1,
        current: {
          attempt: '1',
          ref: spawn('htlcSet', {
            id: '1',
            input: {
              attempt: '1',
              paymentHash: c.paymentHash,
              rules: c.rules,
              holdMs: 0,
              restoredAs: as,
              parts: restored.parts,
              setId: restored.setId,
            },
          }),
          heldMsat: restored.parts.reduce((sum, p) => sum + p.amountMsat, 0n),
          totalMsat: restored.parts[0]?.totalMsat ?? 0n,
          parts: restored.parts.length,
          setId: restored.setId,
        },
      }));
      enqueue.emit({ type: 'set.started', attempt: '1' });
    }),
    recordCompleted: assign(({ context, event }) =>
      event.type === 'set.completed' && context.current
        ? { current: { ...context.current, setId: event.setId } }
        : {},
    ),
    recordPartLost: assign(({ context, event }) =>
      event.type === 'set.partLost' && context.current
        ? {
            current: {
              ...context.current,
              heldMsat: context.current.heldMsat - event.amountMsat,
              parts: context.current.parts - 1,
            },
          }
        : {},
    ),
    recordNoSet: assign({ current: undefined }),
    recordFinalSet: assign(({ context }) => ({
      finalSetId: context.finalSetId ?? context.current?.setId ?? context.restored?.setId,
    })),
    recordClosed: assign(({ context, event }) => ({
      live: context.live - 1,
      ...(isCurrent(context, event) ? { current: undefined } : {}),
    })),
    forgetSet: stopChild(({ event }) => ('attempt' in event ? event.attempt : '')),
    passSettle: sendTo(
      ({ context }) => context.current!.ref,
      ({ event }) => ({
        type: 'settle.requested',
        view:
          event.type === 'settle.requested' ? event.view : { height: Number.POSITIVE_INFINITY, absent: [] },
      }),
    ),
    passCancel: sendTo(({ context }) => context.current!.ref, { type: 'cancel.requested' }),
    notify: emit(({ context, event }, params: { status: InvoiceStatus }) => ({
      type: 'application.notify',
      status: params.status,
      setId: event.type === 'set.completed' ? event.setId : context.current?.setId,
      reason:
        event.type === 'set.aborted'
          ? event.reason
          : event.type === 'set.closed' && params.status === 'failed'
            ? event.settledMsat > 0n
              ? 'partially_settled'
              : 'parts_failed'
            : undefined,
      settledMsat: event.type === 'set.closed' ? event.settledMsat : 0n,
    })),
    withdraw: emit(({ context, event }) => ({
      type: 'application.withdraw',
      setId: context.current!.setId!,
      reason: event.type === 'set.failing' ? event.reason : 'invoice_not_open',
    })),
    answerSettleNotFound: emit(({ event }) => ({
      type: 'settle.answer',
      setId: namedSetId(event),
      answer: { result: 'not_found' },
    })),
    answerSettleRequested: emit(({ context }) => ({
      type: 'settle.answer',
      setId: context.current!.setId!,
      answer: { result: 'requested' },
    })),
    answerSettleDone: emit(({ context }) => ({
      type: 'settle.answer',
      setId: context.finalSetId!,
      answer: { result: 'requested' },
    })),
    answerSettleFailed: emit(({ context }) => ({
      type: 'settle.answer',
      setId: context.finalSetId!,
      answer: { result: 'failed_precondition', reason: 'the invoice has failed' },
    })),
    answerCancelNotFound: emit(({ event }) => ({
      type: 'cancel.answer',
      setId: namedSetId(event),
      answer: 'not_found',
    })),
    answerCancelTooLate: emit(({ event }) => ({
      type: 'cancel.answer',
      setId: namedSetId(event),
      answer: 'settle_already_requested',
    })),
  },
});

const refuse = (reason?: FailResult) => ({
  type: 'refusePart' as const,
  params: reason ? { reason } : {},
});
const notify = (status: InvoiceStatus) => ({ type: 'notify' as const, params: { status } });

/** Sets that ended while something else goes on: refused parts, earlier attempts. */
const cleanUp = { 'set.closed': { actions: ['recordClosed', 'forgetSet'] } } as const;

/** An invoice without sets needs no actor: the database, or nothing at all, remembers it. */
const mayClose = { 'invoice.close': { guard: 'hasNoSets', target: '#invoice.closed' } } as const;

/** Calls that come when there is nothing to settle or cancel. */
const nothingHere = {
  'settle.requested': { actions: 'answerSettleNotFound' },
  'cancel.requested': { actions: 'answerCancelNotFound' },
} as const;

/** Nothing changes a final invoice; late and repeated calls hear how it ended. */
const finalCalls = (answerSettle: 'answerSettleDone' | 'answerSettleFailed') => ({
  'settle.requested': [
    { guard: 'namesFinalSet' as const, actions: answerSettle },
    { actions: 'answerSettleNotFound' as const },
  ],
  'cancel.requested': [
    { guard: 'namesFinalSet' as const, actions: 'answerCancelTooLate' as const },
    { actions: 'answerCancelNotFound' as const },
  ],
});

/** From a durable settle request on, both calls are answered from what is decided. */
const alreadyRequested = {
  'settle.requested': [
    { guard: 'namesCurrentSet', actions: 'answerSettleRequested' },
    { actions: 'answerSettleNotFound' },
  ],
  'cancel.requested': [
    { guard: 'namesCurrentSet', actions: 'answerCancelTooLate' },
    { actions: 'answerCancelNotFound' },
  ],
} as const;

/**
 * One invoice, from its first part to its last. Invoices nobody pays have no actor: they are stateless.
 *
 * It decides which part joins which set and publishes the lifecycle; everything that touches money is decided in
 * the set (htlcSet/machine.ts), which reports back.
 */
export const invoiceMachine = setup_.createMachine({
  id: 'invoice',
  context: ({ input }) => ({
    paymentHash: input.paymentHash,
    terms: input.terms,
    rules: input.rules,
    restored: input.restored,
    attempts: 0,
    live: 0,
    current: undefined,
    finalSetId: undefined,
  }),
  initial: 'routing',
  states: {
    routing: {
      description: 'Where an invoice begins: with its first part, or restored from the database.',
      always: [
        {
          guard: { type: 'isRestoredAs', params: { as: 'requested' } },
          target: 'settleRequested.requested',
          actions: 'restoreSet',
        },
        {
          guard: { type: 'isRestoredAs', params: { as: 'released' } },
          target: 'settleRequested.released',
          actions: 'restoreSet',
        },
        { guard: { type: 'isRestoredAs', params: { as: 'settled' } }, target: 'settled' },
        { guard: { type: 'isRestoredAs', params: { as: 'failed' } }, target: 'failed' },
        { target: 'open' },
      ],
    },
    open: {
      description: 'Parts are taken. Settling and cancelling need a complete set.',
      on: {
        ...cleanUp,
        ...mayClose,
        ...nothingHere,
        'part.arrived': [
          { guard: 'isAfterExpiry', target: 'expired', actions: refuse('invoice_expired') },
          { guard: 'isRefused', actions: refuse() },
          { guard: 'isFirstPart', actions: 'startSet' },
          { actions: 'addPart' },
        ],
        'set.partLost': { guard: 'isCurrentSet', actions: 'recordPartLost' },
        'set.completed': {
          guard: 'isCurrentSet',
          target: 'accepted',
          actions: ['recordCompleted', notify('accepted')],
        },
        'set.failing': { guard: 'isCurrentSet', actions: 'recordNoSet' },
      },
    },
    expired: {
      description: 'No part is taken any more; a set that is still incomplete runs into its own timer.',
      on: {
        ...cleanUp,
        ...mayClose,
        ...nothingHere,
        'part.arrived': { actions: refuse('invoice_expired') },
        'set.failing': { guard: 'isCurrentSet', actions: 'recordNoSet' },
      },
    },
    accepted: {
      description: 'A complete set is held, and the application decides.',
      on: {
        ...cleanUp,
        'part.arrived': { actions: refuse('invoice_not_open') },
        'settle.requested': [
          { guard: 'namesCurrentSet', target: 'settleRequested', actions: 'passSettle' },
          { actions: 'answerSettleNotFound' },
        ],
        'cancel.requested': [
          { guard: 'namesCurrentSet', actions: 'passCancel' },
          { actions: 'answerCancelNotFound' },
        ],
        'set.failing': { guard: 'isCurrentSet', target: 'open', actions: ['withdraw', 'recordNoSet'] },
      },
    },
    settleRequested: {
      description: 'The application said settle.',
      on: {
        ...cleanUp,
        'part.arrived': { actions: refuse('invoice_not_open') },
      },
      initial: 'committing',
      states: {
        committing: {
          description: 'The request is not durable yet.',
          on: {
            // A second call while the first is being written shares its answer; an earlier one can't be given.
            'settle.requested': [{ guard: 'namesCurrentSet' }, { actions: 'answerSettleNotFound' }],
            'cancel.requested': alreadyRequested['cancel.requested'],
            'set.requested': {
              guard: 'isCurrentSet',
              target: 'requested',
              actions: notify('settle_requested'),
            },
            'set.releasing': {
              guard: 'isCurrentSet',
              target: 'releasing',
              actions: notify('settle_requested'),
            },
            'set.released': {
              guard: 'isCurrentSet',
              target: 'released',
              actions: notify('settle_requested'),
            },
            'set.reopened': { guard: 'isCurrentSet', target: '#invoice.accepted' },
            'set.failing': {
              guard: 'isCurrentSet',
              target: '#invoice.open',
              actions: ['withdraw', 'recordNoSet'],
            },
          },
        },
        requested: {
          description: 'Durable. The release waits until every part is offered and nothing is too late.',
          on: {
            ...alreadyRequested,
            'set.releasing': { guard: 'isCurrentSet', target: 'releasing' },
            'set.aborted': { guard: 'isCurrentSet', target: '#invoice.failed', actions: notify('failed') },
          },
        },
        releasing: {
          description: 'The release is being written, or is written and held back by a last look.',
          on: {
            ...alreadyRequested,
            'set.requested': { guard: 'isCurrentSet', target: 'requested' },
            'set.released': { guard: 'isCurrentSet', target: 'released' },
            'set.aborted': { guard: 'isCurrentSet', target: '#invoice.failed', actions: notify('failed') },
          },
        },
        released: {
          description: 'The preimage may be out. Only lnd knows the end now.',
          on: {
            ...alreadyRequested,
            'set.closed': [
              {
                guard: 'isFullySettled',
                target: '#invoice.settled',
                actions: ['recordFinalSet', notify('settled'), 'recordClosed', 'forgetSet'],
              },
              {
                guard: 'isCurrentSet',
                target: '#invoice.failed',
                actions: ['recordFinalSet', notify('failed'), 'recordClosed', 'forgetSet'],
              },
              { actions: ['recordClosed', 'forgetSet'] },
            ],
          },
        },
      },
    },
    settled: {
      description: 'Paid. Parts that still come are refused.',
      entry: 'recordFinalSet',
      on: {
        ...cleanUp,
        ...mayClose,
        ...finalCalls('answerSettleDone'),
        'part.arrived': { actions: refuse('invoice_not_open') },
      },
    },
    failed: {
      description: 'Settlement was requested and did not succeed as a whole.',
      entry: 'recordFinalSet',
      on: {
        ...cleanUp,
        ...mayClose,
        ...finalCalls('answerSettleFailed'),
        'part.arrived': { actions: refuse('invoice_not_open') },
      },
    },
    closed: {
      description: 'The actor has ended; the invoice has not changed by that.',
      type: 'final',
    },
  },
});
