import { hash } from 'node:crypto';
import type { Candidate } from '../../src/actors/supervisor/admission.ts';
import type { NodeId, PaymentHash, SetId } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import type { Part } from '../../src/domain/part.ts';
import { setIdOf } from '../../src/domain/setId.ts';
import type { InvoiceTerms } from '../../src/domain/terms.ts';
import type { LifecycleRules } from '../../src/machines/rules.ts';

/** The one preimage of the small world, and its hash. */
export const PREIMAGE: Uint8Array = new Uint8Array(32).fill(7);
export const HASH = hash('sha256', PREIMAGE, 'hex') as PaymentHash;
/** Every part pays one unit, the invoice asks for two: any two parts are a set. */
export const AMOUNT = 2n;
export const TERMS: InvoiceTerms = { amountMsat: AMOUNT, expiresAt: 4_000_000_000 };

/** Heights count from here in the states; the charts see real ones. */
export const MARGIN = 1;

export const RULES: LifecycleRules = {
  exactAmount: true,
  cltvRejectDelta: 0,
  deadlineMargin: MARGIN,
  maxCltvDelta: 1000,
  maxPartsPerSet: 4,
  holdMs: 60_000,
  acceptMs: 30_000,
  commitRetryMs: 1_000,
};

/** The HTLCs and nodes of a scope. HTLCs are known by their index and sets of them by bit masks. */
export class Scene {
  readonly parts: readonly Part[];
  /** The same, as they come out of their onions. */
  readonly candidates: readonly Candidate[];
  readonly nodeIds: readonly NodeId[];
  /** Node of each HTLC. */
  readonly nodeOf: readonly number[];
  readonly autoFail: readonly number[];
  readonly #indexes = new Map<PartId, number>();
  readonly #setIds = new Map<number, SetId>();
  readonly #masks = new Map<SetId, number>();

  constructor(nodeOf: readonly number[], autoFail: readonly number[]) {
    this.nodeOf = nodeOf;
    this.autoFail = autoFail;
    this.nodeIds = [0, 1].map((n) => `02${String(n + 1).repeat(64)}` as NodeId);
    this.parts = nodeOf.map((node, index) => this.#part(node, index, autoFail[index]!));
    this.candidates = this.parts.map((part) => ({
      part,
      paymentHash: HASH,
      terms: TERMS,
      sharedSecret: PREIMAGE,
      paymentAddr: PREIMAGE,
      feeMsat: 0n,
    }));
    for (const [index, part] of this.parts.entries()) this.#indexes.set(part.id, index);
    for (let mask = 1; mask < 1 << this.parts.length; mask++) {
      const id = setIdOf(this.partsOf(mask).map((p) => p.key));
      this.#setIds.set(mask, id);
      this.#masks.set(id, mask);
    }
  }

  get htlcs(): number {
    return this.parts.length;
  }

  get nodes(): number {
    return Math.max(...this.nodeOf) + 1;
  }

  indexOf(id: PartId): number {
    return this.#indexes.get(id)!;
  }

  partsOf(mask: number): Part[] {
    return this.parts.filter((_, index) => (mask >> index) & 1);
  }

  maskOf(parts: Iterable<{ readonly id: PartId }>): number {
    let mask = 0;
    for (const part of parts) mask |= 1 << this.indexOf(part.id);
    return mask;
  }

  setIdOf(mask: number): SetId {
    return this.#setIds.get(mask)!;
  }

  /** 0 for a set id that no set of this scene has. */
  maskOfSet(id: SetId | undefined): number {
    return id === undefined ? 0 : (this.#masks.get(id) ?? 0);
  }

  /** HTLCs of a node. */
  onNode(node: number): number {
    let mask = 0;
    for (const [index, n] of this.nodeOf.entries()) if (n === node) mask |= 1 << index;
    return mask;
  }

  #part(node: number, index: number, autoFailHeight: number): Part {
    const key = { nodeId: this.nodeIds[node]!, chanId: 7n, htlcId: BigInt(index) };
    return {
      id: partIdOf(key),
      key,
      amountMsat: 1n,
      totalMsat: AMOUNT,
      cltvExpiry: 500,
      autoFailHeight,
      // Only told to the payer, and of no consequence here.
      heightAtReceipt: 0,
    };
  }
}

export const bitsOf = (mask: number): number[] => {
  const bits: number[] = [];
  for (let i = 0; mask >> i; i++) if ((mask >> i) & 1) bits.push(i);
  return bits;
};

export const bitCount = (mask: number): number => bitsOf(mask).length;
