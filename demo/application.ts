/**
 * How an application uses lnmux, in full. This is a shop:
 *
 *   sell     it asks for an invoice and notes the order under the invoice's hash;
 *   accept   it hears of each payment that has arrived completely. The nodes hold the parts: the money has left the
 *            payer and is not the shop's yet, so this is the time to look whether the goods are still there;
 *   settle   it takes the money (or cancels, and the payer has it back). OK means that the decision is on disk;
 *   wait     it waits until every part is final, and only then delivers.
 *
 * By hand: node demo/application.ts HOST:PORT sells one thing, prints the invoice and waits for its payment.
 */
import { fileURLToPath } from 'node:url';
import { type ServiceError, status } from '@grpc/grpc-js';
import { InvoiceStatus, type SubscribeInvoiceAcceptedResponse } from '../src/generated/lnmux.ts';
import { LnmuxApi } from './lnmuxApi.ts';

/** A sale. A real shop has these in its database, because it must know them again after a restart. */
export interface Order {
  readonly item: string;
  readonly amountMsat: bigint;
  /** BOLT 11 text, for the payer. */
  readonly invoice: string;
  /** Payment hash: the invoice's name in every call. */
  readonly hash: Buffer;
  /** Write `settling` down before you ask lnmux to settle: after a crash it says for what to wait. */
  state: 'open' | 'settling' | 'paid' | 'failed';
}

/** A complete payment of an order. */
export interface ArrivedPayment {
  readonly order: Order;
  /** Names exactly this set of parts. If this attempt comes to nothing, the next one has another id. */
  readonly setId: Buffer;
  /** Blocks until this payment can't be settled any more. */
  readonly blocksLeft: number;
}

/** What the shop tells whoever watches it. */
export type ShopEvent =
  | { readonly type: 'subscribed' }
  | ({ readonly type: 'accepted' } & ArrivedPayment)
  | { readonly type: 'settleRequested'; readonly order: Order }
  | { readonly type: 'paid'; readonly order: Order }
  | { readonly type: 'failed'; readonly order: Order; readonly reason: string };

export interface ShopOptions {
  readonly api: LnmuxApi;
  /** The shop's own decision: may this order be delivered? */
  readonly decide: (payment: ArrivedPayment) => Promise<'settle' | 'cancel'>;
  readonly tell: (event: ShopEvent) => void;
}

const RETRY_MS = 500;

export class Shop {
  readonly #api: LnmuxApi;
  readonly #decide: ShopOptions['decide'];
  readonly #tell: ShopOptions['tell'];
  readonly #orders = new Map<string, Order>();
  readonly #closing = new AbortController();

  constructor({ api, decide, tell }: ShopOptions) {
    this.#api = api;
    this.#decide = decide;
    this.#tell = tell;
  }

  /** Makes an invoice. It costs lnmux no storage, so a page may show one to every visitor. */
  async sell(item: string, amountMsat: bigint): Promise<Order> {
    const added = await this.#api.addInvoice({ amtMsat: amountMsat, description: item, expirySecs: 600n });
    const { paymentRequest: invoice, hash } = added;
    const order: Order = { item, amountMsat, invoice, hash, state: 'open' };
    this.#orders.set(hash.toString('hex'), order);
    return order;
  }

  /** Takes payments until close(). While nobody is subscribed, lnmux soon refuses payments: stay connected. */
  async open(): Promise<void> {
    // After a restart: what we decided before is still on its way.
    for (const order of this.#orders.values()) {
      if (order.state === 'settling') void this.#finish(order);
    }
    while (!this.#closing.signal.aborted) {
      try {
        const accepted = this.#api.accepted(this.#closing.signal);
        this.#tell({ type: 'subscribed' });
        // One payment's decision must not hold up the next: nothing is awaited here.
        for await (const set of accepted) void this.#arrived(set);
      } catch {
        // lnmuxd is away. Every undecided payment is told again after it is back: nothing is lost.
        await this.#pause();
      }
    }
  }

  close(): void {
    this.#closing.abort();
  }

  async #arrived({ hash, setId, blocksLeft }: SubscribeInvoiceAcceptedResponse): Promise<void> {
    const order = this.#orders.get(hash.toString('hex'));
    // Not a sale of ours, or not any more: the payer has his money back.
    if (order?.state === 'paid' || !order) return this.#cancel(hash, setId);
    const payment = { order, setId, blocksLeft };
    // The same payment may be told twice (after a reconnect). All that follows may happen twice.
    this.#tell({ type: 'accepted', ...payment });
    // A shop that can't make up its mind gives the money back.
    const verdict = await this.#decide(payment).catch(() => 'cancel');
    if (verdict === 'cancel') return this.#cancel(hash, setId);

    order.state = 'settling';
    if (!(await this.#settle(hash, setId))) {
      order.state = 'open';
      return;
    }
    this.#tell({ type: 'settleRequested', order });
    await this.#finish(order);
  }

  /** True once lnmux has the decision on disk. False when this payment is gone: the payer may try again. */
  async #settle(hash: Buffer, setId: Buffer): Promise<boolean> {
    for (;;) {
      try {
        await this.#api.settle(hash, setId);
        return true;
      } catch (error) {
        // Asking again with the same set id is harmless, also when the first request was carried out after all.
        if (!isWorthRetrying(error)) return false;
        if (!(await this.#pause())) return false;
      }
    }
  }

  async #cancel(hash: Buffer, setId: Buffer): Promise<void> {
    // Where this fails the payment is gone already, or times out soon.
    await this.#api.cancel(hash, setId).catch(() => {});
  }

  /** A decision to settle is not money yet: deliver when every part is final. */
  async #finish(order: Order): Promise<void> {
    for (;;) {
      try {
        const { invoiceStatus, failureReason } = await this.#api.waitForFinalStatus(order.hash);
        if (invoiceStatus === InvoiceStatus.SETTLED) {
          order.state = 'paid';
          this.#tell({ type: 'paid', order });
        } else {
          order.state = 'failed';
          this.#tell({ type: 'failed', order, reason: failureReason });
        }
        return;
      } catch {
        if (!(await this.#pause())) return;
      }
    }
  }

  /** False when the shop closes. */
  async #pause(): Promise<boolean> {
    if (!this.#closing.signal.aborted) await new Promise((wake) => setTimeout(wake, RETRY_MS));
    return !this.#closing.signal.aborted;
  }
}

/** lnmuxd is away or busy, or can't tell the outcome yet. Anything else is an answer. */
function isWorthRetrying(error: unknown): boolean {
  const { code } = error as ServiceError;
  return code === status.UNAVAILABLE || code === status.ABORTED || code === status.DEADLINE_EXCEEDED;
}

async function sellOne(address: string): Promise<void> {
  const api = new LnmuxApi(address);
  const shop = new Shop({
    api,
    decide: async () => 'settle',
    tell(event) {
      if (event.type === 'subscribed') return;
      console.log(`${event.type}: ${event.order.item}`);
      if (event.type === 'paid' || event.type === 'failed') shop.close();
    },
  });
  console.log((await shop.sell('a cup of tea', 10_000_000n)).invoice);
  await shop.open();
  api.close();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const address = process.argv[2];
  if (address === undefined) console.error('usage: node demo/application.ts HOST:PORT');
  else await sellOne(address);
}
