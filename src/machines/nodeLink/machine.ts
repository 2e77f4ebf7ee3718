import { assign, emit, type SnapshotFrom, setup } from 'xstate';
import type {
  FailureSource,
  LinkFailure,
  LinkProblem,
  NodeLinkContext,
  NodeLinkEffect,
  NodeLinkEvent,
  NodeLinkInput,
} from './events.ts';
import { backoffMs, spreadMs } from './limits.ts';

const UNKNOWN_FAILURE: LinkFailure = { source: 'operator', reason: 'not connected' };

/** The words with which lnd refuses a second interceptor. */
export const SLOT_TAKEN =
  "interceptor already exists: another client holds this node's only interceptor slot " +
  '(lnd frees the slot of a client that vanished after about 80 s)';

const pauses = {
  backoff: (c: NodeLinkContext) => backoffMs(c.failures, c.jitter, c.limits),
  slotRetry: (c: NodeLinkContext) => spreadMs(c.limits.slotRetryMs, c.jitter),
  refusedRetry: (c: NodeLinkContext) => spreadMs(c.limits.refusedRetryMs, c.jitter),
  never: () => Number.POSITIVE_INFINITY,
};

const setup_ = setup({
  types: {
    context: {} as NodeLinkContext,
    events: {} as NodeLinkEvent,
    input: {} as NodeLinkInput,
    emitted: {} as NodeLinkEffect,
  },
  guards: {
    isSynced: ({ context }) => context.synced,
    isDraining: ({ context }) => context.draining,
    reportsSynced: ({ event }) => event.type === 'sync.checked' && event.synced,
    reportsUnsynced: ({ event }) => event.type === 'sync.checked' && !event.synced,
  },
  actions: {
    recordJitter: assign(({ context, event }) => ({
      jitter: 'jitter' in event ? event.jitter : context.jitter,
    })),
    recordValidation: assign(({ context, event }) =>
      event.type === 'validation.succeeded' ? { synced: event.synced, jitter: event.jitter } : context,
    ),
    recordSync: assign(({ context, event }) =>
      event.type === 'sync.checked' ? { synced: event.synced } : context,
    ),
    recordFailure: assign(({ context, event }) =>
      event.type === 'connection.failed'
        ? {
            failures: context.failures + 1,
            jitter: event.jitter,
            failure: { source: event.source, reason: event.reason },
          }
        : {},
    ),
    recordTimeout: assign(({ context }, params: { source: FailureSource; reason: string }) => ({
      failures: context.failures + 1,
      failure: { source: params.source, reason: params.reason },
    })),
    recordRefusal: assign(({ event }) =>
      event.type === 'node.refused'
        ? { jitter: event.jitter, failure: { source: 'validation' as const, reason: event.reason } }
        : {},
    ),
    recordOccupied: assign(({ context, event }) => ({
      jitter: 'jitter' in event ? event.jitter : context.jitter,
      failure: { source: 'interceptor' as const, reason: SLOT_TAKEN },
    })),
    recordStopped: assign({ failure: { source: 'operator' as const, reason: 'stopped' }, failures: 0 }),
    recordConnected: assign({ failure: undefined }),
    recordStable: assign({ failures: 0 }),
    recordDraining: assign({ draining: true }),
    recordUndrained: assign({ draining: false }),

    validate: emit((): NodeLinkEffect => ({ type: 'link.validate' })),
    openEvents: emit((): NodeLinkEffect => ({ type: 'link.openEvents' })),
    lookup: emit((): NodeLinkEffect => ({ type: 'link.lookup' })),
    openBlocks: emit((): NodeLinkEffect => ({ type: 'link.openBlocks' })),
    openInterceptor: emit((): NodeLinkEffect => ({ type: 'link.openInterceptor' })),
    checkSync: emit((): NodeLinkEffect => ({ type: 'link.checkSync' })),
    closeStreams: emit((): NodeLinkEffect => ({ type: 'link.closeStreams' })),
    notifyConnected: emit((): NodeLinkEffect => ({ type: 'link.notifyConnected' })),
    notifyReady: emit((): NodeLinkEffect => ({ type: 'link.notifyReady' })),
    notifyDisconnected: emit(
      ({ context }, params: { pause: keyof typeof pauses }): NodeLinkEffect => ({
        type: 'link.notifyDisconnected',
        failure: context.failure ?? UNKNOWN_FAILURE,
        retryMs: pauses[params.pause](context),
      }),
    ),
    alarm: emit(
      ({ context }, params: { problem: LinkProblem; reason?: string }): NodeLinkEffect => ({
        type: 'link.alarm',
        problem: params.problem,
        reason: params.reason ?? context.failure?.reason ?? '',
      }),
    ),
  },
  delays: {
    validation: ({ context }) => context.limits.validationMs,
    subscription: ({ context }) => context.limits.subscriptionMs,
    initialHeight: ({ context }) => context.limits.initialHeightMs,
    interceptorGrace: ({ context }) => context.limits.interceptorGraceMs,
    blockSilence: ({ context }) => context.limits.blockSilenceMs,
    syncCheck: ({ context }) => context.limits.syncCheckMs,
    unsyncedCheck: ({ context }) => context.limits.unsyncedCheckMs,
    relookup: ({ context }) => context.limits.relookupMs,
    stable: ({ context }) => context.limits.stableMs,
    backoff: ({ context }) => pauses.backoff(context),
    slotRetry: ({ context }) => pauses.slotRetry(context),
    refusedRetry: ({ context }) => pauses.refusedRetry(context),
  },
});

