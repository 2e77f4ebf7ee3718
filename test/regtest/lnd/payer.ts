import { nodeIdFromText } from '../../../src/domain/hash.ts';
import { type DecodedInvoice, decodeInvoice } from '../../../src/lightning/bolt11.ts';
import {
  NODE_NAMES,
  type NodeName,
  type PaidPart,
  type PartPlan,
  type Payer,
  type Payment,
  paymentOf,
} from '../scenarios/cluster.ts';
import { type Attempt, type LndPayment, type OpenChannel, readAttempt, readPayment } from './answers.ts';
import { payInvoiceArgs } from './arguments.ts';
import { LncliError } from './lncli.ts';
import type { LndNode } from './node.ts';
import { routeJson } from './route.ts';

/** After that lnd begins no further attempt; what is under way stays under way. */
const ATTEMPTS_SECS = 300;
/** Longer than any scenario holds a payment. */
const PAYMENT_LIMIT_MS = 20 * 60_000;
const TRACK_PAUSE_MS = 500;
/** More than a channel can carry, by so much. */
const ABOVE_SAT = 10_000n;
/** Of each channel stays behind: reserve (1 %), commitment fees and their buffer. */
const UNUSABLE_SAT = 50_000n;

/** carol: an lnd of her own, as the cluster's nodes can't pay their own hints. */
export class LndPayer implements Payer {
  readonly #lnd: LndNode;
  readonly #nodes: Readonly<Record<NodeName, LndNode>>;

  constructor(lnd: LndNode, nodes: Readonly<Record<NodeName, LndNode>>) {
    this.#lnd = lnd;
    this.#nodes = nodes;
  }

  async pay(invoice: string, options: { readonly through?: NodeName } = {}): Promise<Payment> {
    const decoded = decodeInvoice(invoice);
    const scid = options.through && (await this.#channel(options.through)).scid;
    // What an earlier scenario's failures taught lnd about these nodes does not count here.
    await this.#lnd.lncli.call(['resetmc']);
    const payment = await this.#payInvoice(payInvoiceArgs(invoice, scid, ATTEMPTS_SECS), decoded);
    if (payment.attempts.length === 0) {
      throw new Error(`${this.#lnd.name} found no way to pay: ${payment.failureReason}`);
    }
    return this.#payment(payment.attempts, decoded.amountMsat ?? 0n);
  }

  async send(invoice: string, parts: readonly PartPlan[], totalMsat?: bigint): Promise<Payment> {
    const decoded = decodeInvoice(invoice);
    const plannedMsat = parts.reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
    const { height } = await this.#lnd.info();
    const attempts = await Promise.all(
      parts.map(async (part) => {
        const route = await this.#route(decoded, part, totalMsat ?? plannedMsat, height);
        return this.#sendToRoute(hashOf(decoded), route);
      }),
    );
    const known = attempts.filter((attempt) => attempt !== undefined);
    if (known.length === attempts.length) return this.#payment(known, plannedMsat);
    return this.#payment((await this.#follow(hashOf(decoded))).attempts, plannedMsat);
  }

  async amountForBoth(): Promise<bigint> {
    const channels = await Promise.all(NODE_NAMES.map((name) => this.#channel(name)));
    return amountForBoth(channels.map(({ localSat }) => localSat)) * 1_000n;
  }

  async #channel(name: NodeName): Promise<OpenChannel> {
    const [channel] = await this.#lnd.channels(this.#nodes[name].pubkey);
    if (!channel) throw new Error(`${this.#lnd.name} has no channel with ${name}`);
    return channel;
  }

  async #route(invoice: DecodedInvoice, part: PartPlan, totalMsat: bigint, height: number): Promise<string> {
    const { scid } = await this.#channel(part.through);
    const nodeId = nodeIdFromText(this.#nodes[part.through].pubkey)!;
    return routeJson({ invoice, nodeId, scid, amountMsat: part.amountMsat, totalMsat, height });
  }

  /** lncli fails when the payment does, after it has printed it. */
  async #payInvoice(args: readonly string[], invoice: DecodedInvoice): Promise<LndPayment> {
    try {
      return readPayment(await this.#lnd.lncli.call(args, PAYMENT_LIMIT_MS), 'lncli payinvoice');
    } catch (error) {
      if (!(error instanceof LncliError)) throw error;
      if (error.isLost) return this.#follow(hashOf(invoice));
      if (error.stdout.trim() === '') throw error;
      return readPayment(error.stdout, 'lncli payinvoice');
    }
  }

  /** Waits for the end of the HTLC; undefined when lnd went away meanwhile. */
  async #sendToRoute(paymentHash: string, route: string): Promise<Attempt | undefined> {
    const args = ['sendtoroute', `--payment_hash=${paymentHash}`, `--routes=${route}`];
    try {
      return readAttempt(await this.#lnd.lncli.call(args, PAYMENT_LIMIT_MS));
    } catch (error) {
      if (error instanceof LncliError && error.isLost) return undefined;
      throw error;
    }
  }

  /** Asks lnd, also one that comes back later, until the payment is over. */
  async #follow(paymentHash: string): Promise<LndPayment> {
    const deadline = performance.now() + PAYMENT_LIMIT_MS;
    let reason = '';
    while (performance.now() < deadline) {
      try {
        const text = await this.#lnd.lncli.call(['trackpayment', '--json', paymentHash], PAYMENT_LIMIT_MS);
        const payment = readPayment(text, 'lncli trackpayment');
        if (payment.isOver) return payment;
      } catch (error) {
        if (!(error instanceof LncliError)) throw error;
        reason = error.reason;
      }
      await new Promise((wake) => setTimeout(wake, TRACK_PAUSE_MS));
    }
    throw new Error(`${this.#lnd.name} does not say what became of payment ${paymentHash}: ${reason}`);
  }

  #payment(attempts: readonly Attempt[], plannedMsat: bigint): Payment {
    const preimage = attempts.find((attempt) => attempt.preimage !== undefined)?.preimage;
    const parts = attempts.map((attempt) => this.#part(attempt));
    return paymentOf(parts, plannedMsat, preimage);
  }

  #part({ firstHop, amountMsat, feeMsat, status, failure }: Attempt): PaidPart {
    const through = NODE_NAMES.find((name) => this.#nodes[name].pubkey === firstHop);
    if (!through) throw new Error(`an HTLC went to ${firstHop}, which is none of the cluster's nodes`);
    return { through, amountMsat, feeMsat, status, failure };
  }
}

function hashOf({ paymentHash }: DecodedInvoice): string {
  return Buffer.from(paymentHash).toString('hex');
}

/** Satoshis that no channel of these balances can send alone, but all together can. Throws when they can't. */
export function amountForBoth(balancesSat: readonly bigint[]): bigint {
  const [largest = 0n] = balancesSat.toSorted((a, b) => Number(b - a));
  const usable = balancesSat.reduce((sum, balance) => sum + balance - UNUSABLE_SAT - balance / 100n, 0n);
  const amount = largest + ABOVE_SAT;
  if (amount <= usable) return amount;
  throw new Error(
    `channels with ${balancesSat.join(' and ')} sat can't carry a payment that needs all of them`,
  );
}
