import { assign, emit, sendParent, setup } from 'xstate';
import { barrierHolds, deadlineReached, type ReleaseView } from '../../domain/barrier.ts';
import type { FailResult } from '../../domain/failResult.ts';
import { type Part, sumOfParts } from '../../domain/part.ts';
import { setIdOf } from '../../domain/setId.ts';
import { completes } from '../../domain/terms.ts';
import type { HtlcSetContext, HtlcSetEffect, HtlcSetEvent, HtlcSetInput, SetReport } from './events.ts';

const viewOf = (event: HtlcSetEvent): ReleaseView | undefined => ('view' in event ? event.view : undefined);

const settledSum = (context: HtlcSetContext): bigint =>
  sumOfParts(context.parts.filter((p) => context.reported.some((r) => r.partId === p.id && r.settled)));

/** Whether a new set has all that its sender declared with its very first part. */
export const isWhole = (parts: readonly Part[] | undefined): parts is readonly Part[] => {
  const first = parts?.[0];
  return parts !== undefined && first !== undefined && completes(sumOfParts(parts), first.totalMsat);
};

const withReport = (context: HtlcSetContext, event: HtlcSetEvent) =>
  event.type === 'part.finalised' && !context.reported.some((r) => r.partId === event.partId)
    ? [...context.reported, { partId: event.partId, settled: event.settled }]
    : context.reported;

