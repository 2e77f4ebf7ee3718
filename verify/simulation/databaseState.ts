import { hash } from 'node:crypto';
import type {
  Decision,
  DecisionOutcome,
  FailRow,
  FinalRecord,
  RecordedFinal,
  Recovery,
  StoredFail,
  StoredInvoice,
  StoredMember,
} from '../../src/actors/ports/decisionStore.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { compareHtlcKeys, type HtlcKey, type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import { setIdOf } from '../../src/domain/setId.ts';

type Status = 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';

export interface MemberState {
  readonly key: HtlcKey;
  readonly amountMsat: bigint;
  readonly autoFailHeight: number;
  readonly feeMsat: bigint | undefined;
  status: Status;
}

export interface InvoiceState {
  readonly hash: PaymentHash;
  readonly setId: SetId;
  readonly preimage: Uint8Array;
  readonly amountMsat: bigint;
  readonly sequence: bigint;
  readonly requestedAt: number;
  readonly members: Map<PartId, MemberState>;
  status: Status;
  releaseEpoch: bigint | undefined;
  abortEpoch: bigint | undefined;
  cause: string | undefined;
  settledMsat: bigint | undefined;
  finalizedAt: number | undefined;
}

/** Hears of every change at the moment of its commit. */
export interface DatabaseObserver {
  requested(invoice: InvoiceState, epoch: bigint): void;
  released(invoice: InvoiceState, epoch: bigint): void;
  aborted(invoice: InvoiceState, epoch: bigint, members: readonly MemberState[]): void;
  failed(hash: PaymentHash, part: FailRow, epoch: bigint): void;
  closed(invoice: InvoiceState): void;
}

const COMMITTED: DecisionOutcome = { outcome: 'committed' };
const refused = (because: string): DecisionOutcome => ({ outcome: 'refused', because });

/**
 * The tables and what the statements of src/adapters/postgres do to them, without SQL, batches or connections. The
 * fence, atomicity and open outcomes are the server's (databaseServer.ts).
 */
export class DatabaseState {
  readonly invoices = new Map<PaymentHash, InvoiceState>();
  readonly fails = new Map<PartId, StoredFail>();
  readonly leader = { epoch: 0n, owner: '', expiresAt: Number.NEGATIVE_INFINITY };
  height = 0;
  /** Last number of the events table; numbers are given inside the statement, so there are no gaps. */
  sequence = 0n;
  readonly #observer: DatabaseObserver;

  constructor(observer: DatabaseObserver) {
    this.#observer = observer;
  }

  decide(epoch: bigint, decision: Decision): DecisionOutcome {
    switch (decision.kind) {
      case 'request':
      case 'requestAndRelease':
        return malformed(decision) ?? this.#request(epoch, decision);
      case 'release':
        return this.#release(epoch, decision);
      case 'abort':
        return this.#abort(epoch, decision);
      case 'fail':
        return this.#fail(epoch, decision);
    }
  }

