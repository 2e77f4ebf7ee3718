import { type ActorRefFrom, createActor, waitFor } from 'xstate';
import type { LeadershipEffect, LeadershipLimits, LostReason } from '../../machines/leadership/events.ts';
import { leadershipMachine } from '../../machines/leadership/machine.ts';
import type { Clock } from '../ports/clock.ts';
import type { LeadershipStore } from '../ports/decisionStore.ts';
import type { Log } from '../ports/log.ts';

/** How long a lease lasts, and how often it is renewed, unless the operator says otherwise. */
export const DEFAULT_LEASE_MS = 15_000;
export const DEFAULT_RENEW_MS = 5_000;

/** A standby looks so often whether the leader has resigned: one indexed statement on one row. */
const STANDBY_POLL_MS = 500;

/**
 * We stop relying on a lease this much before the database would give it to somebody else: time for the work to
 * stop, and room for clocks that don't tick alike.
 */
export const LEASE_SAFETY_GAP_MS = 1_000;

const MESSAGES = { begun: 'this process leads', ended: 'this process leads no more' };

export type LeadershipState = 'idle' | 'standby' | 'leader' | 'resigning' | 'lost';

export interface LeadershipOptions {
  readonly store: LeadershipStore;
  /** Names this process in the leader row. Never empty: the row of an empty owner is that of no leader. */
  readonly owner: string;
  readonly leaseMs?: number;
  readonly renewMs?: number;
  /** For how long after a renewal the lease is relied on. Default: all of it but the safety gap. */
  readonly trustMs?: number;
  /** How often a standby looks whether the leader has resigned. */
  readonly pollMs?: number;
  /** What begins and ends, in the log. */
  readonly messages?: { readonly begun: string; readonly ended: string };
  readonly clock: Clock;
  readonly log: Log;
  /** A number in [0, 1), for the spread of pauses. */
  readonly random?: () => number;
  /** From now on this process decides, with this epoch. */
  onLeader(epoch: bigint): void;
  /** Stop deciding and sending at once. Then `start` may be called again. */
  onLost(reason: LostReason): void;
}

export interface Leadership {
  /** Stands for leader. Also after the lead was lost, once the work of that lead has stopped. */
  start(): void;
  /** Gives the lead back. To be called when the work has stopped; resolves when the row is free or not ours. */
  resign(): Promise<void>;
  /** A write was refused because of its epoch: the lead is lost, whatever the lease says. */
  fenced(): void;
  state(): LeadershipState;
}

/**
 * Leadership of this process: asks for the lease, renews it, and tells when the lead begins and ends.
 *
 * @throws RangeError for an empty owner, or a lease too short to be renewed in time.
 */
export function createLeadership(options: LeadershipOptions): Leadership {
  const { store, owner, clock, log } = options;
  const leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS;
  const renewMs = options.renewMs ?? DEFAULT_RENEW_MS;
  const trustMs = options.trustMs ?? leaseMs - LEASE_SAFETY_GAP_MS;
  const messages = options.messages ?? MESSAGES;
  if (owner.trim() === '') throw new RangeError('leadership needs a name for this process');
  if (!(renewMs > 0 && renewMs < trustMs && trustMs + LEASE_SAFETY_GAP_MS <= leaseMs))
    throw new RangeError(`a lease of ${leaseMs} ms can't be renewed every ${renewMs} ms`);
  const actor = createActor(leadershipMachine, {
    id: 'leadership',
    input: { limits: limitsOf(renewMs, options.pollMs ?? Math.min(STANDBY_POLL_MS, renewMs)) },
    clock: timersOf(clock),
  });
  const random = options.random ?? Math.random;
  /** Never more than a whole lease, should the clock be set back meanwhile. */
  const validSince = (sentAt: number) => trustMs - Math.max(0, clock.now() - sentAt);
  const failed = (what: string) => (error: unknown) => {
    log.warn({ error: String(error) }, `leadership: could not ${what} the lease`);
    actor.send({ type: 'lease.failed', jitter: random() });
  };

  let leaderId = '';
  const seen = (id: string) => {
    if (id === leaderId || id === '') return;
    leaderId = id;
    log.info({ leaderId }, 'New leader elected');
  };

  /** Counted from before the request: the database counts from when it has it, which can only be later. */
  const acquire = () => {
    const sentAt = clock.now();
    store.acquire(owner, leaseMs).then((answer) => {
      if (answer.acquired)
        actor.send({ type: 'lease.acquired', epoch: answer.epoch, validMs: validSince(sentAt) });
      else {
        seen(answer.owner);
        actor.send({ type: 'lease.held', remainingMs: answer.remainingMs });
      }
    }, failed('acquire'));
  };
  const renew = (epoch: bigint) => {
    const sentAt = clock.now();
    store.renew(epoch, leaseMs).then((isOurs) => {
      if (isOurs) actor.send({ type: 'lease.renewed', epoch, validMs: validSince(sentAt) });
      else actor.send({ type: 'lease.lost', epoch });
    }, failed('renew'));
  };
  const release = (epoch: bigint) => {
    store.release(epoch).then(() => {
      log.info({ owner }, 'Lock released');
      actor.send({ type: 'lease.released', epoch });
    }, failed('release'));
  };

  actor.on('*', (effect: LeadershipEffect) => {
    switch (effect.type) {
      case 'lease.acquire':
        return acquire();
      case 'lease.renew':
        return renew(effect.epoch);
      case 'lease.release':
        return release(effect.epoch);
      case 'lead.begin':
        seen(owner);
        log.info({ owner, epoch: String(effect.epoch) }, messages.begun);
        return options.onLeader(effect.epoch);
      case 'lead.end':
        log.error({ owner, reason: effect.reason }, messages.ended);
        return options.onLost(effect.reason);
    }
  });
  actor.start();
  return {
    start: () => actor.send({ type: 'candidacy.started' }),
    fenced: () => actor.send({ type: 'epoch.fenced' }),
    state: () => stateOf(actor),
    async resign() {
      actor.send({ type: 'resignation.requested' });
      await waitFor(actor, (snapshot) => snapshot.matches('idle'), { timeout: Number.POSITIVE_INFINITY });
    },
  };
}

const limitsOf = (renewMs: number, pollMs: number): LeadershipLimits => ({
  renewMs,
  pollMs,
  renewRetryMs: Math.min(1_000, renewMs),
  backoffFirstMs: 500,
  backoffLongestMs: renewMs,
  releaseMs: 5_000,
});

const timersOf = (clock: Clock) => ({
  setTimeout: (fn: () => void, ms: number) => clock.setTimeout(fn, ms),
  clearTimeout: (handle: unknown) => clock.clearTimeout(handle),
});

const stateOf = (actor: ActorRefFrom<typeof leadershipMachine>): LeadershipState => {
  const { value } = actor.getSnapshot();
  return typeof value === 'string' ? value : (Object.keys(value)[0] as LeadershipState);
};
