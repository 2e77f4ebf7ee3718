import { hash } from 'node:crypto';
import type { BatchOutcome, Decision, DecisionOutcome } from '../../actors/ports/decisionStore.ts';
import { setIdOf } from '../../domain/setId.ts';
import { decideParameters, onlyRequests } from './decideParameters.ts';
import { DECIDE, DECIDE_REQUESTS } from './decideStatement.ts';
import { roundsOf } from './rounds.ts';
import type { WriterConnection } from './writerConnection.ts';

type Stop = Exclude<BatchOutcome<never>, { readonly kind: 'acknowledged' }>;

/** What has become of a batch while its rounds run. */
interface Progress {
  readonly results: (DecisionOutcome | undefined)[];
  /** Acknowledged statements so far. */
  acknowledged: number;
  lastSequence: bigint;
}

const COMMITTED: DecisionOutcome = { outcome: 'committed' };

/**
 * Makes decisions durable, usually with one statement (DecisionStore.decide). Where it takes several and a later
 * one fails, the batch as a whole is ambiguous: submitting it again finds the first ones recorded.
 */
export async function decide(
  connection: WriterConnection,
  epoch: bigint,
  decisions: readonly Decision[],
): Promise<BatchOutcome<DecisionOutcome>> {
  const progress: Progress = { results: decisions.map(malformed), acknowledged: 0, lastSequence: 0n };
  const sound = [...decisions.keys()].filter((index) => progress.results[index] === undefined);
  // An empty round still passes the fence and tells the sequence.
  const rounds = sound.length > 0 ? roundsOf(sound.map((index) => decisions[index]!)) : [[]];
  for (const round of rounds) {
    const indexes = round.map((position) => sound[position]!);
    const stop = await submit(connection, epoch, decisions, indexes, progress);
    if (!stop) continue;
    if (stop.kind === 'failed' && progress.acknowledged > 0) {
      return { kind: 'ambiguous', error: `a part of the batch is written: ${stop.error}` };
    }
    return stop;
  }
  const results = progress.results.map((result) => result ?? COMMITTED);
  return { kind: 'acknowledged', results, lastSequence: progress.lastSequence };
}

/** One statement; halves it while the data of some decision is at fault, until that one stands alone. */
async function submit(
  connection: WriterConnection,
  epoch: bigint,
  decisions: readonly Decision[],
  indexes: readonly number[],
  progress: Progress,
  again = false,
): Promise<Stop | undefined> {
  const batch = indexes.map((index) => decisions[index]!);
  const [name, text] = onlyRequests(batch) ? ['lnmux_request', DECIDE_REQUESTS] : ['lnmux_decide', DECIDE];
  const answer = await connection.run({ name, text, values: decideParameters(epoch, batch) });
  if (answer.kind === 'rows') {
    if (answer.rows.length === 0) return { kind: 'fenced' };
    progress.acknowledged++;
    for (const [last, position, because] of answer.rows) {
      progress.lastSequence = last as bigint;
      if (position === null) continue;
      progress.results[indexes[position as number]!] = { outcome: 'refused', because: because as string };
    }
    return undefined;
  }
  if (answer.kind === 'ambiguous' || !answer.badData) return stopOf(answer);
  if (indexes.length <= 1) {
    // A unique index can complain of a decision that was in doubt until this moment: then it is recorded now.
    if (!again) return submit(connection, epoch, decisions, indexes, progress, true);
    if (indexes[0] === undefined) return stopOf(answer);
    progress.results[indexes[0]] = { outcome: 'refused', because: answer.error };
    return undefined;
  }
  const middle = indexes.length >> 1;
  return (
    (await submit(connection, epoch, decisions, indexes.slice(0, middle), progress)) ??
    (await submit(connection, epoch, decisions, indexes.slice(middle), progress))
  );
}

/** The outcome of a batch whose statement was not acknowledged. */
export function stopOf(
  answer:
    | { readonly kind: 'failed'; readonly error: string; readonly retryable: boolean }
    | { readonly kind: 'ambiguous'; readonly error: string },
): Stop {
  return answer.kind === 'ambiguous'
    ? { kind: 'ambiguous', error: answer.error }
    : { kind: 'failed', error: answer.error, retryable: answer.retryable };
}

/** What can be seen to be wrong without the database. Money depends on it, so it is looked at once more here. */
function malformed(decision: Decision): DecisionOutcome | undefined {
  const refuse = (because: string): DecisionOutcome => ({ outcome: 'refused', because });
  if (decision.kind === 'fail' && decision.parts.length === 0) return refuse('no parts');
  if (!('members' in decision)) return undefined;
  const { members, preimage, amountMsat } = decision;
  if (members.length === 0) return refuse('no members');
  if (hash('sha256', preimage, 'hex') !== decision.paymentHash) return refuse('wrong preimage');
  if (setIdOf(members.map((member) => member.key)) !== decision.setId) return refuse('wrong set id');
  const sum = members.reduce((total, member) => total + member.amountMsat, 0n);
  return sum < amountMsat ? refuse('the members do not add up to the amount') : undefined;
}
