import type { Log, LogFields } from '../../src/actors/ports/log.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import type { Counters } from './counters.ts';

/** Messages that tell of a branch that a run wants to have seen, and the names they are counted under. */
const BRANCHES: Readonly<Record<string, string>> = {
  'Outcome of a commit is unknown': 'branch.commitUnknown',
  'Decision refused': 'branch.decisionRefused',
  'Outbox write not acknowledged, submitting it again': 'branch.submittedAgain',
  'Actor ended, its HTLC is taken up again': 'branch.actorRebuilt',
  'Invoice lookup failed, asking again': 'branch.lookupRepeated',
  'HTLCs were given back by lnd before they were answered': 'branch.givenBack',
  'Answer not sent, because lnd would end the stream for it': 'branch.answerWithheld',
  'Look-up of final htlc outcomes failed': 'branch.outcomeLookupFailed',
  'Invoice partially settled': 'branch.partiallySettled',
  'Journal write failed': 'branch.journalFailed',
  'Handling of a looked-up invoice failed': 'defect.lookupHandler',
  'Listener of the node link threw': 'defect.listenerThrew',
  'Outbox callback failed': 'defect.outboxCallback',
  'Node link statechart failed and is built anew': 'defect.linkStatechart',
  'Node link effect failed': 'defect.linkEffect',
  'Preimage does not match the payment hash: nothing is settled': 'defect.preimage',
};

export interface LogWatch {
  readonly counters: Counters;
  /** Whether the text is a preimage that must not be seen. */
  readonly isSecret: (hex: string) => boolean;
  /** A settle was given to a link. */
  readonly settles: (hash: PaymentHash) => void;
  readonly completed: (setId: SetId) => void;
  readonly withdrawn: (setId: SetId) => void;
  readonly violate: (invariant: string, message: string) => void;
  /** Every line, for a person who looks at one seed. */
  readonly print: ((line: string) => void) | undefined;
}

/** Reads what a daemon logs: no secret may be in it, and some lines tell of a way back that was taken. */
export function watchedLog(name: string, watch: LogWatch): Log {
  const line = (level: string) => (fields: LogFields, message: string) => {
    for (const value of Object.values(fields)) {
      if (typeof value === 'string' && value.length >= 64 && watch.isSecret(value)) {
        watch.violate('S13', `a preimage is logged: ${message}`);
      }
    }
    if (message === 'Sending settle resolution' && fields.sent === true)
      watch.settles(fields.hash as PaymentHash);
    if (message === 'Set complete') watch.completed(fields.setID as SetId);
    if (message === 'Failed invoice') watch.withdrawn(fields.setID as SetId);
    const branch = BRANCHES[message];
    if (branch) watch.counters.hit(branch);
    if (branch?.startsWith('defect.')) watch.violate('defect', `${message}: ${JSON.stringify(fields)}`);
    watch.print?.(`${name} ${level} ${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = {
    debug: line('debug'),
    info: line('info'),
    warn: line('warn'),
    error: line('error'),
    child: () => log,
  };
  return log;
}