/** What the chart of this folder can look at (guards), record and ask for (actions), and wait for (delays). */
export const behaviour = setup({
  types: {
    context: {} as HtlcSetContext,
    events: {} as HtlcSetEvent,
    input: {} as HtlcSetInput,
    emitted: {} as HtlcSetEffect,
  },
  guards: {
    isRestoredAs: ({ context }, params: { as: HtlcSetContext['restoredAs'] }) =>
      context.restoredAs === params.as,
    isWhole: ({ context }) => isWhole(context.parts),
    isRefused: ({ context }) => context.doom !== undefined,
    isHeldAlready: ({ context, event }) =>
      event.type === 'part.added' && context.parts.some((p) => p.id === event.part.id),
    completesSet: ({ context, event }) =>
      event.type === 'part.added' &&
      completes(sumOfParts(context.parts) + event.part.amountMsat, event.part.totalMsat),
    isMember: ({ context, event }) => 'partId' in event && context.parts.some((p) => p.id === event.partId),
    isLastMember: ({ context, event }) =>
      event.type === 'part.finalised' && context.parts.length === 1 && context.parts[0]?.id === event.partId,
    barrierHolds: ({ context, event }) => {
      const view = viewOf(event);
      return (
        view !== undefined &&
        context.doom === undefined &&
        barrierHolds(context.parts, view, context.rules.deadlineMargin)
      );
    },
    deadlineReached: ({ context, event }) => {
      const view = viewOf(event);
      return view !== undefined && deadlineReached(context.parts, view.height, context.rules.deadlineMargin);
    },
    isDoomed: ({ context }) => context.doom !== undefined,
    isRequestDurable: ({ context }) => context.requestDurable,
    isLastRecord: ({ context, event }) =>
      event.type === 'final.recorded' &&
      !context.recorded.includes(event.partId) &&
      context.parts.some((p) => p.id === event.partId) &&
      context.recorded.length + 1 >= context.parts.length,
  },
  actions: {
    holdPart: assign(({ context, event }) =>
      event.type === 'part.added' ? { parts: [...context.parts, event.part] } : {},
    ),
    recordSetId: assign(({ context }) => ({ setId: setIdOf(context.parts.map((p) => p.key)) })),
    recordLoss: assign(({ context, event }) =>
      event.type === 'part.finalised' ? { parts: context.parts.filter((p) => p.id !== event.partId) } : {},
    ),
    recordDoom: assign(({ context }, params: { reason: FailResult }) => ({
      doom: context.doom ?? params.reason,
    })),
    recordRequestDurable: assign({ requestDurable: true }),
    recordReport: assign(({ context, event }) => ({ reported: withReport(context, event) })),
    recordRecorded: assign(({ context, event }) =>
      event.type === 'final.recorded' && !context.recorded.includes(event.partId)
        ? { recorded: [...context.recorded, event.partId] }
        : {},
    ),

    commitRequest: emit(({ context }) => ({
      type: 'settlement.commit',
      attempt: context.attempt,
      decision: 'request',
      setId: context.setId!,
      parts: context.parts,
    })),
    commitRelease: emit(({ context }) => ({
      type: 'settlement.commit',
      attempt: context.attempt,
      decision: context.requestDurable ? 'release' : 'requestAndRelease',
      setId: context.setId!,
      parts: context.parts,
    })),
    commitAbort: emit(({ context }) => ({
      type: 'settlement.commit',
      attempt: context.attempt,
      decision: 'abort',
      setId: context.setId!,
      parts: context.parts,
      reason: context.doom!,
    })),
    commitFail: emit(({ context }) => ({
      type: 'settlement.commit',
      attempt: context.attempt,
      decision: 'fail',
      setId: context.setId!,
      parts: context.parts,
      reason: context.doom!,
    })),
    settleParts: emit(({ context }) => ({ type: 'htlc.settle', parts: context.parts })),
    settleOfferedPart: emit(({ context, event }) => ({
      type: 'htlc.settle',
      parts: context.parts.filter((p) => event.type === 'part.offered' && p.id === event.partId),
    })),
    failParts: emit(({ context }) => ({ type: 'htlc.fail', parts: context.parts, reason: context.doom! })),
    failOfferedPart: emit(({ context, event }) => ({
      type: 'htlc.fail',
      parts: context.parts.filter((p) => event.type === 'part.offered' && p.id === event.partId),
      reason: context.doom!,
    })),
    recordFinals: emit(({ context }) => ({ type: 'final.record', finals: context.reported })),
    recordFinal: emit(({ context, event }) => ({
      type: 'final.record',
      finals:
        event.type === 'part.finalised' ? context.reported.filter((r) => r.partId === event.partId) : [],
    })),
    answerRequested: emit(({ context }) => ({
      type: 'settle.answer',
      setId: context.setId!,
      answer: { result: 'requested' },
    })),
    answerUnavailable: emit(({ context, event }) => ({
      type: 'settle.answer',
      setId: context.setId!,
      answer: {
        result: 'unavailable',
        reason: event.type === 'commit.failed' ? event.reason : 'not written',
      },
    })),
    answerPrecondition: emit(({ context, event }) => ({
      type: 'settle.answer',
      setId: context.setId!,
      answer: {
        result: 'failed_precondition',
        reason:
          event.type === 'commit.refused'
            ? event.because
            : 'a part of the set is too close to the height at which its node gives it back',
      },
    })),
    answerCanceled: emit(({ context }) => ({
      type: 'cancel.answer',
      setId: context.setId!,
      answer: 'canceled',
    })),

    reportCompleted: sendParent(
      ({ context }): SetReport => ({
        type: 'set.completed',
        attempt: context.attempt,
        setId: context.setId!,
      }),
    ),
    reportPartLost: sendParent(
      ({ context, event }): SetReport => ({
        type: 'set.partLost',
        attempt: context.attempt,
        amountMsat: sumOfParts(
          context.parts.filter((p) => event.type === 'part.finalised' && p.id === event.partId),
        ),
      }),
    ),
    reportRequested: sendParent(
      ({ context }): SetReport => ({ type: 'set.requested', attempt: context.attempt }),
    ),
    reportReleasing: sendParent(
      ({ context }): SetReport => ({ type: 'set.releasing', attempt: context.attempt }),
    ),
    reportReleased: sendParent(
      ({ context }): SetReport => ({ type: 'set.released', attempt: context.attempt }),
    ),
    reportReopened: sendParent(
      ({ context }): SetReport => ({ type: 'set.reopened', attempt: context.attempt }),
    ),
    reportFailing: sendParent(
      ({ context }): SetReport => ({ type: 'set.failing', attempt: context.attempt, reason: context.doom! }),
    ),
    reportAborted: sendParent(
      ({ context }): SetReport => ({ type: 'set.aborted', attempt: context.attempt, reason: context.doom! }),
    ),
    reportClosed: sendParent(
      ({ context }): SetReport => ({
        type: 'set.closed',
        attempt: context.attempt,
        settledMsat: settledSum(context),
      }),
    ),
  },
  delays: {
    hold: ({ context }) => context.holdMs,
    accept: ({ context }) => context.rules.acceptMs,
    commitRetry: ({ context }) => context.rules.commitRetryMs,
  },
});
