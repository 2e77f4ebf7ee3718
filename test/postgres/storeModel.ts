import type { Decision, FinalRecord, RecordedFinal } from '../../src/actors/ports/decisionStore.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';

type Status = 'SETTLE_REQUESTED' | 'SETTLED' | 'FAILED';

export interface ModelInvoice {
  readonly setId: SetId;
  status: Status;
  released: boolean;
  releaseEpoch: bigint | undefined;
  aborted: boolean;
  settledMsat: bigint | undefined;
  readonly members: Map<PartId, { readonly amountMsat: bigint; status: Status }>;
}

/** What the store promises, without batches, concurrency or SQL. */
export class StoreModel {
  readonly invoices = new Map<PaymentHash, ModelInvoice>();
  readonly fails = new Map<PartId, { readonly hash: PaymentHash; readonly byte: number }>();
  epoch: bigint;
  /** Events appended so far. */
  events = 0n;

  constructor(epoch: bigint) {
    this.epoch = epoch;
  }

  decide(decision: Decision): 'committed' | 'refused' {
    const { fresh, ok } = this.#decide(decision);
    if (fresh) this.events++;
    return ok ? 'committed' : 'refused';
  }

  finalise(finals: readonly FinalRecord[]): RecordedFinal[] {
    const memberOf = (final: FinalRecord) =>
      this.invoices.get(final.paymentHash)?.members.get(partIdOf(final.key));
    for (const final of finals) {
      const id = partIdOf(final.key);
      const member = memberOf(final);
      if (member?.status === 'SETTLE_REQUESTED') {
        member.status = final.settled ? 'SETTLED' : 'FAILED';
        this.events++;
      }
      if (this.fails.delete(id)) this.events++;
    }
    return finals.map((final, index) => {
      const invoice = this.invoices.get(final.paymentHash);
      if (!invoice || !memberOf(final)) return { outcome: 'noted' };
      const members = [...invoice.members.values()];
      const later = finals
        .slice(index + 1)
        .some((other) => other.paymentHash === final.paymentHash && memberOf(other));
      if (later || members.some((member) => member.status === 'SETTLE_REQUESTED'))
        return { outcome: 'pending' };
      const settled = members.filter((member) => member.status === 'SETTLED');
      const settledMsat = settled.reduce((sum, member) => sum + member.amountMsat, 0n);
      const all = settled.length === members.length;
      invoice.status = all ? 'SETTLED' : 'FAILED';
      invoice.settledMsat = settledMsat;
      return { outcome: 'invoiceFinal', status: all ? 'settled' : 'failed', settledMsat };
    });
  }

  #decide(decision: Decision): { readonly ok: boolean; readonly fresh: boolean } {
    const refused = { ok: false, fresh: false };
    const invoice = this.invoices.get(decision.paymentHash);
    const same = invoice?.setId === decision.setId ? invoice : undefined;
    const open = same?.status === 'SETTLE_REQUESTED' ? same : undefined;
    switch (decision.kind) {
      case 'request':
      case 'requestAndRelease': {
        const released = decision.kind === 'requestAndRelease';
        if (decision.members.some((member) => this.fails.has(partIdOf(member.key)))) return refused;
        if (invoice) return { ok: open !== undefined && (!released || open.released), fresh: false };
        const releaseEpoch = released ? this.epoch : undefined;
        const members = decision.members.map(
          ({ key, amountMsat }) =>
            [partIdOf(key), { amountMsat, status: 'SETTLE_REQUESTED' as Status }] as const,
        );
        this.invoices.set(decision.paymentHash, {
          setId: decision.setId,
          status: 'SETTLE_REQUESTED',
          released,
          releaseEpoch,
          aborted: false,
          settledMsat: undefined,
          members: new Map(members),
        });
        return { ok: true, fresh: true };
      }
      case 'release': {
        if (!open) return refused;
        const fresh = !open.released;
        open.released = true;
        open.releaseEpoch ??= this.epoch;
        return { ok: true, fresh };
      }
      case 'abort':
        return this.#abort(decision, same);
      case 'fail':
        return this.#fail(decision);
    }
  }

  #abort(decision: Extract<Decision, { kind: 'abort' }>, same: ModelInvoice | undefined) {
    if (same?.aborted) return { ok: true, fresh: false };
    const settled = [...(same?.members.values() ?? [])].some((member) => member.status === 'SETTLED');
    const mayAbort =
      same?.status === 'SETTLE_REQUESTED' && (!same.released || same.releaseEpoch === this.epoch);
    if (!same || !mayAbort || settled) return { ok: false, fresh: false };
    for (const { key, failureOnion } of decision.parts) {
      if (same.members.get(partIdOf(key))?.status !== 'SETTLE_REQUESTED') continue;
      this.fails.set(partIdOf(key), { hash: decision.paymentHash, byte: failureOnion[0]! });
    }
    same.members.clear();
    same.status = 'FAILED';
    same.aborted = true;
    same.settledMsat = 0n;
    return { ok: true, fresh: true };
  }

  #fail(decision: Extract<Decision, { kind: 'fail' }>) {
    const member = (id: PartId) => [...this.invoices.values()].some((invoice) => invoice.members.has(id));
    const ids = decision.parts.map((part) => partIdOf(part.key));
    if (ids.some(member)) return { ok: false, fresh: false };
    let fresh = false;
    for (const [index, id] of ids.entries()) {
      if (this.fails.has(id)) continue;
      this.fails.set(id, { hash: decision.paymentHash, byte: decision.parts[index]!.failureOnion[0]! });
      fresh = true;
    }
    return { ok: true, fresh };
  }
}
