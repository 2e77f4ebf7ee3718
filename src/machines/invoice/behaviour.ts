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

/** What the chart of this folder can look at (guards), record and ask for (actions), and wait for (delays). */
export const behaviour = setup({
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
      // Before the set itself: whoever listens must be there when it starts.
      enqueue.emit({ type: 'set.started', attempt });
      enqueue.assign(({ context: c, spawn }) => ({
        attempts: c.attempts + 1,
        live: c.live + 1,
        current: {
          attempt,
          ref: spawn('htlcSet', {
            id: attempt,
            input: {
              attempt,
              paymentHash: c.paymentHash,
              rules: c.rules,
              holdMs: holdMsOf(c, facts),
              parts: [part],
            },
          }),
          heldMsat: part.amountMsat,
          totalMsat: part.totalMsat,
          parts: 1,
          setId: undefined,
        },
      }));
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
      const parts = [event.part];
      enqueue.emit({ type: 'set.started', attempt });
      enqueue.assign(({ context: c, spawn }) => {
        const { paymentHash, rules } = c;
        spawn('htlcSet', { id: attempt, input: { attempt, paymentHash, rules, holdMs: 0, refusal, parts } });
        return { attempts: c.attempts + 1, live: c.live + 1 };
      });
    }),
    restoreSet: enqueueActions(({ enqueue, context }) => {
      const { restored } = context;
      if (!restored || restored.as === 'settled' || restored.as === 'failed') return;
      const as: RestoredAs = restored.as;
      enqueue.emit({ type: 'set.started', attempt: '1' });
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
    recordFinalSet: assign(({ context }) => ({ finalSetId: context.current?.setId })),
    recordEnd: assign(({ context }) => ({
      finalSetId: context.current?.setId,
      live: context.live - 1,
      current: undefined,
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
