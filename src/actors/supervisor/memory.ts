import type { NodeId, PaymentHash } from '../../domain/hash.ts';
import type { Msat } from '../../domain/msat.ts';
import type { Part } from '../../domain/part.ts';
import type { StoredInvoice } from '../ports/decisionStore.ts';
import type { NodeLink } from '../ports/nodeLink.ts';
import type { DormantDecisions } from './dormant.ts';
import type { EffectWorld } from './effects.ts';
import type { InvoiceEntry, SetEntry } from './entries.ts';
import type { InvoiceActors } from './invoiceActors.ts';

/** What the supervisor has in memory, to be looked at for reports and never to be changed. */
export class Memory {
  readonly #world: EffectWorld;
  readonly #actors: () => InvoiceActors;
  readonly #dormant: DormantDecisions;

  constructor(
    world: EffectWorld,
    access: { readonly actors: () => InvoiceActors; readonly dormant: DormantDecisions },
  ) {
    this.#world = world;
    this.#actors = access.actors;
    this.#dormant = access.dormant;
  }

  get height(): number {
    return this.#world.height();
  }

  get deadlineMargin(): number {
    return this.#world.options.rules.deadlineMargin;
  }

  /** An invoice's actors; or else the row of an earlier leader's pending decision. */
  known(hash: PaymentHash): {
    readonly entry: InvoiceEntry | undefined;
    readonly row: StoredInvoice | undefined;
  } {
    return { entry: this.#actors().get(hash), row: this.#dormant.byHash(hash) };
  }

  link(nodeId: NodeId): NodeLink | undefined {
    return this.#world.links.get(nodeId);
  }

  /** What a part's node keeps of it; undefined where nobody wrote it down. */
  feeMsat(part: Part): Msat | undefined {
    return this.#world.held.get(part.id)?.feeMsat;
  }

  /** Milliseconds until the timeout that a set is under; undefined while none runs. */
  timeLeft(set: SetEntry): number | undefined {
    return this.#world.options.system.timeLeft(set.actor);
  }
}
