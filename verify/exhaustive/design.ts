import { liveInvoice } from '../../src/actors/compiled/charts.ts';
import { htlcSetMachine } from '../../src/machines/htlcSet/machine.ts';
import { invoiceMachine } from '../../src/machines/invoice/machine.ts';

/**
 * The design under examination: the real charts as the actors run them and, where a mutant is seeded, what is done differently. Each flaw
 * is looked at in exactly one place, named by a comment there.
 */
export interface Design {
  readonly name: string;
  readonly invoice: typeof invoiceMachine;
  readonly flaws: Flaws;
}

/** Seeded defects of the shell, the database and the node link. */
export interface Flaws {
  /** After an open outcome the row is read, and what is found there counts as acknowledged. */
  readonly readInsteadOfResubmit?: boolean;
  /** An open outcome counts as a certain failure. */
  readonly ambiguousIsFailure?: boolean;
  /** An open outcome counts as a success. */
  readonly ambiguousIsSuccess?: boolean;
  /** Failures are written without looking at the leader's epoch. */
  readonly unfencedFail?: boolean;
  /** Releases are written without looking at the leader's epoch. */
  readonly unfencedRelease?: boolean;
  /** Finals are recorded without looking at the leader's epoch. */
  readonly unfencedFinal?: boolean;
  /** What is read about a hash is acted upon without looking at the leader's epoch in the same read. */
  readonly unfencedLookup?: boolean;
  /** A new process loads what it reads, also when yet another one leads by then. */
  readonly unfencedRecovery?: boolean;
  /** A new process starts without the failures that earlier ones decided. */
  readonly forgetFails?: boolean;
  /** A new process starts without the settle requests that earlier ones decided. */
  readonly forgetInvoices?: boolean;
  /** Memory alone says whether a hash has a row. */
  readonly noRowLookup?: boolean;
  /** A failed part does not keep later sets from using it, and a later failure overwrites a request. */
  readonly writesOverwrite?: boolean;
  /** An abort does not look at who wrote the release. */
  readonly abortOfAnyRelease?: boolean;
  /** An HTLC stays answerable after its answer. */
  readonly answerTwice?: boolean;
  /** Offers of known HTLCs are not answered again. */
  readonly answerOnlyOnce?: boolean;
  /** The barrier believes in every node. */
  readonly blindView?: boolean;
  /** Blocks do not reach the supervisor. */
  readonly deafToBlocks?: boolean;
  /** Readiness is not part of the view. */
  readonly ignoreReadiness?: boolean;
  /** Finals are not looked up on a new connection. */
  readonly noOutcomeLookup?: boolean;
  /** A leader's epoch is not raised when it takes over. */
  readonly noEpochBump?: boolean;
  /** A released set of an earlier epoch is looked at as if it were only requested. */
  readonly releasedComesBackAsRequested?: boolean;
  /** Decisions queue up behind nothing: the second of a turn is lost. */
  readonly dropQueued?: boolean;
}

export const REAL_DESIGN: Design = { name: 'lnmux', invoice: liveInvoice, flaws: {} };

export { htlcSetMachine, invoiceMachine };
