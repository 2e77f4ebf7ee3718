import type {
  Decision,
  DecisionOutcome,
  FinalRecord,
  JournalLine,
  MemberRow,
  RecordedFinal,
  Recovery,
  StoredEvent,
  StoredFail,
  StoredInvoice,
  StoredMember,
} from '../../src/actors/ports/decisionStore.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';

interface Row {
  invoice: StoredInvoice;
  releaseEpoch: bigint | undefined;
  aborted: boolean;
}

const committed: DecisionOutcome = { outcome: 'committed' };
const refused = (because: string): DecisionOutcome => ({ outcome: 'refused', because });

/** The rows, with the rules of the SQL statements (src/adapters/postgres), one decision at a time. */
export class FakeTables {
  readonly rows = new Map<PaymentHash, Row>();
  readonly fails = new Map<PartId, StoredFail>();
  readonly events: StoredEvent[] = [];
  height = 0;

  get sequence(): bigint {
    return BigInt(this.events.length);
  }

  decide(epoch: bigint, decision: Decision): DecisionOutcome {
    const outcome = this.#decide(epoch, decision);
    if (outcome.fresh) this.#event(epoch, { ...decision.line, ...decision });
    return outcome.result;
  }

  #decide(epoch: bigint, decision: Decision): { result: DecisionOutcome; fresh: boolean } {
    const row = this.rows.get(decision.paymentHash);
    switch (decision.kind) {
      case 'request':
      case 'requestAndRelease':
        return this.#request(epoch, decision, row);
      case 'release': {
        if (row?.invoice.status !== 'SETTLE_REQUESTED' || row.invoice.setId !== decision.setId) {
          return { result: refused('no such set is requested'), fresh: false };
        }
        const fresh = !row.invoice.released;
        row.invoice = { ...row.invoice, released: true };
        row.releaseEpoch ??= epoch;
        return { result: committed, fresh };
      }
      case 'abort':
        return this.#abort(epoch, decision, row);
      case 'fail':
        return this.#fail(decision);
    }
  }

  #request(
    epoch: bigint,
    decision: Extract<Decision, { kind: 'request' | 'requestAndRelease' }>,
    row: Row | undefined,
  ) {
    const { paymentHash, setId, preimage, amountMsat, members, kind, at } = decision;
    if (members.some((m) => this.fails.has(partIdOf(m.key)))) {
      return { result: refused('a part is already failed'), fresh: false };
    }
    const released = kind === 'requestAndRelease';
    if (row) {
      const same = row.invoice.setId === setId && row.invoice.status === 'SETTLE_REQUESTED';
      const result =
        same && (!released || row.invoice.released) ? committed : refused('another set is recorded');
      return { result, fresh: false };
    }
    const invoice: StoredInvoice = {
      paymentHash,
      preimage: Uint8Array.from(preimage),
      setId,
      amountMsat,
      status: 'SETTLE_REQUESTED',
      released,
      cause: undefined,
      settledMsat: undefined,
      sequenceNumber: BigInt(this.rows.size + 1),
      settleRequestedAt: at,
      finalizedAt: undefined,
      members: members.map(memberOf),
    };
    this.rows.set(paymentHash, { invoice, releaseEpoch: released ? epoch : undefined, aborted: false });
    return { result: committed, fresh: true };
  }

  #abort(epoch: bigint, decision: Extract<Decision, { kind: 'abort' }>, row: Row | undefined) {
    const { invoice } = row ?? {};
    const may =
      row &&
      invoice &&
      invoice.setId === decision.setId &&
      !invoice.members.some((m) => m.status === 'SETTLED') &&
      ((invoice.status === 'SETTLE_REQUESTED' && (!invoice.released || row.releaseEpoch === epoch)) ||
        (invoice.status === 'FAILED' && row.aborted));
    if (!may) return { result: refused('the set was released by another leader'), fresh: false };
    if (row.aborted) return { result: committed, fresh: false };
    row.aborted = true;
    const open = new Set(
      invoice.members.filter((m) => m.status === 'SETTLE_REQUESTED').map((m) => partIdOf(m.key)),
    );
    row.invoice = {
      ...invoice,
      status: 'FAILED',
      cause: decision.cause,
      settledMsat: 0n,
      finalizedAt: decision.at,
      members: [],
    };
    for (const part of decision.parts) {
      if (open.has(partIdOf(part.key))) {
        this.fails.set(partIdOf(part.key), {
          ...part,
          paymentHash: decision.paymentHash,
          setId: decision.setId,
        });
      }
    }
    return { result: committed, fresh: true };
  }

  #fail(decision: Extract<Decision, { kind: 'fail' }>) {
    const { paymentHash, setId } = decision;
    for (const part of decision.parts) {
      const id = partIdOf(part.key);
      for (const { invoice } of this.rows.values()) {
        if (invoice.members.some((m) => partIdOf(m.key) === id)) {
          return { result: refused('a part belongs to a set that is requested'), fresh: false };
        }
      }
      const found = this.fails.get(id);
      if (found && found.paymentHash !== paymentHash) {
        return { result: refused('a part is already failed for another payment hash'), fresh: false };
      }
    }
    let fresh = false;
    for (const part of decision.parts) {
      const id = partIdOf(part.key);
      if (this.fails.has(id)) continue;
      fresh = true;
      this.fails.set(id, { ...part, paymentHash, setId });
    }
    return { result: committed, fresh };
  }

  finalise(epoch: bigint, final: FinalRecord): RecordedFinal {
    const id = partIdOf(final.key);
    const fail = this.fails.get(id);
    if (fail) {
      this.fails.delete(id);
      this.#event(epoch, { ...final, setId: fail.setId, machine: 'htlcSet', ...finalLine('failing', final) });
      return { outcome: 'noted' };
    }
    const row = this.rows.get(final.paymentHash);
    const member = row?.invoice.members.find((m) => partIdOf(m.key) === id);
    if (!row || member?.status !== 'SETTLE_REQUESTED') return { outcome: 'noted' };
    const status = final.settled ? ('SETTLED' as const) : ('FAILED' as const);
    const members = row.invoice.members.map((m) => (m === member ? { ...m, status } : m));
    row.invoice = { ...row.invoice, members };
    const line = { ...final, ...finalLine('released', final), setId: row.invoice.setId };
    if (members.some((m) => m.status === 'SETTLE_REQUESTED')) {
      this.#event(epoch, { ...line, machine: 'htlcSet' });
      return { outcome: 'pending' };
    }
    const settledMsat = members.reduce((sum, m) => sum + (m.status === 'SETTLED' ? m.amountMsat : 0n), 0n);
    const all = members.every((m) => m.status === 'SETTLED');
    const cause = settledMsat > 0n ? 'partially_settled' : 'parts_failed';
    row.invoice = {
      ...row.invoice,
      status: all ? 'SETTLED' : 'FAILED',
      cause: all ? undefined : cause,
      settledMsat,
      finalizedAt: final.at,
    };
    const end = all ? ('settled' as const) : ('failed' as const);
    const details = { settledMsat: String(settledMsat), ...(all ? {} : { cause }) };
    this.#event(epoch, { ...line, machine: 'invoice', from: 'settleRequested', to: end, details });
    return { outcome: 'invoiceFinal', status: end, settledMsat };
  }

  journal(epoch: bigint, lines: readonly JournalLine[], height: number): void {
    for (const line of lines) this.#event(epoch, line);
    this.height = Math.max(this.height, height);
  }

  recover(): Recovery {
    const invoices = [...this.rows.values()].map((row) => row.invoice);
    return {
      invoices: invoices.filter((invoice) => invoice.status === 'SETTLE_REQUESTED'),
      fails: [...this.fails.values()],
      height: this.height,
    };
  }

  byHash(hashes: readonly PaymentHash[]): readonly StoredInvoice[] {
    return hashes.flatMap((hash) => this.rows.get(hash)?.invoice ?? []);
  }

  list(from: bigint, max: number): readonly StoredInvoice[] {
    const invoices = [...this.rows.values()].map((row) => row.invoice);
    return invoices.filter((invoice) => invoice.sequenceNumber >= from).slice(0, max);
  }

  #event(epoch: bigint, line: JournalLine): void {
    const { machine, from, event, to, details, paymentHash, setId, at } = line;
    const stored = { machine, from, event, to, paymentHash, setId, at, ...(details ? { details } : {}) };
    this.events.push({ ...stored, sequence: this.sequence + 1n, epoch });
  }
}

const memberOf = (member: MemberRow): StoredMember => ({
  key: member.key,
  amountMsat: member.amountMsat,
  autoFailHeight: member.autoFailHeight,
  feeMsat: member.feeMsat,
  cltvExpiry: member.cltvExpiry,
  status: 'SETTLE_REQUESTED',
});

const finalLine = (from: string, final: FinalRecord) => ({
  from,
  event: final.settled ? 'htlc.settled' : 'htlc.failed',
  to: from,
  details: { part: partIdOf(final.key) },
});
