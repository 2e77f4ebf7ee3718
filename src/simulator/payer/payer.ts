import { randomBytes } from 'node:crypto';
import { type NodeId, nodeIdFromBytes } from '../../domain/hash.ts';
import { toHex } from '../../domain/hex.ts';
import type { Msat } from '../../domain/msat.ts';
import { type DecodedInvoice, decodeInvoice, type RouteHint } from '../../lightning/bolt11.ts';
import { isValidPrivateKey } from '../../lightning/crypto.ts';
import type { NodeControl, SentHtlc } from '../control/nodeControl.ts';
import { SeededRandom } from '../node/random.ts';
import { type AttemptVerdict, readOutcome } from './outcomeReader.ts';
import { buildPart, type PartHtlc } from './partRoute.ts';
import { type Attempt, type PartRequest, type PaymentResult, type PayOptions, summarise } from './payment.ts';

/** The payer's channel to a node: an ordinary short channel id, the same for every payment. */
const DEFAULT_CHANNEL = (700_000n << 40n) | (1n << 16n);
const RECONNECT_MS = 100;
/** Before a part is sent again: a node that has just gone may be back. */
const RETRY_MS = 100;

export interface PayerOptions {
  /** Control connections to the nodes that the payer has channels with. */
  readonly nodes: readonly NodeControl[];
  /** Channel at each node that the HTLCs come in over. */
  readonly chanId?: bigint;
  /** Repeatable session keys; random ones without it. */
  readonly seed?: number;
}

/** A hint that the payer can reach. */
interface Reachable {
  readonly hint: RouteHint;
  readonly nodeId: NodeId;
  readonly control: NodeControl;
}

/** One payment under way. */
interface Payment {
  readonly invoice: DecodedInvoice;
  readonly options: PayOptions;
  readonly routes: readonly Reachable[];
  readonly totalMsat: Msat;
  readonly attempts: Attempt[];
  readonly signal: AbortSignal;
  retriesLeft: number;
  /** The payee refused, or some part was settled: nothing is sent again. */
  stopped: boolean;
  preimage: string | undefined;
}

/**
 * A payer with channels to the nodes of a cluster, which knows the way only from the invoice's route hints, as a
 * stranger's wallet would.
 */
export class Payer {
  private readonly nodes: readonly NodeControl[];
  private readonly chanId: bigint;
  private readonly random: SeededRandom | undefined;
  private readonly ids = new Map<NodeControl, NodeId>();

  constructor({ nodes, chanId = DEFAULT_CHANNEL, seed }: PayerOptions) {
    this.nodes = nodes;
    this.chanId = chanId;
    this.random = seed === undefined ? undefined : new SeededRandom(seed);
  }

  /**
   * Pays an invoice and waits until every HTLC has its outcome, or until the timeout. Throws DecodeError on a bad
   * invoice, RangeError when it has no amount or none of its hints names a node of this payer.
   */
  async pay(invoiceText: string, options: PayOptions = {}): Promise<PaymentResult> {
    const invoice = decodeInvoice(invoiceText);
    const routes = await this.reachable(invoice);
    if (routes.length === 0) throw new RangeError('no route hint leads over a node of this payer');
    const parts = planParts(invoice, options);
    const payment: Payment = {
      invoice,
      options,
      routes,
      totalMsat: options.totalMsat ?? parts.reduce((sum, { amountMsat }) => sum + amountMsat, 0n),
      attempts: [],
      signal: AbortSignal.timeout(options.timeoutMs ?? 60_000),
      retriesLeft: options.maxRetries ?? 3,
      stopped: false,
      preimage: undefined,
    };
    await Promise.all(parts.map((part, index) => this.sendPart(payment, part, index)));
    return summarise(payment.attempts, parts.length, payment.preimage);
  }

  private async reachable(invoice: DecodedInvoice): Promise<Reachable[]> {
    await Promise.all(this.nodes.map((node) => this.learnId(node)));
    return invoice.hints.flatMap((route) => {
      // Longer routes would need nodes that nobody simulates.
      const hint = route.length === 1 ? route[0] : undefined;
      const control = hint && this.nodes.find((node) => this.ids.get(node) === hint.nodeId);
      return hint && control ? [{ hint, nodeId: hint.nodeId, control }] : [];
    });
  }

