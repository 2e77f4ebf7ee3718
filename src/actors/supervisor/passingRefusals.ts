import type { NodeId } from '../../domain/hash.ts';
import type { PartId } from '../../domain/htlcKey.ts';
import type { HeldHtlcs } from './heldHtlcs.ts';
import type { HoldLimits } from './options.ts';

/** As many as may be held, unless configured; 15 MB. */
const MOST = 100_000;

/**
 * HTLCs that were refused for a reason that passes: a limit, or no onion worker. Storing these refusals would cost what
 * the limits are to save, but they have to stand: while a channel flaps, lnd may offer an HTLC again whose failure it
 * still has to deliver. As a member of a set its failure would overtake the settlement of the others.
 */
export class PassingRefusals {
  readonly #limits: HoldLimits;
  readonly #held: HeldHtlcs;
  /** Why, in the order of refusal. An end that nobody heard of leaves an entry behind, so the oldest make room. */
  readonly #refused = new Map<PartId, string>();

  constructor(limits: HoldLimits, held: HeldHtlcs) {
    this.#limits = limits;
    this.#held = held;
  }

  /** Why this HTLC can't be held, or could not when it came before. */
  problemOf(nodeId: NodeId, id: PartId, admitting: number): string | undefined {
    const problem = this.#refused.get(id) ?? this.#limitReached(nodeId, admitting);
    if (problem) this.remember(id, problem);
    return problem;
  }

  remember(id: PartId, problem: string): void {
    this.#refused.set(id, problem);
    if (this.#refused.size <= MOST) return;
    for (const oldest of this.#refused.keys()) {
      this.#refused.delete(oldest);
      return;
    }
  }

  /** lnd has said its last word: it is not offered any more. */
  ended(id: PartId): void {
    this.#refused.delete(id);
  }

  #limitReached(nodeId: NodeId, admitting: number): string | undefined {
    const { maxHeldHtlcs, maxHeldHtlcsPerNode } = this.#limits;
    if (this.#held.size + admitting >= maxHeldHtlcs) return 'too_many_htlcs';
    if (this.#held.countOf(nodeId) >= maxHeldHtlcsPerNode) return 'too_many_htlcs_of_node';
    return undefined;
  }
}
