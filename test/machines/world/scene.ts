import type { NodeId, PaymentHash, SetId } from '../../../src/domain/hash.ts';
import { partIdOf } from '../../../src/domain/htlcKey.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { InvoiceTerms } from '../../../src/domain/terms.ts';
import type { LifecycleRules } from '../../../src/machines/rules.ts';

export const HASH = 'ab'.repeat(32) as PaymentHash;
export const WRONG_SET = '00'.repeat(32) as SetId;
export const AMOUNT = 100_000n;
export const START_HEIGHT = 800_000;
/** Between the cltv expiry and the height at which lnd gives the HTLC back. */
const AUTO_FAIL_DELTA = 3;

export function rulesOf(exactAmount: boolean): LifecycleRules {
  return {
    exactAmount,
    cltvRejectDelta: 12,
    deadlineMargin: 6,
    maxCltvDelta: 2016,
    maxPartsPerSet: 4,
    holdMs: 60_000,
    acceptMs: 90_000,
    commitRetryMs: 1_000,
  };
}

export function termsAt(nowMs: number): InvoiceTerms {
  return { amountMsat: AMOUNT, expiresAt: Math.floor(nowMs / 1000) + 600 };
}

export const NODES: readonly NodeId[] = ['02', '03'].map(
  (prefix, i) => (prefix + String(i).repeat(64)) as NodeId,
);

export interface PartChoice {
  readonly amountMsat: bigint;
  readonly totalMsat: bigint;
  readonly cltvDelta: number;
}

/** The `index`th HTLC of a run; keys never repeat. */
export function makePart(index: number, height: number, choice: PartChoice): Part {
  const key = { nodeId: NODES[index % 2]!, chanId: 7n, htlcId: BigInt(index) };
  const cltvExpiry = height + choice.cltvDelta;
  return {
    id: partIdOf(key),
    key,
    amountMsat: choice.amountMsat,
    totalMsat: choice.totalMsat,
    cltvExpiry,
    autoFailHeight: cltvExpiry - AUTO_FAIL_DELTA,
    heightAtReceipt: height,
  };
}
