import type { FailResult } from '../../domain/failResult.ts';
import type { Part } from '../../domain/part.ts';
import { setIdOf } from '../../domain/setId.ts';
import { behaviour, isWhole } from './behaviour.ts';

const NO_PARTS: readonly Part[] = [];
const NONE: readonly never[] = [];

const doom = (reason: FailResult) => ({ type: 'recordDoom' as const, params: { reason } });

/**
 * One attempt to pay an invoice: its parts live and end together.
 *
 * Reading aid: money moves out only in `released`, which only a successful commit reaches; a part with a valid
 * secret is failed only in `failed`, which only a successful commit reaches. `unknown` states mean that the
 * database gave no clean answer: nothing is sent until the same write has been confirmed or refused.
 */
export const htlcSetMachine = behaviour.createMachine({
  id: 'htlcSet',
  context: ({ input }) => ({
    attempt: input.attempt,
    paymentHash: input.paymentHash,
    rules: input.rules,
    holdMs: input.holdMs,
    restoredAs: input.restoredAs,
    parts: input.parts ?? NO_PARTS,
    setId: input.setId ?? (isWhole(input.parts) ? setIdOf(input.parts.map((p) => p.key)) : undefined),
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
        { guard: 'isRefused', target: 'failing' },
        { guard: 'isWhole', target: 'complete', actions: 'reportCompleted' },
        { target: 'collecting' },
      ],
    },
    collecting: {
      description: 'Parts are held until they add up to the total that the sender declared.',
      on: {
        'part.added': [
          // The same part twice must not count twice.
          { guard: 'isHeldAlready' },
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
            actions: ['answerRequested', 'reportReleased'],
          },
          {
            target: 'withheld',
            actions: ['answerRequested', 'reportReleasing'],
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
