import type { CoreMeasures } from '../measures/coreMeasures.ts';
import { GroupCommit } from '../outbox/groupCommit.ts';
import { Journal } from '../outbox/journal.ts';
import type {
  BatchOutcome,
  Decision,
  DecisionOutcome,
  FinalRecord,
  RecordedFinal,
} from '../ports/decisionStore.ts';
import type { SupervisorOptions } from './options.ts';
import type { StoredHashes } from './storedHashes.ts';

const DECISIONS_PER_BATCH = 256;
const FINALS_PER_BATCH = 256;
const WRITES_A_ROW: ReadonlySet<Decision['kind']> = new Set(['request', 'requestAndRelease']);

/** Everything that this leader writes goes through one of these. */
export interface Outboxes {
  readonly decisions: GroupCommit<Decision, DecisionOutcome>;
  readonly finals: GroupCommit<FinalRecord, RecordedFinal>;
  readonly journal: Journal;
}

/**
 * @param stored Hears of each row before it is written.
 * @param written Hears of each acknowledged write how far the events table has come.
 */
export function openOutboxes(
  options: SupervisorOptions,
  measures: CoreMeasures,
  stored: Pick<StoredHashes, 'note'>,
  written: (lastSequence: bigint) => void,
): Outboxes {
  const { store, epoch, clock, log, limits, paces, onFenced } = options;
  const shared = { clock, log, onFenced };
  const told = async <T>(write: Promise<BatchOutcome<T>>): Promise<BatchOutcome<T>> => {
    const outcome = await write;
    if (outcome.kind === 'acknowledged') written(outcome.lastSequence);
    return outcome;
  };
  return {
    decisions: new GroupCommit({
      ...shared,
      name: 'decisions',
      measures: measures.decisions,
      write: (batch) => {
        for (const { kind, paymentHash } of batch) if (WRITES_A_ROW.has(kind)) stored.note(paymentHash);
        return told(store.decide(epoch, batch));
      },
      maxBatch: DECISIONS_PER_BATCH,
      paceMs: paces.decisionsMs,
      gathers: false,
      retryFailures: false,
    }),
    finals: new GroupCommit({
      ...shared,
      name: 'finals',
      measures: measures.finals,
      write: (batch) => told(store.finalise(epoch, batch)),
      maxBatch: FINALS_PER_BATCH,
      paceMs: paces.finalsMs,
      gathers: true,
      retryFailures: true,
    }),
    journal: new Journal({
      write: (lines, height) => told(store.journal(epoch, lines, height)),
      clock,
      log,
      maxLines: limits.maxJournalLines,
    }),
  };
}
