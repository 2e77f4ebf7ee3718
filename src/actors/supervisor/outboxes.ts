import type { CoreMeasures } from '../measures/coreMeasures.ts';
import { GroupCommit } from '../outbox/groupCommit.ts';
import { Journal } from '../outbox/journal.ts';
import type { Decision, DecisionOutcome, FinalRecord, RecordedFinal } from '../ports/decisionStore.ts';
import type { SupervisorOptions } from './options.ts';

const DECISIONS_PER_BATCH = 256;
const FINALS_PER_BATCH = 256;
/** Everything that this leader writes goes through one of these. */
export interface Outboxes {
  readonly decisions: GroupCommit<Decision, DecisionOutcome>;
  readonly finals: GroupCommit<FinalRecord, RecordedFinal>;
  readonly journal: Journal;
}

export function openOutboxes(options: SupervisorOptions, measures: CoreMeasures): Outboxes {
  const { store, epoch, clock, log, limits, paces, onFenced } = options;
  const shared = { clock, log, onFenced };
  return {
    decisions: new GroupCommit({
      ...shared,
      name: 'decisions',
      measures: measures.decisions,
      write: (batch) => store.decide(epoch, batch),
      maxBatch: DECISIONS_PER_BATCH,
      paceMs: paces.decisionsMs,
      gathers: false,
      retryFailures: false,
    }),
    finals: new GroupCommit({
      ...shared,
      name: 'finals',
      measures: measures.finals,
      write: (batch) => store.finalise(epoch, batch),
      maxBatch: FINALS_PER_BATCH,
      paceMs: paces.finalsMs,
      gathers: true,
      retryFailures: true,
    }),
    journal: new Journal({ store, epoch, clock, log, maxLines: limits.maxJournalLines }),
  };
}