  private async learnId(node: NodeControl): Promise<void> {
    if (this.ids.has(node)) return;
    const id = await node.getState().then(
      ({ pubkey }) => nodeIdFromBytes(pubkey),
      () => undefined,
    );
    if (id) this.ids.set(node, id);
  }

  private async sendPart(payment: Payment, part: PartRequest, index: number): Promise<void> {
    const { routes } = payment;
    let next = part.nodeId ? routes.findIndex(({ nodeId }) => nodeId === part.nodeId) : index;
    if (next < 0) throw new RangeError('no route hint names the node asked for');
    for (;;) {
      const verdict = await this.attempt(payment, routes[next % routes.length]!, part.amountMsat, index);
      if (verdict === 'done') return;
      if (verdict === 'giveUp') payment.stopped = true;
      if (payment.stopped || payment.retriesLeft === 0 || payment.signal.aborted) return;
      payment.retriesLeft--;
      // After mpp_timeout the way was not at fault, but another one does no harm.
      next++;
      await pause(RETRY_MS);
    }
  }

  private async attempt(
    payment: Payment,
    route: Reachable,
    amountMsat: Msat,
    part: number,
  ): Promise<AttemptVerdict['next']> {
    const height = await route.control.getState().then(
      (state) => state.height,
      () => undefined,
    );
    const basis = { part, nodeId: route.nodeId, chanId: this.chanId, amountMsat };
    if (height === undefined) {
      const failure = { kind: 'refused', hop: undefined, message: undefined, text: 'node is away' } as const;
      payment.attempts.push({
        ...basis,
        htlcId: undefined,
        feeMsat: 0n,
        expiry: 0,
        status: 'failed',
        failure,
      });
      return 'retry';
    }
    const { invoice, totalMsat, options } = payment;
    const htlc = buildPart({
      invoice: { ...invoice, finalCltvDelta: invoice.finalCltvDelta + (options.extraCltvDelta ?? 0) },
      hint: route.hint,
      amountMsat,
      totalMsat,
      height,
      sessionKey: this.sessionKey(),
    });
    const sent = await this.send(payment, route.control, htlc);
    const { status, failure, next, preimage } = readOutcome(sent.outcome, htlc, invoice.paymentHash);
    if (preimage) {
      payment.preimage = toHex(preimage);
      payment.stopped = true;
    }
    const { feeMsat, expiry } = htlc;
    const { htlcId } = sent;
    payment.attempts.push({ ...basis, htlcId, feeMsat, expiry, status, ...(failure ? { failure } : {}) });
    return next;
  }

  /** Sends until the outcome is known: after a broken connection the same onion asks for the same HTLC. */
  private async send(
    { invoice, signal }: Payment,
    control: NodeControl,
    htlc: PartHtlc,
  ): Promise<{ outcome: SentHtlc; htlcId: bigint | undefined }> {
    const request = {
      chanId: this.chanId,
      amountMsat: htlc.amountMsat,
      expiry: htlc.expiry,
      paymentHash: Buffer.from(invoice.paymentHash),
      onionBlob: Buffer.from(htlc.onionBlob),
      forwardPreimage: Buffer.alloc(0),
    };
    let htlcId: bigint | undefined;
    const onAccepted = (key: { htlcId: bigint }) => {
      htlcId = key.htlcId;
    };
    for (;;) {
      const outcome = await control.sendHtlc(request, { signal, onAccepted });
      if (outcome.kind !== 'unknown' || signal.aborted) return { outcome, htlcId };
      await pause(RECONNECT_MS);
    }
  }

  private sessionKey(): Uint8Array {
    for (;;) {
      const key = this.random ? this.random.bytes(32) : new Uint8Array(randomBytes(32));
      if (isValidPrivateKey(key)) return key;
    }
  }
}

/** The parts to send: those asked for, or even shares of the amount. */
function planParts(invoice: DecodedInvoice, options: PayOptions): readonly PartRequest[] {
  if (options.parts) return options.parts;
  const amount = options.amountMsat ?? invoice.amountMsat;
  if (amount === undefined) throw new RangeError('the invoice has no amount');
  const count = BigInt(options.splits ?? 1);
  const share = amount / count;
  return Array.from({ length: Number(count) }, (_, index) => ({
    amountMsat: index === 0 ? amount - share * (count - 1n) : share,
  }));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