  #request(
    epoch: bigint,
    decision: Extract<Decision, { kind: 'request' | 'requestAndRelease' }>,
  ): DecisionOutcome {
    const { paymentHash, setId } = decision;
    const release = decision.kind === 'requestAndRelease';
    if (decision.members.some((m) => this.fails.has(partIdOf(m.key))))
      return refused('a part is already failed');
    const row = this.invoices.get(paymentHash);
    if (row) {
      if (row.setId !== setId) return refused('another set of this payment hash is recorded');
      if (row.abortEpoch !== undefined) return refused('the set is aborted');
      if (row.status !== 'SETTLE_REQUESTED') return refused(`the invoice is final: ${row.status}`);
      if (release && row.releaseEpoch === undefined) return refused('the set is requested, but not released');
      return COMMITTED;
    }
    const members = decision.members.map((member): [PartId, MemberState] => [
      partIdOf(member.key),
      {
        key: member.key,
        amountMsat: member.amountMsat,
        autoFailHeight: member.autoFailHeight,
        feeMsat: member.feeMsat,
        status: 'SETTLE_REQUESTED',
      },
    ]);
    const invoice: InvoiceState = {
      hash: paymentHash,
      setId,
      preimage: decision.preimage.slice(),
      amountMsat: decision.amountMsat,
      sequence: BigInt(this.invoices.size + 1),
      requestedAt: decision.at,
      members: new Map(members),
      status: 'SETTLE_REQUESTED',
      releaseEpoch: release ? epoch : undefined,
      abortEpoch: undefined,
      cause: undefined,
      settledMsat: undefined,
      finalizedAt: undefined,
    };
    this.invoices.set(paymentHash, invoice);
    this.sequence += 1n;
    this.#observer.requested(invoice, epoch);
    if (release) this.#observer.released(invoice, epoch);
    return COMMITTED;
  }

  #release(epoch: bigint, decision: Extract<Decision, { kind: 'release' }>): DecisionOutcome {
    const row = this.invoices.get(decision.paymentHash);
    if (!row) return refused('no such set is requested');
    if (row.setId !== decision.setId) return refused('another set of this payment hash is recorded');
    if (row.status !== 'SETTLE_REQUESTED') return refused(`the invoice is final: ${row.status}`);
    if (row.releaseEpoch === undefined) {
      row.releaseEpoch = epoch;
      this.sequence += 1n;
      this.#observer.released(row, epoch);
    }
    return COMMITTED;
  }

  #abort(epoch: bigint, decision: Extract<Decision, { kind: 'abort' }>): DecisionOutcome {
    const row = this.invoices.get(decision.paymentHash);
    if (!row || row.setId !== decision.setId) return refused('another set of this payment hash is recorded');
    if (row.abortEpoch !== undefined && row.status === 'FAILED') return COMMITTED;
    const members = [...row.members.values()];
    const free = row.releaseEpoch === undefined || row.releaseEpoch === epoch;
    if (row.status !== 'SETTLE_REQUESTED' || !free || members.some((m) => m.status === 'SETTLED')) {
      return refused('the set was released by another leader, or a part is settled');
    }
    row.status = 'FAILED';
    row.abortEpoch = epoch;
    row.cause = decision.cause;
    row.settledMsat = 0n;
    row.finalizedAt = decision.at;
    row.members.clear();
    this.sequence += 1n;
    this.#observer.aborted(row, epoch, members);
    for (const part of decision.parts) this.#addFail(epoch, decision, part);
    return COMMITTED;
  }

  #fail(epoch: bigint, decision: Extract<Decision, { kind: 'fail' }>): DecisionOutcome {
    if (decision.parts.length === 0) return refused('no parts');
    for (const part of decision.parts) {
      const id = partIdOf(part.key);
      for (const invoice of this.invoices.values()) {
        if (invoice.members.has(id)) return refused('a part belongs to a set that is requested');
      }
      const other = this.fails.get(id);
      if (other && other.paymentHash !== decision.paymentHash) {
        return refused('a part is already failed for another payment hash');
      }
    }
    for (const part of decision.parts) this.#addFail(epoch, decision, part);
    this.sequence += 1n;
    return COMMITTED;
  }

  #addFail(epoch: bigint, decision: Decision, part: FailRow): void {
    const id = partIdOf(part.key);
    if (this.fails.has(id)) return;
    this.fails.set(id, {
      key: part.key,
      paymentHash: decision.paymentHash,
      setId: decision.setId,
      reason: part.reason,
      failureOnion: part.failureOnion.slice(),
      autoFailHeight: part.autoFailHeight,
    });
    this.#observer.failed(decision.paymentHash, part, epoch);
  }

  finalise(finals: readonly FinalRecord[]): RecordedFinal[] {
    for (const final of finals) {
      const member = this.#memberOf(final);
      if (member?.status === 'SETTLE_REQUESTED') {
        member.status = final.settled ? 'SETTLED' : 'FAILED';
        this.sequence += 1n;
      }
      if (this.fails.delete(partIdOf(final.key))) this.sequence += 1n;
    }
    return finals.map((final, index) => this.#recorded(final, finals.slice(index + 1)));
  }

  #memberOf(final: FinalRecord): MemberState | undefined {
    return this.invoices.get(final.paymentHash)?.members.get(partIdOf(final.key));
  }

  #recorded(final: FinalRecord, later: readonly FinalRecord[]): RecordedFinal {
    const invoice = this.invoices.get(final.paymentHash);
    if (!invoice || !this.#memberOf(final)) return { outcome: 'noted' };
    const members = [...invoice.members.values()];
    const another = later.some((l) => l.paymentHash === final.paymentHash && this.#memberOf(l));
    if (another || members.some((m) => m.status === 'SETTLE_REQUESTED')) return { outcome: 'pending' };
    const settled = members.filter((m) => m.status === 'SETTLED');
    const settledMsat = settled.reduce((sum, m) => sum + m.amountMsat, 0n);
    const all = settled.length === members.length;
    if (invoice.status === 'SETTLE_REQUESTED') {
      invoice.status = all ? 'SETTLED' : 'FAILED';
      invoice.settledMsat = settledMsat;
      invoice.finalizedAt = final.at;
      if (!all) invoice.cause = settledMsat > 0n ? 'partially_settled' : 'parts_failed';
      this.#observer.closed(invoice);
    }
    return { outcome: 'invoiceFinal', status: all ? 'settled' : 'failed', settledMsat };
  }

  recovery(): Recovery {
    return {
      invoices: [...this.invoices.values()].filter((i) => i.status === 'SETTLE_REQUESTED').map(stored),
      fails: [...this.fails.values()],
      height: this.height,
    };
  }

  byHash(hashes: readonly PaymentHash[]): StoredInvoice[] {
    return hashes.flatMap((h) => {
      const row = this.invoices.get(h);
      return row ? [stored(row)] : [];
    });
  }
}

function stored(row: InvoiceState): StoredInvoice {
  const members = [...row.members.values()].map(
    (member): StoredMember => ({ ...member, cltvExpiry: undefined }),
  );
  return {
    paymentHash: row.hash,
    preimage: row.preimage.slice(),
    setId: row.setId,
    amountMsat: row.amountMsat,
    status: row.status,
    released: row.releaseEpoch !== undefined,
    cause: row.cause,
    settledMsat: row.settledMsat,
    sequenceNumber: row.sequence,
    settleRequestedAt: row.requestedAt,
    finalizedAt: row.finalizedAt,
    members: members.sort((a, b) => compareHtlcKeys(a.key, b.key)),
  };
}

/** What decide.ts refuses before it asks the server. */
function malformed(
  decision: Extract<Decision, { kind: 'request' | 'requestAndRelease' }>,
): DecisionOutcome | undefined {
  const { members, preimage, amountMsat } = decision;
  if (members.length === 0) return refused('no members');
  if (hash('sha256', preimage, 'hex') !== decision.paymentHash) return refused('wrong preimage');
  if (setIdOf(members.map((m) => m.key)) !== decision.setId) return refused('wrong set id');
  const sum = members.reduce((total, m) => total + m.amountMsat, 0n);
  return sum < amountMsat ? refused('the members do not add up to the amount') : undefined;
}
