import type { Decision, FailRow } from '../../actors/ports/decisionStore.ts';
import { toHex } from '../../domain/hex.ts';
import type { HtlcKey } from '../../domain/htlcKey.ts';
import { byteaArray, nullableArray, numberArray, toInt64 } from './sqlTypes.ts';

interface Keys {
  readonly node: string[];
  readonly chan: bigint[];
  readonly htlc: bigint[];
}

/** Whether the statement for requests alone will do. */
export function onlyRequests(decisions: readonly Decision[]): boolean {
  return decisions.every((decision) => 'members' in decision);
}

/** Values $1 to $36 (for requests alone: to $23) of the statements in decideStatement.ts for a round. */
export function decideParameters(epoch: bigint, decisions: readonly Decision[]): unknown[] {
  return [
    epoch,
    numberArray(decisions.map((_, index) => index)),
    decisions.map((d) => d.kind),
    byteaArray(decisions.map((d) => d.paymentHash)),
    byteaArray(decisions.map((d) => d.setId)),
    byteaArray(decisions.map((d) => ('preimage' in d ? toHex(d.preimage) : ''))),
    numberArray(decisions.map((d) => ('amountMsat' in d ? d.amountMsat : 0n))),
    numberArray(decisions.map((d) => d.at)),
    decisions.map((d) => (d.kind === 'abort' ? d.cause : null)),
    decisions.map((d) => d.line.machine),
    decisions.map((d) => d.line.from),
    decisions.map((d) => d.line.event),
    decisions.map((d) => d.line.to),
    decisions.map((d) => (d.line.details ? JSON.stringify(d.line.details) : null)),
    ...memberColumns(decisions),
    ...(onlyRequests(decisions) ? [] : failColumns(decisions)),
  ];
}

function memberColumns(decisions: readonly Decision[]): unknown[] {
  const hash: string[] = [];
  const at: number[] = [];
  const keys: Keys = { node: [], chan: [], htlc: [] };
  const amount: bigint[] = [];
  const autoFailHeight: number[] = [];
  const cltvExpiry: number[] = [];
  const fee: (bigint | undefined)[] = [];
  for (const decision of decisions) {
    if (!('members' in decision)) continue;
    for (const member of decision.members) {
      hash.push(decision.paymentHash);
      at.push(decision.at);
      pushKey(keys, member.key);
      amount.push(member.amountMsat);
      autoFailHeight.push(member.autoFailHeight);
      cltvExpiry.push(member.cltvExpiry);
      fee.push(member.feeMsat);
    }
  }
  return [
    byteaArray(hash),
    numberArray(at),
    byteaArray(keys.node),
    numberArray(keys.chan),
    numberArray(keys.htlc),
    numberArray(amount),
    numberArray(autoFailHeight),
    numberArray(cltvExpiry),
    nullableArray(fee),
  ];
}

function failColumns(decisions: readonly Decision[]): unknown[] {
  const rows: { readonly index: number; readonly decision: Decision; readonly part: FailRow }[] = [];
  for (const [index, decision] of decisions.entries()) {
    if (decision.kind !== 'abort' && decision.kind !== 'fail') continue;
    for (const part of decision.parts) rows.push({ index, decision, part });
  }
  const keys: Keys = { node: [], chan: [], htlc: [] };
  for (const { part } of rows) pushKey(keys, part.key);
  return [
    numberArray(rows.map((row) => row.index)),
    `{${rows.map((row) => (row.decision.kind === 'abort' ? 't' : 'f')).join(',')}}`,
    byteaArray(rows.map((row) => row.decision.paymentHash)),
    byteaArray(rows.map((row) => row.decision.setId)),
    numberArray(rows.map((row) => row.decision.at)),
    byteaArray(keys.node),
    numberArray(keys.chan),
    numberArray(keys.htlc),
    numberArray(rows.map((row) => row.part.amountMsat)),
    numberArray(rows.map((row) => row.part.autoFailHeight)),
    numberArray(rows.map((row) => row.part.cltvExpiry)),
    rows.map((row) => row.part.reason),
    byteaArray(rows.map((row) => toHex(row.part.failureOnion))),
  ];
}

function pushKey(keys: Keys, key: HtlcKey): void {
  keys.node.push(key.nodeId);
  keys.chan.push(toInt64(key.chanId));
  keys.htlc.push(toInt64(key.htlcId));
}
