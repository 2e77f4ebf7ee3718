import { assign, emit, sendParent, setup } from 'xstate';
import { barrierHolds, deadlineReached, type ReleaseView } from '../../domain/barrier.ts';
import type { FailResult } from '../../domain/failResult.ts';
import { type Part, sumOfParts } from '../../domain/part.ts';
import { setIdOf } from '../../domain/setId.ts';
import { completes } from '../../domain/terms.ts';
import type { HtlcSetContext, HtlcSetEffect, HtlcSetEvent, HtlcSetInput, SetReport } from './events.ts';

const NO_PARTS: readonly Part[] = [];
const NONE: readonly never[] = [];

const viewOf = (event: HtlcSetEvent): ReleaseView | undefined => ('view' in event ? event.view : undefined);

const settledSum = (context: HtlcSetContext): bigint =>
  sumOfParts(context.parts.filter((p) => context.reported.some((r) => r.partId === p.id && r.settled)));

const withReport = (context: HtlcSetContext, event: HtlcSetEvent) =>
  event.type === 'part.finalised' && !context.reported.some((r) => r.partId === event.partId)
    ? [...context.reported, { partId: event.partId, settled: event.settled }]
    : context.reported;

const setup_ = setup({
  types: {
    context: {} as HtlcSetContext,
    events: {} as HtlcSetEvent,
    input: {} as HtlcSetInput,
    emitted: {} as HtlcSetEffect,
  },
  guards: {
    isRestoredAs: ({ context }, params: { as: HtlcSetContext['restoredAs'] }) =>
      context.restoredAs === params.as,
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
        event.type === 'part.finalised' ? context.reported.filter((r) => r.partId === event.partId) : NONE,
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

const doom = (reason: FailResult) => ({ type: 'recordDoom' as const, params: { reason } });

/**
 * One attempt to pay an invoice: its parts live and end together.
 *
 * Reading aid: money moves out only in `released`, which only a successful commit reaches; a part with a valid
 * secret is failed only in `failed`, which only a successful commit reaches. `unknown` states mean that the
 * database gave no clean answer: nothing is sent until the same write has been confirmed or refused.
 */
export const htlcSetMachine = setup_.createMachine({
  id: 'htlcSet',
  context: ({ input }) => ({
    attempt: input.attempt,
    paymentHash: input.paymentHash,
    rules: input.rules,
    holdMs: input.holdMs,
    restoredAs: input.restoredAs,
    parts: input.parts ?? NO_PARTS,
    setId: input.setId,
    doom: input.refusal,
    requestDurable: input.restoredAs === 'requested' || input.restoredAs === 'released',
    reported: NONE,
    recorded: NONE,
  }),
  initial: 'routing',
  states: {
    routing: {
      description: 'Where a set begins: new, refused at once, or restored from the database.',
      always: [
        { guard: { type: 'isRestoredAs', params: { as: 'requested' } }, target: 'requested' },
        { guard: { type: 'isRestoredAs', params: { as: 'released' } }, target: 'released' },
        { guard: { type: 'isRestoredAs', params: { as: 'failed' } }, target: 'failed' },
        { target: 'collecting' },
      ],
    },
    collecting: {
      description: 'Parts are held until they add up to the total that the sender declared.',
      // A refused part is added like any other, so that whoever listens is already there, and fails at once.
      on: {
        'part.added': [
          // The same part twice must not count twice.
          { guard: 'isHeldAlready' },
          { guard: 'isRefused', target: 'failing', actions: 'holdPart' },
          {
            guard: 'completesSet',
            target: 'complete',
            actions: ['holdPart', 'recordSetId', 'reportCompleted'],
          },
          { actions: 'holdPart' },
        ],
        'part.finalised': [
          { guard: 'isLastMember', target: 'gone' },
          { guard: 'isMember', actions: ['reportPartLost', 'recordLoss'] },
        ],
        'deadline.reached': { target: 'failing', actions: doom('deadline_reached') },
      },
      after: { hold: { target: 'failing', actions: doom('mpp_timeout') } },
    },
    complete: {
      description: 'Frozen. The application knows and has to decide.',
      on: {
        'settle.requested': [
          { guard: 'barrierHolds', target: 'releasing' },
          {
            guard: 'deadlineReached',
            target: 'failing',
            actions: ['answerPrecondition', doom('deadline_reached')],
          },
          { target: 'requesting' },
        ],
        'cancel.requested': { target: 'failing', actions: doom('canceled') },
        'deadline.reached': { target: 'failing', actions: doom('deadline_reached') },
        'part.finalised': {
          guard: 'isMember',
          target: 'failing',
          actions: ['recordReport', doom('part_lost')],
        },
      },
      after: { accept: { target: 'failing', actions: doom('accept_timeout') } },
    },
    requesting: {
      description: 'A settle request that can not be released yet is being made durable.',
      entry: 'commitRequest',
      on: {
        'part.finalised': { guard: 'isMember', actions: ['recordReport', doom('part_lost')] },
        'deadline.reached': { actions: doom('deadline_reached') },
        'commit.succeeded': {
          target: 'requested',
          actions: ['recordRequestDurable', 'answerRequested', 'reportRequested'],
        },
        'commit.refused': { target: 'failing', actions: ['answerPrecondition', doom('invoice_not_open')] },
        'commit.fenced': 'abandoned',
      },
      initial: 'committing',
      states: {
        committing: {
          on: {
            'commit.ambiguous': 'unknown',
            'commit.failed': [
              { guard: 'isDoomed', target: '#htlcSet.failing', actions: 'answerUnavailable' },
              { target: '#htlcSet.complete', actions: ['answerUnavailable', 'reportReopened'] },
            ],
          },
        },
        unknown: {
          description: 'The write may or may not have happened. Only an acknowledgement ends this.',
        },
      },
    },
    requested: {
      description: 'Settlement is requested durably; the release waits for every part to be there.',
      always: { guard: 'isDoomed', target: 'aborting' },
      on: {
        'part.offered': [
          { guard: 'deadlineReached', target: 'aborting', actions: doom('deadline_reached') },
          { guard: 'barrierHolds', target: 'releasing', actions: 'reportReleasing' },
        ],
        'view.changed': [
          { guard: 'deadlineReached', target: 'aborting', actions: doom('deadline_reached') },
          { guard: 'barrierHolds', target: 'releasing', actions: 'reportReleasing' },
        ],
        'deadline.reached': { target: 'aborting', actions: doom('deadline_reached') },
        'part.finalised': {
          guard: 'isMember',
          target: 'aborting',
          actions: ['recordReport', doom('part_lost')],
        },
      },
    },
    releasing: {
      description: 'The release (with the request, where that is not durable yet) is being made durable.',
      entry: 'commitRelease',
      on: {
        'part.finalised': { guard: 'isMember', actions: ['recordReport', doom('part_lost')] },
        'deadline.reached': { actions: doom('deadline_reached') },
        'commit.succeeded': [
          {
            guard: 'barrierHolds',
            target: 'released',
            actions: ['recordRequestDurable', 'answerRequested', 'reportReleased'],
          },
          {
            target: 'withheld',
            actions: ['recordRequestDurable', 'answerRequested', 'reportReleasing'],
          },
        ],
        'commit.refused': [
          { guard: 'isRequestDurable', target: 'quarantined' },
          { target: 'failing', actions: ['answerPrecondition', doom('invoice_not_open')] },
        ],
        'commit.fenced': 'abandoned',
      },
      initial: 'committing',
      states: {
        committing: {
          on: {
            'commit.ambiguous': 'unknown',
            'commit.failed': [
              { guard: 'isRequestDurable', target: '#htlcSet.requested', actions: 'reportRequested' },
              { guard: 'isDoomed', target: '#htlcSet.failing', actions: 'answerUnavailable' },
              { target: '#htlcSet.complete', actions: ['answerUnavailable', 'reportReopened'] },
            ],
          },
        },
        unknown: {
          description: 'The write may or may not have happened. Only an acknowledgement ends this.',
        },
      },
    },
    withheld: {
      description: 'Released on paper, but the last look found the barrier down: nothing has been sent.',
      always: { guard: 'isDoomed', target: 'aborting' },
      on: {
        'part.offered': [
          { guard: 'deadlineReached', target: 'aborting', actions: doom('deadline_reached') },
          { guard: 'barrierHolds', target: 'released', actions: 'reportReleased' },
        ],
        'view.changed': [
          { guard: 'deadlineReached', target: 'aborting', actions: doom('deadline_reached') },
          { guard: 'barrierHolds', target: 'released', actions: 'reportReleased' },
        ],
        'deadline.reached': { target: 'aborting', actions: doom('deadline_reached') },
        'part.finalised': {
          guard: 'isMember',
          target: 'aborting',
          actions: ['recordReport', doom('part_lost')],
        },
      },
    },
    released: {
      description: 'The preimage may leave: every part is settled, on every offer, until lnd calls it final.',
      entry: ['settleParts', 'recordFinals'],
      on: {
        'part.offered': { guard: 'isMember', actions: 'settleOfferedPart' },
        'part.finalised': { guard: 'isMember', actions: ['recordReport', 'recordFinal'] },
        'final.recorded': [
          { guard: 'isLastRecord', target: 'final', actions: 'recordRecorded' },
          { guard: 'isMember', actions: 'recordRecorded' },
        ],
      },
    },
    aborting: {
      description: 'A requested set, of which nothing was sent, is being given up.',
      on: {
        'part.finalised': { guard: 'isMember', actions: 'recordReport' },
        'commit.succeeded': { target: 'failed', actions: 'reportAborted' },
        'commit.refused': 'quarantined',
        'commit.fenced': 'abandoned',
      },
      initial: 'committing',
      states: {
        committing: {
          entry: 'commitAbort',
          on: { 'commit.ambiguous': 'unknown', 'commit.failed': 'retrying' },
        },
        unknown: {
          description: 'The write may or may not have happened. Only an acknowledgement ends this.',
        },
        retrying: { after: { commitRetry: 'committing' } },
      },
    },
    failing: {
      description: 'The failure of every part is being made durable, before anyone hears of it.',
      entry: ['recordSetId', 'reportFailing'],
      on: {
        'part.finalised': { guard: 'isMember', actions: 'recordReport' },
        'commit.succeeded': { target: 'failed', actions: 'answerCanceled' },
        'commit.refused': 'quarantined',
        'commit.fenced': 'abandoned',
      },
      initial: 'committing',
      states: {
        committing: {
          entry: 'commitFail',
          on: { 'commit.ambiguous': 'unknown', 'commit.failed': 'retrying' },
        },
        unknown: {
          description: 'The write may or may not have happened. Only an acknowledgement ends this.',
        },
        retrying: { after: { commitRetry: 'committing' } },
      },
    },
    failed: {
      description: 'Every part is failed, on every offer, with the same bytes, until lnd calls it final.',
      entry: ['failParts', 'recordFinals'],
      on: {
        'part.offered': { guard: 'isMember', actions: 'failOfferedPart' },
        'part.finalised': { guard: 'isMember', actions: ['recordReport', 'recordFinal'] },
        'final.recorded': [
          { guard: 'isLastRecord', target: 'final', actions: 'recordRecorded' },
          { guard: 'isMember', actions: 'recordRecorded' },
        ],
      },
    },
    final: {
      description: 'lnd has said its last word on every part, and it is recorded.',
      type: 'final',
      entry: 'reportClosed',
    },
    gone: {
      description: 'Every part was given back by its node before anything was decided.',
      type: 'final',
      entry: 'reportClosed',
    },
    abandoned: {
      description: 'Another leader decides; this process must not.',
      type: 'final',
    },
    quarantined: {
      description: 'The database contradicts what this actor believed: it is rebuilt from the database.',
      type: 'final',
    },
  },
});
