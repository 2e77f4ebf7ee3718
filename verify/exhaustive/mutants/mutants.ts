import type { Design } from '../design.ts';
import { withFlaws, withInvoice, withSet, withSetGuard } from './chart.ts';

/** A seeded defect and where the checker must find it. */
export interface Mutant {
  readonly design: Design;
  readonly scope: string;
  /** The law that has to be broken: S1 to S10, or `stuck`. */
  readonly breaks: string;
  readonly what: string;
}

const mutant = (design: Design, scope: string, breaks: string, what: string): Mutant => ({
  design,
  scope,
  breaks,
  what,
});

const chartMutants: readonly Mutant[] = [
  mutant(withSetGuard('drop-barrier', 'barrierHolds', true), 'tiny', 'S3', 'release without a barrier'),
  mutant(
    withSet('no-last-look', ({ releasing }) => {
      releasing.on['commit.succeeded'] = { ...releasing.on['commit.succeeded'][0], guard: undefined };
    }),
    'tiny',
    'S3',
    'the barrier is not looked at again when the release is acknowledged',
  ),
  mutant(
    withSet('settle-before-ack', ({ releasing }) => {
      releasing.entry = ['commitRelease', 'settleParts'];
    }),
    'tiny',
    'S1',
    'parts are settled while the release is being written',
  ),
  mutant(
    withSet('fail-before-ack', ({ failing }) => {
      failing.entry = [...failing.entry, 'failParts'];
    }),
    'tiny',
    'S2',
    'parts are failed while the failure is being written',
  ),
  mutant(
    withSet('abort-in-memory', ({ requested }) => {
      requested.on['deadline.reached'].target = 'failed';
    }),
    'tiny',
    'S2',
    'a requested set is given up without writing it',
  ),
  mutant(
    withSet('ambiguous-release-is-done', ({ releasing }) => {
      releasing.states.committing.on['commit.ambiguous'] = '#htlcSet.released';
    }),
    'database',
    'S1',
    'an open outcome of a release counts as success',
  ),
  mutant(
    withSet('ambiguous-fail-is-done', ({ failing }) => {
      failing.states.committing.on['commit.ambiguous'] = '#htlcSet.failed';
    }),
    'database',
    'S2',
    'an open outcome of a failure counts as success',
  ),
  mutant(
    withSet('failed-write-fails-parts', ({ failing }) => {
      failing.states.committing.on['commit.failed'] = '#htlcSet.failed';
    }),
    'database',
    'S2',
    'parts are failed although the failure could not be written',
  ),
  mutant(
    withSet('released-gives-up', ({ released }) => {
      released.on['deadline.reached'] = {
        target: 'aborting',
        actions: { type: 'recordDoom', params: { reason: 'deadline_reached' } },
      };
    }),
    'tiny',
    'S5',
    'a released set is aborted when its deadline comes',
  ),
  mutant(
    withSet('answered-before-durable', ({ requesting, releasing }) => {
      releasing.entry = ['commitRelease', 'answerRequested'];
      requesting.entry = ['commitRequest', 'answerRequested'];
    }),
    'tiny',
    'S10',
    'the application hears "requested" before anything is durable',
  ),
  mutant(
    withSet('withheld-sleeps', ({ withheld }) => {
      withheld.on = { 'deadline.reached': withheld.on['deadline.reached'] };
    }),
    'tiny',
    'stuck',
    'a withheld release is never looked at again',
  ),
  mutant(
    withSet('requested-sleeps', ({ requested }) => {
      requested.on = { 'deadline.reached': requested.on['deadline.reached'] };
    }),
    'tiny',
    'stuck',
    'a requested set is never looked at again',
  ),
  mutant(
    withSet('settles-once', ({ released }) => {
      delete released.on['part.offered'];
    }),
    'tiny',
    'stuck',
    'a part of a released set that is offered again gets no answer',
  ),
  mutant(
    withSet('fails-once', ({ failed }) => {
      delete failed.on['part.offered'];
    }),
    'tiny',
    'stuck',
    'a part of a failed set that is offered again gets no answer',
  ),
  mutant(
    withSet('no-hold-timer', ({ collecting }) => {
      delete collecting.after;
    }),
    'tiny',
    'stuck',
    'incomplete sets are held for ever',
  ),
  mutant(
    withSet('no-accept-timer', ({ complete }) => {
      delete complete.after;
    }),
    'tiny',
    'stuck',
    'complete sets wait for the application for ever',
  ),
  mutant(
    withSet('no-commit-retry', ({ failing, aborting }) => {
      delete failing.states.retrying.after;
      delete aborting.states.retrying.after;
    }),
    'database',
    'stuck',
    'a failure that could not be written is not written again',
  ),
  mutant(
    withSet('finals-unrecorded', ({ released, failed }) => {
      released.on['part.finalised'].actions = ['recordReport'];
      failed.on['part.finalised'].actions = ['recordReport'];
    }),
    'tiny',
    'stuck',
    'what lnd reports as final is not recorded',
  ),
  mutant(
    withInvoice(
      'members-grow',
      ({ accepted }) => {
        accepted.on['part.arrived'] = { actions: 'addPart' };
      },
      ({ complete }) => {
        complete.on['part.added'] = { actions: ['holdPart', 'recordSetId'] };
      },
    ),
    'third',
    'S1',
    'parts join a set that is complete',
  ),
  mutant(
    withInvoice(
      'cancel-after-request',
      ({ settleRequested }) => {
        for (const state of ['committing', 'requested', 'releasing', 'released'])
          settleRequested.states[state].on['cancel.requested'] = { actions: 'passCancel' };
      },
      ({ requested, released }) => {
        const cancel = { target: 'failing', actions: { type: 'recordDoom', params: { reason: 'canceled' } } };
        requested.on['cancel.requested'] = cancel;
        released.on['cancel.requested'] = cancel;
      },
    ),
    'database',
    'no defect',
    'a set can be cancelled after settlement was requested',
  ),
  mutant(
    withInvoice('settled-too-early', ({ settleRequested }) => {
      settleRequested.states.releasing.on['set.released'].actions = {
        type: 'notify',
        params: { status: 'settled' },
      };
      settleRequested.states.committing.on['set.released'].actions = {
        type: 'notify',
        params: { status: 'settled' },
      };
    }),
    'tiny',
    'S9',
    'the invoice is called settled when it is released',
  ),
];

