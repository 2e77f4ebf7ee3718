import type { AddInvoiceResponse, ServiceClient } from '../../../src/generated/lnmux.ts';
import { SeededRandom } from '../../../src/simulator/node/random.ts';
import { Payer } from '../../../src/simulator/payer/payer.ts';
import type { PayOptions } from '../../../src/simulator/payer/payment.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Fate, Ledger, PaymentRecord } from '../judge/ledger.ts';
import type { LeaderWatch } from '../leaderWatch.ts';
import { apiClient, call } from './apiClient.ts';
import type { Chain } from './chain.ts';
import { RecordingControl } from './recordingControl.ts';

const PAYERS = 4;
/** Above this the payers wait: an outage must not pile up work without end. */
const MAX_UNDER_WAY = 300;
/** Invoices in stock, so that payments go on while no daemon can issue any. */
const STOCK = 100;
const INVOICE_EXPIRY_SECS = 3_600n;
/** A tight payment's final delta is so much shorter: its deadline comes before the application's time is over. */
const TIGHT_DELTA = -30;
/** While nobody leads, nodes refuse most HTLCs at once: fewer are enough. */
const LEADERLESS_SHARE = 0.25;

interface Stocked {
  readonly response: AddInvoiceResponse;
  readonly amountMsat: bigint;
}

/** Payers that pay all the time, single and split, over both nodes. */
export class Payments {
  readonly #ledger: Ledger;
  readonly #watch: LeaderWatch;
  readonly #random: SeededRandom;
  readonly #payers: readonly Payer[];
  readonly #controls: readonly RecordingControl[];
  readonly #clients: readonly { readonly name: string; readonly client: ServiceClient }[];
  readonly #stock: Stocked[] = [];
  readonly #underWay = new Set<Promise<void>>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  #closed = false;

  constructor(cluster: Cluster, ledger: Ledger, parts: { chain: Chain; watch: LeaderWatch; seed: number }) {
    this.#ledger = ledger;
    this.#watch = parts.watch;
    this.#random = new SeededRandom(parts.seed);
    this.#controls = cluster.nodes.map(
      (node) => new RecordingControl(node, ledger, () => parts.chain.height(node.name)),
    );
    this.#payers = Array.from(
      { length: PAYERS },
      (_, index) =>
        new Payer({
          nodes: this.#controls,
          chanId: (700_000n << 40n) | (BigInt(index + 1) << 16n),
          seed: parts.seed + index,
        }),
    );
    this.#clients = cluster.daemons.map(({ name, api }) => ({ name, client: apiClient(api.address) }));
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  start(perSecond: number): void {
    void this.#fillStock();
    this.#timer = setInterval(() => this.#tick(), 1_000 / perSecond);
  }

  /** No new payments. Resolves when every HTLC that was sent has its outcome. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  close(): void {
    this.#stopped = true;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const control of this.#controls) control.close();
    for (const { client } of this.#clients) client.close();
  }

  async #fillStock(): Promise<void> {
    while (!this.#stopped) {
      const leader = this.#clients.find(({ name }) => name === this.#watch.leader?.name);
      if (!leader || this.#stock.length >= STOCK) {
        await new Promise((wake) => setTimeout(wake, 20));
        continue;
      }
      const amountMsat = 10_000n + BigInt(this.#random.below(5_000_000));
      const request = {
        amtMsat: amountMsat,
        description: 'chaos',
        descriptionHash: Buffer.alloc(0),
        expirySecs: INVOICE_EXPIRY_SECS,
      };
      const answer = await call(leader.client, leader.client.addInvoice, request, { timeoutMs: 2_000 });
      if (answer.ok) this.#stock.push({ response: answer.value, amountMsat });
      else await new Promise((wake) => setTimeout(wake, 50));
    }
  }

  #tick(): void {
    if (this.#underWay.size >= MAX_UNDER_WAY) return;
    if (!this.#watch.leader && this.#random.next() > LEADERLESS_SHARE) return;
    const stocked = this.#stock.shift();
    if (!stocked) return;
    const paying = this.#pay(stocked).finally(() => this.#underWay.delete(paying));
    this.#underWay.add(paying);
  }

  async #pay({ response, amountMsat }: Stocked): Promise<void> {
    const fate = this.#fate();
    const parts = fate === 'incomplete' ? 2 : this.#random.below(2) === 0 ? 1 : 2 + this.#random.below(3);
    const payment: PaymentRecord = {
      hash: response.hash.toString('hex'),
      preimage: response.preimage.toString('hex'),
      invoice: response.paymentRequest,
      amountMsat,
      fate,
      parts,
      startedAt: Date.now(),
      hasPreimage: false,
      isOver: false,
    };
    this.#ledger.payments.set(payment.hash, payment);
    const payer = this.#payers[this.#random.below(PAYERS)]!;
    try {
      await payer.pay(payment.invoice, this.#optionsOf(payment));
    } catch (error) {
      // Both nodes were away, so that no HTLC was sent; or the run is being broken off.
      if (!this.#closed && this.#ledger.htlcsOf(payment.hash).length > 0) throw error;
    }
    payment.isOver = true;
  }

  #optionsOf({ fate, parts, amountMsat }: PaymentRecord): PayOptions {
    const common = {
      timeoutMs: 24 * 3_600_000,
      ...(this.#random.below(10) === 0 ? { extraCltvDelta: TIGHT_DELTA } : {}),
    };
    if (fate !== 'incomplete') return { ...common, splits: parts, maxRetries: 4 };
    // The second part never comes.
    return { ...common, parts: [{ amountMsat: amountMsat / 2n }], totalMsat: amountMsat, maxRetries: 0 };
  }

  #fate(): Fate {
    const draw = this.#random.below(100);
    if (draw < 84) return 'settle';
    if (draw < 92) return 'cancel';
    return draw < 97 ? 'ignore' : 'incomplete';
  }
}
