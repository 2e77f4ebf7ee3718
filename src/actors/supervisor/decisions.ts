import type { FailResult } from '../../domain/failResult.ts';
import { failureCodeOf } from '../../domain/failResult.ts';
import type { PaymentHash } from '../../domain/hash.ts';
import type { Part } from '../../domain/part.ts';
import { incorrectOrUnknownPaymentDetails, mppTimeout } from '../../lightning/failureMessage.ts';
import { encodeFailure } from '../../lightning/failureOnion.ts';
import type { HtlcSetEffect } from '../../machines/htlcSet/events.ts';
import type { Decision, EventLine, FailRow, PartRow } from '../ports/decisionStore.ts';

export type CommitEffect = Extract<HtlcSetEffect, { type: 'settlement.commit' }>;

/** Where the decider finds what the statecharts must not or need not know. */
export interface DecisionFacts {
  readonly amountMsat: bigint;
  preimage(): Uint8Array;
  /** Undefined for a part that came back from the database and was not offered since. */
  sharedSecret(part: Part): Uint8Array | undefined;
  /** What its node keeps of it, where that is known. */
  feeMsat(part: Part): bigint | undefined;
}

const NO_ONION = new Uint8Array(0);

/**
 * The exact bytes with which a part is failed. Empty where its onion was never seen by this process: then its node
 * fails it in its own name.
 */
export function failureOnionOf(
  part: Part,
  reason: FailResult,
  sharedSecret: Uint8Array | undefined,
): Uint8Array {
  if (!sharedSecret) return NO_ONION;
  const message =
    failureCodeOf(reason) === 'mpp_timeout'
      ? mppTimeout()
      : incorrectOrUnknownPaymentDetails(part.amountMsat, part.heightAtReceipt);
  return encodeFailure(sharedSecret, message);
}

const rowOf = (part: Part): PartRow => ({
  key: part.key,
  amountMsat: part.amountMsat,
  autoFailHeight: part.autoFailHeight,
  cltvExpiry: part.cltvExpiry,
});

const EVENT_LINES: Record<CommitEffect['decision'], Omit<EventLine, 'details'>> = {
  request: { machine: 'htlcSet', from: 'requesting', event: 'settle.requested', to: 'requested' },
  requestAndRelease: { machine: 'htlcSet', from: 'releasing', event: 'settle.requested', to: 'released' },
  release: { machine: 'htlcSet', from: 'requested', event: 'barrier.held', to: 'released' },
  abort: { machine: 'htlcSet', from: 'requested', event: 'set.aborted', to: 'failed' },
  fail: { machine: 'htlcSet', from: 'failing', event: 'set.failed', to: 'failed' },
};

/** The durable form of a commit effect. */
export function decisionOf(
  effect: CommitEffect,
  paymentHash: PaymentHash,
  at: number,
  facts: DecisionFacts,
): Decision {
  const base = { paymentHash, setId: effect.setId, at };
  const line = EVENT_LINES[effect.decision];
  const details = { parts: effect.parts.length };
  switch (effect.decision) {
    case 'request':
    case 'requestAndRelease':
      return {
        ...base,
        kind: effect.decision,
        line: { ...line, details },
        preimage: facts.preimage(),
        amountMsat: facts.amountMsat,
        members: effect.parts.map((part) => ({ ...rowOf(part), feeMsat: facts.feeMsat(part) })),
      };
    case 'release':
      return { ...base, kind: 'release', line: { ...line, details } };
    case 'abort':
    case 'fail': {
      const { reason } = effect;
      const parts = effect.parts.map(
        (part): FailRow => ({
          ...rowOf(part),
          reason,
          failureOnion: failureOnionOf(part, reason, facts.sharedSecret(part)),
        }),
      );
      const failLine = { ...line, details: { ...details, reason } };
      return effect.decision === 'abort'
        ? { ...base, kind: 'abort', line: failLine, parts, cause: reason }
        : { ...base, kind: 'fail', line: failLine, parts };
    }
  }
}
