import type { NodeId, PaymentHash } from '../../domain/hash.ts';
import { type HtlcKey, type PartId, partIdOf } from '../../domain/htlcKey.ts';
import type { FinalHtlc } from '../ports/nodeLink.ts';
import type { FinalizeResult, UnresolvedPart } from '../ports/unresolved.ts';
import type { DormantDecisions } from './dormant.ts';
import type { EffectWorld } from './effects.ts';

/** How often it is looked whether what an operator said is recorded. */
const LOOK_MS = 50;

type Unresolved = Omit<UnresolvedPart, 'nodeName' | 'configured'>;

/**
 * HTLCs with a durable decision whose end is not recorded. Their nodes report it, unless a node is gone for good:
 * then an operator says how they ended, and his word goes the way of a node's.
 */
export class UnresolvedHtlcs {
  readonly #world: EffectWorld;
  readonly #dormant: DormantDecisions;
  readonly #finalised: (final: FinalHtlc) => void;

  constructor(world: EffectWorld, dormant: DormantDecisions, finalised: (final: FinalHtlc) => void) {
    this.#world = world;
    this.#dormant = dormant;
    this.#finalised = finalised;
  }

  *all(): Iterable<Unresolved> {
    for (const nodeId of this.#world.held.unresolvedNodes()) {
      for (const { chanId, htlcId } of this.#world.held.unresolved(nodeId)) {
        const found = this.#find({ nodeId, chanId, htlcId });
        if (found) yield found;
      }
    }
  }

  /** A line for every node that has such HTLCs and is not configured: nobody will report their end. */
  warnOfNodesOtherThan(configured: ReadonlySet<NodeId>): void {
    const { held, log } = this.#world;
    for (const node of held.unresolvedNodes()) {
      const parts = [...held.unresolved(node)].length;
      if (parts === 0 || configured.has(node)) continue;
      log.warn(
        { node, parts },
        'Decided HTLCs of a node that is not configured wait for their end: configure it again, ' +
          'or say how they ended (lnmuxcli listunresolved, lnmuxcli finalizepart)',
      );
    }
  }

  /** Takes an operator's word; resolves when it is recorded, or after the time that calls have. */
  async finalize(key: HtlcKey, settled: boolean): Promise<FinalizeResult> {
    const { clock, log, journal, options } = this.#world;
    const id = partIdOf(key);
    const part = this.#find(key);
    if (!part || !this.#isOpen(key, id)) return { result: 'not_found' };
    if (settled && part.decision !== 'settle') {
      const reason = `no preimage of this payment has left lnmux, so this HTLC can't have been settled: it can only have failed`;
      return { result: 'refused', reason };
    }
    const { paymentHash } = part;
    log.warn({ hash: paymentHash, htlc: id, settled }, "Htlc is final by an operator's word");
    this.#journal(journal, paymentHash, id, settled);
    this.#finalised({ key, settled, offChain: true });
    for (let waited = 0; waited < options.callTimeoutMs; waited += LOOK_MS) {
      if (!this.#isOpen(key, id)) return { result: 'recorded' };
      await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
    }
    return { result: 'unavailable', reason: 'taken, and not written yet: see lnmuxcli listunresolved' };
  }

  #isOpen(key: HtlcKey, id: PartId): boolean {
    return this.#world.held.isUnresolved(key.nodeId, id);
  }

  #journal(journal: EffectWorld['journal'], paymentHash: PaymentHash, id: PartId, settled: boolean): void {
    const to = settled ? 'settled' : 'failed';
    const at = this.#world.clock.now();
    const line = { machine: 'htlcSet', from: 'decided', event: 'operator.finalized', to } as const;
    journal.append({ ...line, paymentHash, setId: undefined, at, details: { htlc: id } });
  }

  #find(key: HtlcKey): Unresolved | undefined {
    const id = partIdOf(key);
    const held = this.#world.held.get(id);
    if (held?.set) {
      const { value } = held.set.actor.getSnapshot();
      const { amountMsat, autoFailHeight } = held.part;
      const decision = value === 'released' ? 'settle' : value === 'failed' ? 'fail' : 'requested';
      const known = Number.isFinite(autoFailHeight) ? autoFailHeight : undefined;
      return { key, paymentHash: held.paymentHash, decision, amountMsat, autoFailHeight: known };
    }
    const row = this.#dormant.byMember(id);
    const member = row?.members.find((each) => partIdOf(each.key) === id);
    if (row && member) {
      const { amountMsat, autoFailHeight } = member;
      const decision = row.released ? 'settle' : 'requested';
      return { key, paymentHash: row.paymentHash, decision, amountMsat, autoFailHeight };
    }
    const fail = this.#dormant.fail(id);
    if (!fail) return undefined;
    const { paymentHash, autoFailHeight } = fail;
    return { key, paymentHash, decision: 'fail', amountMsat: undefined, autoFailHeight };
  }
}
