import type { CommitEffect } from '../../../src/actors/supervisor/decisions.ts';

/**
 * What can happen to one daemon's memory, as a number: the kind in the low 4 bits, its parameters above. Numbers,
 * because the exploration looks each of them up millions of times.
 */
export const OP = {
  /** An offer reaches the supervisor. Parameter: HTLC. */
  offered: 0,
  /** The onion is peeled, and the row read where memory knows nothing of the hash. HTLC, row (see rowCode). */
  admitted: 1,
  /** lnd's final word. HTLC, settled. */
  finalised: 2,
  /** That word is durable. HTLC. */
  recorded: 3,
  /** The batch under way is acknowledged: how many items, which of them are refused. */
  acknowledged: 4,
  /** The batch was certainly not written. Items. */
  failed: 5,
  /** The batch has no clean acknowledgement. Items. */
  ambiguous: 6,
  /** Another leader decides. */
  fenced: 7,
  /** A new block height (that of the environment). */
  height: 8,
  /** Readiness of a node changed, or the regular look. */
  look: 9,
  /** Members of the set. */
  settle: 10,
  cancel: 11,
  /** Parts of the set, number of its timer. */
  timer: 12,
  /** A new process starts from these rows. Row, failed parts. */
  recover: 13,
  /** A part of a broken actor is taken up again. HTLC, row. */
  readmit: 14,
} as const;

export type OpKind = (typeof OP)[keyof typeof OP];

export const op = (kind: OpKind, a = 0, b = 0): number => kind | (a << 4) | (b << 8);
export const opKind = (code: number): OpKind => (code & 15) as OpKind;
export const opA = (code: number): number => (code >> 4) & 15;
export const opB = (code: number): number => code >> 8;

/** What the daemon asks of the world during an op, as numbers likewise. */
export const EFFECT = {
  /** HTLC. */
  settle: 0,
  fail: 1,
  /** Members, result. */
  settleAnswer: 3,
  cancelAnswer: 4,
  /** 1 settled, 2 failed. */
  status: 5,
  /** The shell logged an error: an assertion of its own failed, or an actor ended. */
  alarm: 6,
} as const;

export const SETTLE_RESULTS = ['requested', 'not_found', 'failed_precondition', 'unavailable'] as const;
export const CANCEL_RESULTS = ['canceled', 'not_found', 'settle_already_requested'] as const;

export const effect = (kind: number, a = 0, b = 0): number => kind | (a << 3) | (b << 7);
export const effectKind = (code: number): number => code & 7;
export const effectA = (code: number): number => (code >> 3) & 15;
export const effectB = (code: number): number => code >> 7;

export const DECISIONS: readonly CommitEffect['decision'][] = [
  'request',
  'requestAndRelease',
  'release',
  'abort',
  'fail',
];
export const DECISION = { request: 0, requestAndRelease: 1, release: 2, abort: 3, fail: 4 } as const;

/** A decision that was submitted: kind, members, and whether anyone still listens to its outcome. */
export const HEARD_NO_MORE = 1 << 7;
export const submission = (kind: number, mask: number): number => kind | (mask << 3);

export const submissionKind = (code: number): number => code & 7;
export const submissionMask = (code: number): number => (code >> 3) & 15;

/** A stored invoice as 15 bits: status, members, members that lnd settled, members that lnd failed. */
export const ROW = { none: 0, requested: 1, released: 2, aborted: 3, settled: 4, failed: 5 } as const;
export const ROW_NAMES = ['none', 'requested', 'released', 'aborted', 'settled', 'failed'] as const;
export const rowCode = (status: number, members: number, settled: number, failed: number): number =>
  status | (members << 3) | (settled << 7) | (failed << 11);
export const rowStatus = (row: number): number => row & 7;
export const rowMembers = (row: number): number => (row >> 3) & 15;
export const rowSettled = (row: number): number => (row >> 7) & 15;
export const rowFailed = (row: number): number => (row >> 11) & 15;

/** What a daemon sees of the world during an op: HTLCs offered and unanswered, ready nodes, block height. */
export const envOf = (awaits: number, ready: number, height: number): number =>
  awaits | (ready << 4) | (height << 6);
export const ENV_HEIGHT = 7 << 6;
export const ENV_AWAITS = 15;
