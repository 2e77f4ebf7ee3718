import { createHash } from 'node:crypto';
import type {
  Decision,
  EventLine,
  FailRow,
  FinalRecord,
  MemberRow,
} from '../../src/actors/ports/decisionStore.ts';
import type { NodeId, PaymentHash } from '../../src/domain/hash.ts';
import type { HtlcKey } from '../../src/domain/htlcKey.ts';
import { setIdOf } from '../../src/domain/setId.ts';

export const NODE_A = `02${'aa'.repeat(32)}` as NodeId;
export const NODE_B = `03${'bb'.repeat(32)}` as NodeId;
export const AT = 1_764_000_000_123;

/** A payment that tests can decide about: its own preimage and channel, `parts` parts of 1,000 msat. */
export interface Payment {
  readonly preimage: Uint8Array;
  readonly hash: PaymentHash;
  readonly members: readonly MemberRow[];
}

export function payment(number: number, parts = 1): Payment {
  const preimage = createHash('sha256').update(`preimage ${number}`).digest();
  const hash = createHash('sha256').update(preimage).digest('hex') as PaymentHash;
  const members = Array.from({ length: parts }, (_, part) =>
    member({
      nodeId: part % 2 ? NODE_B : NODE_A,
      chanId: (1n << 63n) + BigInt(number),
      htlcId: BigInt(part),
    }),
  );
  return { preimage: new Uint8Array(preimage), hash, members };
}

export function member(key: HtlcKey): MemberRow {
  return { key, amountMsat: 1_000n, autoFailHeight: 800_100, cltvExpiry: 4_000_000_000, feeMsat: 7n };
}

export function failRow(row: MemberRow, byte = 7): FailRow {
  return { ...row, reason: 'mpp_timeout', failureOnion: new Uint8Array(292).fill(byte) };
}

export function line(event: string, to: string): EventLine {
  return { machine: 'htlcSet', from: 'before', event, to, details: { note: 'a "quoted" \\ text, {1,2}' } };
}

const setOf = (rows: readonly MemberRow[]) => setIdOf(rows.map((row) => row.key));

export function settle(kind: 'request' | 'requestAndRelease', of: Payment, rows = of.members): Decision {
  return {
    kind,
    paymentHash: of.hash,
    setId: setOf(rows),
    at: AT,
    line: line(kind, 'requested'),
    preimage: of.preimage,
    amountMsat: 1_000n * BigInt(rows.length),
    members: rows,
  };
}

export function release(of: Payment, rows = of.members): Decision {
  return {
    kind: 'release',
    paymentHash: of.hash,
    setId: setOf(rows),
    at: AT + 1,
    line: line('release', 'released'),
  };
}

export function abort(of: Payment, rows = of.members): Decision {
  return {
    kind: 'abort',
    paymentHash: of.hash,
    setId: setOf(rows),
    at: AT + 2,
    line: line('abort', 'aborted'),
    cause: 'deadline_reached',
    parts: rows.map((row) => failRow(row)),
  };
}

export function fail(of: Payment, rows = of.members, byte = 7): Decision {
  return {
    kind: 'fail',
    paymentHash: of.hash,
    setId: setOf(rows),
    at: AT + 3,
    line: line('fail', 'failed'),
    parts: rows.map((row) => failRow(row, byte)),
  };
}

export function final(of: Payment, part: number, settled: boolean): FinalRecord {
  return { key: of.members[part]!.key, paymentHash: of.hash, settled, offChain: true, at: AT + 10 + part };
}
