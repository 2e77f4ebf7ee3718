import type { PeelResult } from '../../src/actors/ports/onionPeeler.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import { sha256 } from '../../src/lightning/crypto.ts';
import { encodePaymentAddr, type PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import type { Counters } from './counters.ts';
import { POLICY } from './daemon.ts';
import type { Ledger, TruePart } from './ledger.ts';
import { type LndNode, REJECT_DELTA } from './lndNode.ts';
import type { Onions } from './onions.ts';
import type { PartPlan, PaymentPlan } from './plan.ts';
import type { Prng } from './random.ts';
import type { Scheduler } from './scheduler.ts';

export interface Payment {
  readonly plan: PaymentPlan;
  readonly hash: PaymentHash;
  readonly preimage: Uint8Array;
  readonly paymentAddr: Uint8Array;
  readonly expiresAt: number;
  attempts: number;
}

export interface PayerWorld {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly nodes: readonly LndNode[];
  readonly onions: Onions;
  readonly deriver: PreimageDeriver;
}

const NO_FORWARD_SCID = 123n << 40n;

/** Makes invoices and pays them as the plan says: part by part, over nodes that may be down at that moment. */
export class Payer {
  readonly byHash = new Map<PaymentHash, Payment>();
  readonly secrets = new Set<string>();
  readonly #world: PayerWorld;
  #stopped = false;

  constructor(world: PayerWorld) {
    this.#world = world;
  }

  pay(plan: PaymentPlan): void {
    const { scheduler, random, deriver } = this.#world;
    const expiresAt = Math.floor(scheduler.wallClockMs / 1000) + plan.expirySecs;
    const paymentAddr = encodePaymentAddr({
      random16: random.bytes(16),
      expiresAt,
      amountMsat: plan.amountMsat,
    });
    const preimage = deriver.preimage(paymentAddr);
    const hash = Buffer.from(sha256(preimage)).toString('hex') as PaymentHash;
    const payment: Payment = { plan, hash, preimage, paymentAddr, expiresAt, attempts: 0 };
    this.byHash.set(hash, payment);
    this.secrets.add(Buffer.from(preimage).toString('hex'));
    this.#attempt(payment);
  }

  /** No new attempts from now on; parts that are planned already do not start either. */
  stop(): void {
    this.#stopped = true;
  }

  #attempt(payment: Payment): void {
    payment.attempts += 1;
    const sent: PartId[] = [];
    for (const [index, part] of payment.plan.parts.entries()) {
      const label = `${payment.plan.label}.${payment.attempts}.${index}`;
      this.#world.scheduler.after(part.delayMs, `${label} sends`, () =>
        this.#send(payment, part, label, 0, sent),
      );
    }
    if (payment.plan.retries >= payment.attempts) this.#watch(payment, sent);
  }

  /** Tries again once every part of the attempt has failed. */
  #watch(payment: Payment, sent: PartId[]): void {
    const { scheduler, ledger, counters, random } = this.#world;
    scheduler.after(4_000, `${payment.plan.label} looks`, () => {
      if (this.#stopped) return;
      const parts = sent.map((id) => ledger.parts.get(id)!).filter((part) => part.kind === 'good');
      const failed = (part: TruePart) => part.outcome !== undefined && part.outcome.kind !== 'settled';
      if (parts.length === 0 || !parts.every(failed)) {
        if (!parts.some((part) => part.outcome?.kind === 'settled')) this.#watch(payment, sent);
        return;
      }
      counters.hit('payer.triesAgain');
      scheduler.after(random.between(0, 3_000), `${payment.plan.label} tries again`, () =>
        this.#attempt(payment),
      );
    });
  }

  #send(payment: Payment, part: PartPlan, label: string, tries: number, sent: PartId[]): void {
    if (this.#stopped) return;
    const { scheduler, ledger, nodes, counters, random } = this.#world;
    const node = nodes[(part.node + tries) % nodes.length]!;
    const chanId = node.channels[part.channel % node.channels.length]!;
    const { fee, blob } = this.#prepare(payment, part, node);
    const outgoingExpiry = node.core.height + part.blocks;
    const foreign = part.kind === 'foreign';
    try {
      const htlc = node.core.receive({
        chanId,
        paymentHash: payment.hash,
        incomingAmountMsat: part.amountMsat + fee,
        incomingExpiry: outgoingExpiry + POLICY.cltvDelta,
        outgoingAmountMsat: part.amountMsat,
        outgoingExpiry,
        outgoingChanId: foreign ? NO_FORWARD_SCID : node.virtualChannel,
        onionBlob: blob,
        sharedSecret: new Uint8Array(0),
        ...(foreign && random.chance(0.5) ? { forwardPreimage: payment.preimage } : {}),
      });
      const id = partIdOf({ nodeId: node.nodeId, chanId: htlc.chanId, htlcId: htlc.htlcId });
      const autoFailHeight = htlc.incomingExpiry - REJECT_DELTA;
      const truth = {
        id,
        kind: part.kind,
        paymentHash: payment.hash,
        amountMsat: part.amountMsat,
        feeMsat: fee,
        node,
        label,
      };
      // The node may have failed it at once: then it is no longer pending, and its end is known already.
      ledger.add({ ...truth, autoFailHeight, final: undefined, finalHeight: 0, outcome: undefined });
      sent.push(id);
      counters.hit(`payer.sent.${part.kind}`);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (tries < 3) {
        const again = () => this.#send(payment, part, label, tries + 1, sent);
        scheduler.after(random.between(100, 3_000), `${label} tries another way`, again);
      }
    }
  }

  #prepare(
    payment: Payment,
    part: PartPlan,
    node: LndNode,
  ): { readonly fee: bigint; readonly blob: Uint8Array } {
    const { onions, random } = this.#world;
    const due = BigInt(POLICY.feeBaseMsat) + (part.amountMsat * BigInt(POLICY.feeRatePpm)) / 1_000_000n;
    const fee = part.kind === 'feeShort' ? due - 1n : due;
    return { fee, blob: onions.wrap(opened(payment, part, node.core.height, random)) };
  }
}

/** What the onion of a part opens to. */
function opened(payment: Payment, part: PartPlan, height: number, random: Prng): PeelResult {
  const sharedSecret = random.bytes(32);
  if (part.kind === 'badOnion') return { ok: false, error: { code: 'invalid_onion_hmac' } };
  if (part.kind === 'badPayload') {
    return { ok: false, error: { code: 'invalid_onion_payload', tlvType: 7n, offset: 3 }, sharedSecret };
  }
  const { plan, paymentAddr, expiresAt } = payment;
  const ours = part.kind !== 'wrongSecret' && part.kind !== 'noPaymentData';
  const totalMsat = part.kind === 'totalLow' ? plan.amountMsat - 1n : plan.totalMsat;
  return {
    ok: true,
    sharedSecret,
    payload: {
      amountMsat: part.kind === 'underpaid' ? part.amountMsat + 1n : part.amountMsat,
      cltvExpiry: height + part.blocks,
      ...(part.kind === 'noPaymentData' ? {} : { paymentData: { paymentAddr, totalMsat } }),
    },
    secretMatches: ours,
    ...(ours ? { terms: { expiresAt, amountMsat: plan.amountMsat } } : {}),
  };
}
