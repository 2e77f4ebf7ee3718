import type { BatchOutcome, FinalRecord, RecordedFinal } from '../../actors/ports/decisionStore.ts';
import { type PartId, partIdOf } from '../../domain/htlcKey.ts';
import { stopOf } from './decide.ts';
import { byteaArray, numberArray, toInt64 } from './sqlTypes.ts';
import type { WriterConnection } from './writerConnection.ts';

/** State of the invoice of a member whose final was submitted. */
interface MemberState {
  readonly complete: boolean;
  readonly allSettled: boolean;
  readonly settledMsat: bigint;
}

/**
 * Records finals with one statement (DecisionStore.finalise). A final that is submitted again, after an open
 * outcome say, is answered with how the invoice stands; of several finals of one invoice the last one tells that it
 * ended. The first final of a part counts.
 */
export async function finalise(
  connection: WriterConnection,
  text: string,
  epoch: bigint,
  finals: readonly FinalRecord[],
): Promise<BatchOutcome<RecordedFinal>> {
  const firstOf = new Map<PartId, number>();
  for (const [index, final] of finals.entries()) {
    const id = partIdOf(final.key);
    if (!firstOf.has(id)) firstOf.set(id, index);
  }
  const values = parameters(
    epoch,
    [...firstOf.values()].map((index) => ({ index, final: finals[index]! })),
  );
  const answer = await connection.run({ name: 'lnmux_finalise', text, values });
  if (answer.kind !== 'rows') return stopOf(answer);
  if (answer.rows.length === 0) return { kind: 'fenced' };
  const states = new Map<number, MemberState>();
  for (const [, index, complete, allSettled, settledMsat] of answer.rows) {
    if (index === null) continue;
    states.set(index as number, {
      complete: complete as boolean,
      allSettled: allSettled as boolean,
      settledMsat: settledMsat as bigint,
    });
  }
  const stateOf = (final: FinalRecord) => states.get(firstOf.get(partIdOf(final.key))!);
  return {
    kind: 'acknowledged',
    results: resultsOf(finals, stateOf),
    lastSequence: answer.rows[0]![0] as bigint,
  };
}

function resultsOf(
  finals: readonly FinalRecord[],
  stateOf: (final: FinalRecord) => MemberState | undefined,
): RecordedFinal[] {
  const lastOfHash = new Map<string, number>();
  for (const [index, final] of finals.entries()) {
    if (stateOf(final)) lastOfHash.set(final.paymentHash, index);
  }
  return finals.map((final, index) => {
    const state = stateOf(final);
    if (!state) return { outcome: 'noted' };
    if (!state.complete || lastOfHash.get(final.paymentHash) !== index) return { outcome: 'pending' };
    return {
      outcome: 'invoiceFinal',
      status: state.allSettled ? 'settled' : 'failed',
      settledMsat: state.settledMsat,
    };
  });
}

function parameters(
  epoch: bigint,
  rows: readonly { readonly index: number; readonly final: FinalRecord }[],
): unknown[] {
  const flags = (flag: (final: FinalRecord) => boolean) =>
    `{${rows.map((row) => (flag(row.final) ? 't' : 'f')).join(',')}}`;
  return [
    epoch,
    numberArray(rows.map((row) => row.index)),
    byteaArray(rows.map((row) => row.final.paymentHash)),
    byteaArray(rows.map((row) => row.final.key.nodeId)),
    numberArray(rows.map((row) => toInt64(row.final.key.chanId))),
    numberArray(rows.map((row) => toInt64(row.final.key.htlcId))),
    flags((final) => final.settled),
    flags((final) => final.offChain),
    numberArray(rows.map((row) => row.final.at)),
  ];
}
