import type { StoredFail, StoredInvoice } from '../../../src/actors/ports/decisionStore.ts';
import { AMOUNT, bitsOf, HASH, PREIMAGE, type Scene } from '../scene.ts';
import { ROW, rowFailed, rowMembers, rowSettled, rowStatus } from './ops.ts';

/** A row of the model as src/adapters/postgres/reads.ts would give it: aborted invoices have no members left. */
export function storedInvoice(scene: Scene, row: number): StoredInvoice | undefined {
  const status = rowStatus(row);
  if (status === ROW.none) return undefined;
  const members = rowMembers(row);
  const isOpen = status === ROW.requested || status === ROW.released;
  return {
    paymentHash: HASH,
    preimage: PREIMAGE,
    setId: scene.setIdOf(members),
    amountMsat: AMOUNT,
    status: isOpen ? 'SETTLE_REQUESTED' : status === ROW.settled ? 'SETTLED' : 'FAILED',
    released: status !== ROW.requested,
    cause: undefined,
    settledMsat: undefined,
    sequenceNumber: 1n,
    settleRequestedAt: 0,
    finalizedAt: undefined,
    members: (status === ROW.aborted ? [] : bitsOf(members)).map((k) => ({
      key: scene.parts[k]!.key,
      amountMsat: 1n,
      autoFailHeight: scene.autoFail[k]!,
      cltvExpiry: undefined,
      feeMsat: 0n,
      status:
        (rowSettled(row) >> k) & 1 ? 'SETTLED' : (rowFailed(row) >> k) & 1 ? 'FAILED' : 'SETTLE_REQUESTED',
    })),
  };
}

export function storedFails(scene: Scene, mask: number): StoredFail[] {
  return bitsOf(mask).map((k) => ({
    key: scene.parts[k]!.key,
    paymentHash: HASH,
    setId: scene.setIdOf(1 << k),
    reason: 'canceled',
    failureOnion: new Uint8Array(0),
    autoFailHeight: scene.autoFail[k]!,
  }));
}
