import type { NodeId } from '../src/domain/hash.ts';
import { decodeInvoice } from '../src/lightning/bolt11.ts';
import { Payer } from '../src/simulator/payer/payer.ts';
import type { PaymentResult } from '../src/simulator/payer/payment.ts';
import { type ArrivedPayment, type Order, Shop, type ShopEvent } from './application.ts';
import type { Cluster, NodeName } from './cluster.ts';
import { Happenings } from './happenings.ts';
import { LnmuxApi } from './lnmuxApi.ts';
import type { Narrator } from './narrator.ts';

/** Everybody who plays a part in the story, and what has happened in the shop so far. */
export class Scene {
  readonly cluster: Cluster;
  readonly narrator: Narrator;
  readonly events = new Happenings<ShopEvent>();
  /** What is told between the arrival of a payment and the shop's decision. */
  onArrival: (payment: ArrivedPayment) => Promise<void> = async () => {};
  #api: LnmuxApi | undefined;
  #shop: Shop | undefined;
  #payer: Payer | undefined;
  readonly #names = new Map<NodeId, NodeName>();

  constructor(cluster: Cluster, narrator: Narrator) {
    this.cluster = cluster;
    this.narrator = narrator;
  }

  get shop(): Shop {
    if (!this.#shop) throw new Error('the shop is not open yet');
    return this.#shop;
  }

  get api(): LnmuxApi {
    if (!this.#api) throw new Error('the shop is not open yet');
    return this.#api;
  }

  /** Opens the shop: the application, connected to lnmuxd. */
  async openShop(): Promise<void> {
    this.#api = new LnmuxApi(this.cluster.daemon.address);
    this.#shop = new Shop({
      api: this.#api,
      decide: async (payment) => {
        await this.onArrival(payment);
        return 'settle';
      },
      tell: (event) => this.events.add(event),
    });
    void this.#shop.open();
    await this.events.first('the shop subscribes', ({ type }) => type === 'subscribed');
  }

  /** The payer has a channel with each node, and knows the shop from its invoices only. */
  async preparePayer(): Promise<void> {
    for (const name of ['alice', 'bob'] as const) {
      const { pubkey } = await this.cluster.info(name);
      this.#names.set(pubkey as NodeId, name);
    }
    const nodes = [await this.cluster.control('alice'), await this.cluster.control('bob')];
    this.#payer = new Payer({ nodes });
  }

  /** Pays in so many parts of about the same size, or in one part over a certain node. */
  pay(order: Order, how: { readonly splits: number } | { readonly over: NodeName }): Promise<PaymentResult> {
    if (!this.#payer) throw new Error('there is no payer yet');
    if ('splits' in how) return this.#payer.pay(order.invoice, how);
    const [nodeId] = [...this.#names].find(([, name]) => name === how.over) ?? [];
    return this.#payer.pay(order.invoice, { parts: [{ amountMsat: order.amountMsat, nodeId }] });
  }

  /** Waits for what the shop tells of an order. */
  async told(type: Exclude<ShopEvent['type'], 'subscribed'>, order: Order): Promise<void> {
    const failed = (event: ShopEvent) => event.type === 'failed' && event.order === order;
    const event = await this.events.first(
      `the shop hears "${type}" of ${order.item}`,
      (each) => (each.type === type && each.order === order) || failed(each),
    );
    if (event.type === 'failed') throw new Error(`payment of ${order.item} failed: ${event.reason}`);
  }

  /** "alice" for her key. */
  nameOf(nodeId: NodeId): string {
    return this.#names.get(nodeId) ?? nodeId;
  }

  hintsOf(order: Order) {
    return decodeInvoice(order.invoice).hints.flat();
  }

  close(): void {
    this.#shop?.close();
    this.#api?.close();
  }
}