const shellMutants: readonly Mutant[] = [
  mutant(
    withFlaws('read-not-resubmit', { readInsteadOfResubmit: true }),
    'database',
    'no defect',
    'an open outcome is read up instead of submitted again',
  ),
  mutant(
    withFlaws('ambiguous-is-failure', { ambiguousIsFailure: true }),
    'database',
    'no defect',
    'an open outcome is reported as a certain failure',
  ),
  mutant(
    withFlaws('ambiguous-is-success', { ambiguousIsSuccess: true }),
    'database',
    'S',
    'an open outcome is reported as a success',
  ),
  mutant(
    withFlaws('unfenced-fail', { unfencedFail: true }),
    'split',
    'S6',
    'failures are written without the fence',
  ),
  mutant(
    withFlaws('unfenced-release', { unfencedRelease: true }),
    'split',
    'S6',
    'requests and releases are written without the fence',
  ),
  mutant(
    withFlaws('unfenced-final', { unfencedFinal: true }),
    'split',
    'S6',
    'finals are recorded without the fence',
  ),
  mutant(
    withFlaws('unfenced-lookup', { unfencedLookup: true }),
    'split',
    'S',
    'a row is acted upon that another leader may have written',
  ),
  mutant(
    withFlaws('unfenced-recovery', { unfencedRecovery: true }),
    'two-takeovers',
    'S',
    'what is pending is loaded although another leader may have written it',
  ),
  mutant(
    withFlaws('no-epoch-bump', { noEpochBump: true }),
    'split',
    'S6',
    'a new leader does not raise the epoch',
  ),
  mutant(
    withFlaws('forget-fails', { forgetFails: true }),
    'tiny',
    'stuck',
    'a new process does not load failures',
  ),
  mutant(
    withFlaws('forget-invoices', { forgetInvoices: true }),
    'tiny',
    'no defect',
    'a new process does not load settle requests',
  ),
  mutant(
    withFlaws('forget-everything', { forgetInvoices: true, noRowLookup: true }),
    'tiny',
    'no defect',
    'memory alone says what is requested',
  ),
  mutant(
    withFlaws('writes-overwrite', { writesOverwrite: true, forgetFails: true }),
    'tiny',
    'S2',
    'decisions can be written over',
  ),
  mutant(
    withFlaws('abort-any-release', { abortOfAnyRelease: true, releasedComesBackAsRequested: true }),
    'tiny',
    'S5',
    'a release of an earlier epoch can be aborted',
  ),
  mutant(
    {
      ...withSet('answer-twice', ({ released }) => {
        released.on['part.finalised'].actions.push('settleParts');
      }),
      flaws: { answerTwice: true },
    },
    'tiny',
    'S7',
    'an HTLC can be answered again on its stream',
  ),
  mutant(
    withFlaws('answer-only-once', { answerOnlyOnce: true }),
    'tiny',
    'stuck',
    'offers of known HTLCs are ignored',
  ),
  mutant(
    withFlaws('blind-view', { blindView: true }),
    'tiny',
    'S3',
    'the barrier takes every part for present',
  ),
  mutant(
    withFlaws('deaf-to-blocks', { deafToBlocks: true }),
    'tiny',
    'S3',
    'blocks do not reach the supervisor',
  ),
  mutant(
    withFlaws('ignore-readiness', { ignoreReadiness: true }),
    'readiness',
    'S4',
    'nodes that are not synced count as ready',
  ),
  mutant(
    withFlaws('no-outcome-lookup', { noOutcomeLookup: true }),
    'tiny',
    'stuck',
    'finals that were missed are not looked up',
  ),
  mutant(
    withFlaws('drop-queued', { dropQueued: true }),
    'third',
    'stuck',
    'a decision that comes while another is being written is lost',
  ),
];

export const MUTANTS: readonly Mutant[] = [...chartMutants, ...shellMutants];
