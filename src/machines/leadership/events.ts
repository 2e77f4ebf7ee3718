/** The operator's times for leadership. Milliseconds. */
export interface LeadershipLimits {
  /** Pause between two renewals. */
  readonly renewMs: number;
  /** Pause between two looks at a lease that someone else holds: a resignation is noticed within it. */
  readonly pollMs: number;
  /** Pause after a renewal that failed: shorter, for the lease runs out meanwhile. */
  readonly renewRetryMs: number;
  /** Pause after the first failure to ask for the lease; it doubles with each further one. */
  readonly backoffFirstMs: number;
  readonly backoffLongestMs: number;
  /** How long a resignation waits for its lease to be released; it ends by itself anyway. */
  readonly releaseMs: number;
}

/** Why the lead ended against our will. */
export type LostReason =
  /** Another process has a higher epoch: it decides now. */
  | 'fenced'
  /** The lease could not be renewed in time: another process may take the lead any moment. */
  | 'expired';

/**
 * What happened, as leadership hears of it. `validMs` is how much longer we may rely on the lease: the shell
 * counts from the moment it sent the request, and takes a safety gap off.
 */
export type LeadershipEvent =
  | { readonly type: 'candidacy.started' }
  /** The caller has stopped its work. */
  | { readonly type: 'resignation.requested' }
  /** A write was refused because another leader has a higher epoch. */
  | { readonly type: 'epoch.fenced' }
  | { readonly type: 'lease.acquired'; readonly epoch: bigint; readonly validMs: number }
  | { readonly type: 'lease.held'; readonly remainingMs: number }
  | { readonly type: 'lease.renewed'; readonly epoch: bigint; readonly validMs: number }
  /** The epoch is not ours any more. */
  | { readonly type: 'lease.lost'; readonly epoch: bigint }
  | { readonly type: 'lease.released'; readonly epoch: bigint }
  /** The database did not answer, or not clearly. `jitter` is a random number in [0, 1) that the shell draws. */
  | { readonly type: 'lease.failed'; readonly jitter: number };

/** What leadership asks of the world. Emitted, never executed here. */
export type LeadershipEffect =
  | { readonly type: 'lease.acquire' }
  | { readonly type: 'lease.renew'; readonly epoch: bigint }
  | { readonly type: 'lease.release'; readonly epoch: bigint }
  /** From now on this process decides. */
  | { readonly type: 'lead.begin'; readonly epoch: bigint }
  /** Stop deciding and sending, at once. */
  | { readonly type: 'lead.end'; readonly reason: LostReason };

export interface LeadershipInput {
  readonly limits: LeadershipLimits;
}

export interface LeadershipContext {
  readonly limits: LeadershipLimits;
  /** The epoch of the lead that we have or had last. */
  readonly epoch: bigint;
  /** For how long the lease may be relied on, from the last event that told. */
  readonly validMs: number;
  /** How long somebody else's lease still lasts. */
  readonly remainingMs: number;
  /** Requests for the lease that failed in a row. */
  readonly failures: number;
  readonly jitter: number;
}
