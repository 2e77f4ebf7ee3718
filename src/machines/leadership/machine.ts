import { assign, emit, type SnapshotFrom, setup } from 'xstate';
import type {
  LeadershipContext,
  LeadershipEffect,
  LeadershipEvent,
  LeadershipInput,
  LostReason,
} from './events.ts';

/** A lease that has practically ended is looked at again after this, not in a busy loop. */
const SHORTEST_POLL_MS = 50;

const behaviour = setup({
  types: {
    context: {} as LeadershipContext,
    events: {} as LeadershipEvent,
    input: {} as LeadershipInput,
    emitted: {} as LeadershipEffect,
  },
  guards: {
    isUsable: ({ event }) => event.type === 'lease.acquired' && event.validMs > 0,
    isOurEpoch: ({ context, event }) => 'epoch' in event && event.epoch === context.epoch,
  },
  actions: {
    recordEpoch: assign(({ event }) =>
      event.type === 'lease.acquired' ? { epoch: event.epoch, failures: 0 } : {},
    ),
    recordValidity: assign(({ event }) => ('validMs' in event ? { validMs: event.validMs } : {})),
    recordHeld: assign(({ event }) =>
      event.type === 'lease.held' ? { remainingMs: event.remainingMs, failures: 0 } : {},
    ),
    recordFailure: assign(({ context, event }) =>
      event.type === 'lease.failed' ? { failures: context.failures + 1, jitter: event.jitter } : {},
    ),

    acquireLease: emit((): LeadershipEffect => ({ type: 'lease.acquire' })),
    renewLease: emit(({ context }): LeadershipEffect => ({ type: 'lease.renew', epoch: context.epoch })),
    releaseLease: emit(({ context }): LeadershipEffect => ({ type: 'lease.release', epoch: context.epoch })),
    releaseUnwanted: emit(
      ({ context, event }): LeadershipEffect => ({
        type: 'lease.release',
        epoch: event.type === 'lease.acquired' ? event.epoch : context.epoch,
      }),
    ),
    beginLead: emit(({ context }): LeadershipEffect => ({ type: 'lead.begin', epoch: context.epoch })),
    endLead: emit((_, params: { reason: LostReason }): LeadershipEffect => ({ type: 'lead.end', ...params })),
  },
  delays: {
    lease: ({ context }) => Math.max(0, context.validMs),
    renewal: ({ context }) => context.limits.renewMs,
    renewalRetry: ({ context }) => context.limits.renewRetryMs,
    poll: ({ context }) => Math.max(SHORTEST_POLL_MS, Math.min(context.remainingMs, context.limits.pollMs)),
    backoff: ({ context: { failures, jitter, limits } }) => {
      const doubled = limits.backoffFirstMs * 2 ** Math.min(Math.max(failures - 1, 0), 20);
      // Spread by a quarter either way, so that two standbys don't ask in step.
      return Math.round(Math.min(doubled, limits.backoffLongestMs) * (0.75 + jitter / 2));
    },
    release: ({ context }) => context.limits.releaseMs,
  },
});

const lost = (reason: LostReason) =>
  ({ target: '#leadership.lost', actions: { type: 'endLead', params: { reason } } }) as const;

/**
 * Which of several processes decides. The lease is comfort: it keeps a standby from taking over while the leader
 * lives. Safety comes from the epoch, which every deciding write carries.
 */
export const leadershipMachine = behaviour.createMachine({
  id: 'leadership',
  context: ({ input }) => ({
    limits: input.limits,
    epoch: 0n,
    validMs: 0,
    remainingMs: 0,
    failures: 0,
    jitter: 0.5,
  }),
  initial: 'idle',
  on: {
    // The answer came when the lease is no longer wanted: let a standby have it at once.
    'lease.acquired': { actions: 'releaseUnwanted' },
  },
  states: {
    idle: {
      description: 'Neither leads nor wants to: not started, or resigned.',
      on: { 'candidacy.started': 'standby' },
    },
    standby: {
      description: 'Warm: takes the lead as soon as nobody else has it.',
      on: {
        'resignation.requested': 'idle',
        'lease.acquired': [
          { guard: 'isUsable', target: 'leader', actions: ['recordEpoch', 'recordValidity'] },
          { target: '.backoff', actions: 'releaseUnwanted' },
        ],
      },
      initial: 'acquiring',
      states: {
        acquiring: {
          description: 'Asks for the lease.',
          entry: 'acquireLease',
          on: {
            'lease.held': { target: 'waiting', actions: 'recordHeld' },
            'lease.failed': { target: 'backoff', actions: 'recordFailure' },
          },
        },
        waiting: {
          description: 'Somebody else leads; looks again in time to notice a resignation soon.',
          after: { poll: 'acquiring' },
        },
        backoff: {
          description: 'The database did not answer.',
          after: { backoff: 'acquiring' },
        },
      },
    },
    leader: {
      description: 'This process decides, for as long as its lease can be relied on.',
      entry: 'beginLead',
      on: {
        'resignation.requested': 'resigning',
        'epoch.fenced': lost('fenced'),
        'lease.lost': { guard: 'isOurEpoch', ...lost('fenced') },
      },
      type: 'parallel',
      states: {
        lease: {
          initial: 'valid',
          states: {
            valid: {
              description: 'Ends before the database could give the lease to somebody else.',
              on: {
                'lease.renewed': {
                  guard: 'isOurEpoch',
                  target: 'valid',
                  reenter: true,
                  actions: 'recordValidity',
                },
              },
              after: { lease: lost('expired') },
            },
          },
        },
        renewal: {
          initial: 'resting',
          states: {
            resting: { after: { renewal: 'renewing' } },
            renewing: {
              entry: 'renewLease',
              on: {
                'lease.renewed': { guard: 'isOurEpoch', target: 'resting' },
                'lease.failed': 'retrying',
              },
              // An answer that does not come is not worth waiting for; it still counts if it does.
              after: { renewal: { target: 'renewing', reenter: true } },
            },
            retrying: {
              on: { 'lease.renewed': { guard: 'isOurEpoch', target: 'resting' } },
              after: { renewalRetry: 'renewing' },
            },
          },
        },
      },
    },
    resigning: {
      description: 'The work is done; the lease is given back, so that a standby need not wait for its end.',
      entry: 'releaseLease',
      on: {
        'lease.released': { guard: 'isOurEpoch', target: 'idle' },
        'lease.failed': 'idle',
      },
      after: { release: 'idle' },
    },
    lost: {
      description: 'Led until just now. Whoever did the work has to stop before it may stand again.',
      on: { 'candidacy.started': 'standby', 'resignation.requested': 'idle' },
    },
  },
});

export type LeadershipSnapshot = SnapshotFrom<typeof leadershipMachine>;
