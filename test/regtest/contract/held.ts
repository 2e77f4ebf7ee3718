import { createHash, randomBytes } from 'node:crypto';
import { nodeIdFromText } from '../../../src/domain/hash.ts';
import { virtualChannelId } from '../../../src/domain/virtualChannel.ts';
import type { CircuitKey } from '../../../src/generated/lnd/router.ts';
import { createInvoice } from '../../../src/lightning/bolt11.ts';
import type { NodeName, Payment } from '../scenarios/cluster.ts';
import type { Stage } from '../scenarios/stage.ts';
import { AMOUNT_MSAT } from '../scenarios/steps.ts';
import { type Offer, type RawInterceptor, RawNode } from './rawNode.ts';

/** lnd's enum of what an interceptor may do. */
export const ACTION = { settle: 0, fail: 1, resume: 2 } as const;

export const FEE_MSAT = 1_000n;
/** Blocks between the HTLC that lnd gets and the one that it would send on. */
export const HOP_DELTA = 42;
const FINAL_CLTV_DELTA = 80;
/** lnd does not say that an interceptor is in, but at once that it is not. */
const SETTLED_IN_MS = 300;

/** Our own virtual node, as lnmux makes them: nobody needs to run for its invoices to be paid to. */
export interface Payable {
  readonly text: string;
  readonly preimage: Buffer;
  readonly hash: Buffer;
  readonly identityKey: Buffer;
}

export function payable(
  stage: Stage,
  name: NodeName,
  finalCltvDelta = FINAL_CLTV_DELTA,
  cltvDelta = HOP_DELTA,
): Payable {
  const preimage = randomBytes(32);
  const hash = createHash('sha256').update(preimage).digest();
  const identityKey = createHash('sha256').update('contract').digest();
  const nodeId = nodeIdFromText(stage.cluster.nodes[name].connection.pubkey)!;
  const chanId = virtualChannelId(nodeId);
  const text = createInvoice({
    network: 'regtest',
    identityKey,
    timestamp: Math.floor(Date.now() / 1_000),
    expirySecs: 3_600,
    amountMsat: AMOUNT_MSAT,
    paymentHash: hash,
    paymentAddr: randomBytes(32),
    hints: [{ nodeId, chanId, feeBaseMsat: Number(FEE_MSAT), feeRatePpm: 0, cltvDelta }],
    finalCltvDelta,
  });
  return { text, preimage, hash, identityKey };
}

/** An HTLC that alice holds for us. */
export interface HeldHtlc {
  readonly invoice: Payable;
  readonly offer: Offer;
  readonly key: CircuitKey;
  readonly payment: Promise<Payment>;
}

/** alice and one client of her API; everything that was opened is closed at the end. */
export class Contract {
  readonly stage: Stage;
  readonly node: RawNode;
  readonly #open: { stop(): void }[] = [];

  constructor(stage: Stage) {
    this.stage = stage;
    this.node = new RawNode(stage.cluster.nodes.alice.connection);
  }

  follow<T extends { stop(): void }>(stream: T): T {
    this.#open.push(stream);
    return stream;
  }

  /** Opens the interceptor, once lnd lets it in: the slot of the one before is freed a moment after its end. */
  async intercept(): Promise<RawInterceptor> {
    let interceptor: RawInterceptor | undefined;
    await this.stage.eventually('alice to let an interceptor in', async () => {
      const candidate = this.node.intercept();
      const ended = candidate.ended.then(() => true);
      const isIn = new Promise<boolean>((wake) => setTimeout(wake, SETTLED_IN_MS, false));
      if (await Promise.race([ended, isIn])) return false;
      interceptor = candidate;
      return true;
    });
    return this.follow(interceptor!);
  }

  /** Has carol pay through alice, and waits for the offer. */
  async held(interceptor: RawInterceptor, invoice = payable(this.stage, 'alice')): Promise<HeldHtlc> {
    const payment = this.pay(invoice);
    const offer = await this.offered(interceptor, invoice);
    return { invoice, offer, key: offer.incomingCircuitKey!, payment };
  }

  pay(invoice: Payable): Promise<Payment> {
    const parts = [{ through: 'alice', amountMsat: AMOUNT_MSAT }] as const;
    const payment = this.stage.cluster.payer.send(invoice.text, parts);
    payment.catch(() => {});
    return payment;
  }

  async offered(interceptor: RawInterceptor, { hash }: Payable): Promise<Offer> {
    let offer: Offer | undefined;
    await this.stage.eventually('alice to offer the HTLC', () => {
      offer = interceptor.offers.findLast(({ paymentHash }) => paymentHash.equals(hash));
      return offer !== undefined;
    });
    return offer!;
  }

  /** Ends an interceptor, so that the next one may come. */
  async leave(interceptor: RawInterceptor): Promise<void> {
    interceptor.stop();
    await interceptor.ended;
  }

  close(): void {
    for (const stream of this.#open) stream.stop();
    this.node.close();
  }
}