const down = (pause: keyof typeof pauses) =>
  ['closeStreams', 'notifyReady', { type: 'notifyDisconnected', params: { pause } }] as const;
const alarm = (problem: LinkProblem, reason?: string) =>
  ({ type: 'alarm', params: reason === undefined ? { problem } : { problem, reason } }) as const;
const timeout = (source: FailureSource, reason: string) =>
  ({ target: '#nodeLink.backoff', actions: { type: 'recordTimeout', params: { source, reason } } }) as const;

/** Wherever a connection is up or coming up, these end it. */
const endings = {
  'connection.failed': { target: '#nodeLink.backoff', actions: 'recordFailure' },
  'node.refused': { target: '#nodeLink.refused', actions: 'recordRefusal' },
} as const;
const occupied = { target: '#nodeLink.slotTaken', actions: 'recordOccupied' } as const;

/**
 * The connection to one lnd. Everything is looked at anew on each connection, because each may reach a node that
 * was restarted with other flags, or another node.
 *
 * The order is what keeps money safe: HTLC events are subscribed before outcomes are looked up, so that none
 * falls between; and both, as well as the height, come before the interceptor, so that no HTLC is judged blindly.
 */
export const nodeLinkMachine = setup_.createMachine({
  id: 'nodeLink',
  context: ({ input }) => ({
    limits: input.limits,
    failures: 0,
    jitter: 0.5,
    synced: false,
    draining: false,
    failure: undefined,
  }),
  initial: 'disconnected',
  on: {
    'link.stopped': { target: '.disconnected', actions: ['recordStopped', ...down('never')] },
    'drain.requested': { actions: 'recordDraining' },
    'drain.ended': { actions: 'recordUndrained' },
  },
  states: {
    disconnected: {
      description: 'Not started, or stopped.',
      on: { 'link.started': { target: 'validating', actions: 'recordJitter' } },
    },
    validating: {
      description: 'A new connection; is this the right node, with the version and flags that we need?',
      entry: 'validate',
      on: {
        ...endings,
        'validation.succeeded': { target: 'syncing', actions: 'recordValidation' },
      },
      after: { validation: timeout('validation', 'lnd did not answer in time') },
    },
    syncing: {
      description: 'Everything that has to be known before the first HTLC is taken.',
      on: { ...endings, 'interceptor.occupied': occupied },
      initial: 'subscribing',
      states: {
        subscribing: {
          entry: 'openEvents',
          on: { 'events.subscribed': 'awaitingHeight' },
          after: { subscription: timeout('events', 'HTLC event subscription not confirmed') },
        },
        awaitingHeight: {
          entry: ['lookup', 'openBlocks'],
          on: { 'block.connected': 'opening' },
          after: { initialHeight: timeout('blocks', 'initial block height not received') },
        },
        opening: {
          description: 'lnd never confirms an interceptor: a while without an error has to do.',
          entry: 'openInterceptor',
          on: { 'interceptor.opened': '#nodeLink.connected' },
          after: { interceptorGrace: '#nodeLink.connected' },
        },
      },
    },
    connected: {
      description: 'HTLCs are intercepted. Ready while the chain is synced and blocks flow.',
      entry: ['recordConnected', 'notifyConnected', 'notifyReady'],
      on: { ...endings, 'interceptor.occupied': occupied },
      type: 'parallel',
      states: {
        chain: {
          initial: 'entering',
          states: {
            entering: { always: [{ guard: 'isSynced', target: 'synced' }, { target: 'unsynced' }] },
            synced: {
              on: {
                'sync.checked': {
                  guard: 'reportsUnsynced',
                  target: 'unsynced',
                  actions: ['recordSync', 'notifyReady'],
                },
              },
              after: { syncCheck: { target: 'synced', reenter: true, actions: 'checkSync' } },
            },
            unsynced: {
              description: 'lnd says that it has not caught up with the chain: its height means little.',
              entry: alarm('unsynced', 'lnd is not synced to chain'),
              on: {
                'sync.checked': {
                  guard: 'reportsSynced',
                  target: 'synced',
                  actions: ['recordSync', 'notifyReady'],
                },
              },
              initial: 'waiting',
              states: {
                waiting: {
                  after: { unsyncedCheck: { target: 'waiting', reenter: true, actions: 'checkSync' } },
                },
              },
            },
          },
        },
        blocks: {
          initial: 'flowing',
          states: {
            flowing: {
              on: { 'block.connected': { target: 'flowing', reenter: true } },
              after: { blockSilence: { target: 'silent', actions: 'notifyReady' } },
            },
            silent: {
              description: 'No block for too long: the node may have lost the chain without noticing.',
              entry: alarm('blocksSilent', 'no block from lnd for too long'),
              on: { 'block.connected': { target: 'flowing', actions: 'notifyReady' } },
            },
          },
        },
        traffic: {
          initial: 'entering',
          states: {
            entering: { always: [{ guard: 'isDraining', target: 'draining' }, { target: 'open' }] },
            open: {
              on: { 'drain.requested': { target: 'draining', actions: ['recordDraining', 'notifyReady'] } },
            },
            draining: {
              description: 'What is held is still answered; the node should get no new payments.',
              on: { 'drain.ended': { target: 'open', actions: ['recordUndrained', 'notifyReady'] } },
            },
          },
        },
        endurance: {
          initial: 'fresh',
          states: {
            fresh: { after: { stable: { target: 'stable', actions: 'recordStable' } } },
            stable: {},
          },
        },
        outcomes: {
          initial: 'listening',
          states: {
            listening: {
              after: { relookup: { target: 'listening', reenter: true, actions: 'lookup' } },
            },
          },
        },
      },
    },
    backoff: {
      description: 'The connection is gone; the next one comes after a pause that grows with each failure.',
      entry: down('backoff'),
      on: { 'retry.requested': 'validating' },
      after: { backoff: 'validating' },
    },
    slotTaken: {
      description: 'Another client has the interceptor slot, perhaps our own earlier self: wait patiently.',
      entry: [...down('slotRetry'), alarm('slotTaken')],
      on: { 'retry.requested': 'validating' },
      after: { slotRetry: 'validating' },
    },
    refused: {
      description: 'Misconfigured: this node must not be used until someone has repaired it.',
      entry: [...down('refusedRetry'), alarm('refused')],
      on: { 'retry.requested': 'validating' },
      after: { refusedRetry: 'validating' },
    },
  },
});

export type NodeLinkSnapshot = SnapshotFrom<typeof nodeLinkMachine>;

/** Whether releases may depend on this node: connected, synced to chain, and blocks are not silent. */
export function isReady(snapshot: NodeLinkSnapshot): boolean {
  return snapshot.matches({ connected: { chain: 'synced', blocks: 'flowing' } });
}
