import type { FailResult } from '../../domain/failResult.ts';
import { behaviour } from './behaviour.ts';
import type { InvoiceInput, InvoiceStatus } from './events.ts';

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

const isOver = ({ restored }: InvoiceInput): boolean =>
  restored?.as === 'settled' || restored?.as === 'failed';

/**
 * One invoice, from its first part to its last. Invoices nobody pays have no actor: they are stateless.
 *
 * It decides which part joins which set and publishes the lifecycle; everything that touches money is decided in
 * the set (htlcSet/machine.ts), which reports back.
 */
export const invoiceMachine = behaviour.createMachine({
  id: 'invoice',
  context: ({ input }) => ({
    paymentHash: input.paymentHash,
    terms: input.terms,
    rules: input.rules,
    restored: input.restored,
    attempts: 0,
    live: 0,
    current: undefined,
    finalSetId: isOver(input) ? input.restored?.setId : undefined,
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
            'set.aborted': {
              guard: 'isCurrentSet',
              target: '#invoice.failed',
              actions: [notify('failed'), 'recordFinalSet'],
            },
          },
        },
        releasing: {
          description: 'The release is being written, or is written and held back by a last look.',
          on: {
            ...alreadyRequested,
            'set.requested': { guard: 'isCurrentSet', target: 'requested' },
            'set.released': { guard: 'isCurrentSet', target: 'released' },
            'set.aborted': {
              guard: 'isCurrentSet',
              target: '#invoice.failed',
              actions: [notify('failed'), 'recordFinalSet'],
            },
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
                actions: [notify('settled'), 'recordEnd', 'forgetSet'],
              },
              {
                guard: 'isCurrentSet',
                target: '#invoice.failed',
                actions: [notify('failed'), 'recordEnd', 'forgetSet'],
              },
              { actions: ['recordClosed', 'forgetSet'] },
            ],
          },
        },
      },
    },
    settled: {
      description: 'Paid. Parts that still come are refused.',
      on: {
        ...cleanUp,
        ...mayClose,
        ...finalCalls('answerSettleDone'),
        'part.arrived': { actions: refuse('invoice_not_open') },
      },
    },
    failed: {
      description: 'Settlement was requested and did not succeed as a whole.',
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
