import { createHash } from 'node:crypto';
import { InvoiceStatus } from '../src/generated/lnmux.ts';
import { decodeInvoice } from '../src/lightning/bolt11.ts';
import type { PaymentResult } from '../src/simulator/payer/payment.ts';
import type { ArrivedPayment, Order } from './application.ts';
import type { NodeName } from './cluster.ts';
import { channel, sat, short } from './format.ts';
import type { Scene } from './scene.ts';

const BOTH: readonly NodeName[] = ['alice', 'bob'];

/** Tells it all. Rejects where the story goes otherwise than it should. */
export async function tellStory(scene: Scene): Promise<void> {
  await startEverything(scene);
  const coffee = await issueInvoice(scene);
  await payInTwoParts(scene, coffee);
  await loseAlice(scene);
  await bringAliceBack(scene);
}

async function startEverything(scene: Scene): Promise<void> {
  const { narrator, cluster } = scene;
  narrator.chapter('Two Lightning nodes, lnmux and a shop start');
  const [alice, bob] = await narrator.step(
    'starting alice and bob, two simulated lnd nodes',
    () => Promise.all([cluster.startNode('alice'), cluster.startNode('bob')]),
    () => 'alice and bob run: two simulated lnd nodes, each a process of its own',
  );
  for (const { name, pid, lndUrl } of [alice, bob]) narrator.fact(name, `process ${pid}, gRPC at ${lndUrl}`);
  await narrator.step(
    'starting lnmuxd, which sets up a PostgreSQL of its own',
    () => cluster.startDaemon(),
    () => `lnmuxd runs, with a PostgreSQL of its own; its API is at ${cluster.daemon.address}`,
  );
  await narrator.step(
    'lnmuxd connects to both nodes',
    () => Promise.all(BOTH.map((name) => cluster.connected(name, true))),
    () => 'lnmuxd intercepts payments at both nodes',
  );
  await scene.openShop();
  await scene.preparePayer();
  narrator.happened('the shop is open: an example application, subscribed to payments (demo/application.ts)');
}

async function issueInvoice(scene: Scene): Promise<Order> {
  const { narrator, shop } = scene;
  narrator.chapter('The shop sells coffee and asks lnmux for an invoice');
  const order = await shop.sell('coffee for the whole office', 25_000_000n);
  narrator.verbatim(order.invoice);
  narrator.gap();
  const { amountMsat = 0n, payee, paymentHash } = decodeInvoice(order.invoice);
  narrator.fact('amount', sat(amountMsat));
  narrator.fact('payment hash', short(Buffer.from(paymentHash).toString('hex')));
  narrator.fact('payee', `${short(payee)}: lnmux, a node without any channels`);
  scene.hintsOf(order).forEach((hint, index) => {
    const name = scene.nameOf(hint.nodeId);
    const terms = `fee ${hint.feeBaseMsat} msat + ${hint.feeRatePpm} ppm, ${hint.cltvDelta} blocks`;
    narrator.fact(`route hint ${index + 1}`, `through ${name}, ${short(hint.nodeId)},`);
    narrator.fact('', `channel ${channel(hint.chanId)}, ${terms}`);
  });
  narrator.gap();
  narrator.say(
    `The channels in the hints do not exist. A payment for them gets as far as alice or bob, and there lnmux takes it
    over. Either way will do, and nothing of this invoice was stored anywhere: it says itself what lnmux has to know.`,
  );
  return order;
}

async function payInTwoParts(scene: Scene, order: Order): Promise<void> {
  const { narrator } = scene;
  narrator.chapter('A payer splits the payment: one part through alice, one through bob');
  scene.onArrival = (payment) => describeArrival(scene, payment);
  const paying = scene.pay(order, { splits: 2 });
  // Its failure is looked at below; until then it must not count as unhandled.
  paying.catch(() => {});
  await scene.told('accepted', order);
  await scene.told('settleRequested', order);
  narrator.happened('the shop has its coffee in stock and settles; lnmux has written that down for good');
  const result = await narrator.step(
    'both nodes get the preimage and settle their parts',
    () => paying,
    () => 'alice and bob got the preimage, settled their parts, and the payer has it as his receipt',
  );
  checkSettled(result, order);
  tellParts(scene, result);
  await tellPaid(scene, order);
}

/** Runs while the nodes hold the parts and the shop has not decided yet. */
async function describeArrival(scene: Scene, { order, setId, blocksLeft }: ArrivedPayment): Promise<void> {
  const { narrator, cluster } = scene;
  for (const name of BOTH) {
    const hash = order.hash.toString('hex');
    for (const htlc of await (await cluster.control(name)).listHtlcs()) {
      if (htlc.paymentHash.toString('hex') !== hash || !htlc.held) continue;
      narrator.happened(`${name} holds ${sat(htlc.incomingAmountMsat)}: neither settled nor failed yet`);
    }
  }
  narrator.happened(
    `the sum is right, so the shop hears of the payment (set ${short(setId.toString('hex'))})`,
  );
  narrator.note(`It has ${blocksLeft} blocks to decide. If it cancels, the payer has all of it back.`);
}

async function loseAlice(scene: Scene): Promise<void> {
  const { narrator, shop, cluster } = scene;
  narrator.chapter('Alice dies, and her invoice can still be paid');
  const order = await shop.sell('a birthday cake', 40_000_000n);
  const hints = scene.hintsOf(order).map(({ nodeId }) => scene.nameOf(nodeId));
  narrator.happened(`while all is well, the shop issues an invoice of ${sat(order.amountMsat)}`);
  narrator.note(`Its hints name ${hints.join(' and ')}. The payer has it before anything happens.`);

  const since = cluster.daemon.log.now;
  await cluster.kill('alice');
  await narrator.step(
    'alice is killed (SIGKILL)',
    () => cluster.connected('alice', false, since),
    () => 'alice is killed (SIGKILL), lnmuxd notices',
  );
  scene.onArrival = async () => {};
  const result = await narrator.step(
    'the payer pays',
    () => scene.pay(order, { splits: 1 }),
    () => 'the payer pays: alice does not answer, so his wallet takes the other hint',
  );
  checkSettled(result, order);
  tellParts(scene, result);
  await tellPaid(scene, order);
  const meanwhile = scene
    .hintsOf(await shop.sell('candles', 2_000_000n))
    .map(({ nodeId }) => scene.nameOf(nodeId));
  narrator.happened(`an invoice that is made meanwhile names ${meanwhile.join(' and ')} only`);
}

async function bringAliceBack(scene: Scene): Promise<void> {
  const { narrator, cluster, shop } = scene;
  narrator.chapter('Alice comes back');
  const since = cluster.daemon.log.now;
  await narrator.step('alice starts again, with her keys and channels', () => cluster.startNode('alice'));
  await narrator.step(
    'lnmuxd tries her address again, a little later each time',
    () => cluster.connected('alice', true, since),
    () => 'lnmuxd has found her, checked that it is really her, and intercepts again',
  );
  const order = await shop.sell('a glass of water', 1_000_000n);
  const result = await narrator.step(
    'a payment through alice alone',
    () => scene.pay(order, { over: 'alice' }),
    () => 'to be sure, somebody pays through alice alone',
  );
  checkSettled(result, order);
  tellParts(scene, result);
  await tellPaid(scene, order);

  const { invoice: invoices } = await scene.api.listInvoices();
  const settled = invoices.filter(({ status }) => status === InvoiceStatus.SETTLED);
  if (settled.length !== 3) throw new Error(`${settled.length} invoices are settled, and not 3`);
  const total = settled.reduce((sum, { amountMsat }) => sum + amountMsat, 0n);
  narrator.happened(`lnmux's books: ${settled.length} invoices settled, ${sat(total)} in all, none lost`);
}

async function tellPaid(scene: Scene, order: Order): Promise<void> {
  await scene.narrator.step(
    'the nodes report the parts as final',
    () => scene.told('paid', order),
    () => `every part is final and the invoice is SETTLED: the shop delivers ${order.item}`,
  );
}

function tellParts(scene: Scene, result: PaymentResult): void {
  const byPart = result.attempts.toSorted((a, b) => a.part - b.part);
  for (const { nodeId, amountMsat, status, failure } of byPart) {
    const outcome = failure ? `${status}: ${failure.text}` : status;
    scene.narrator.fact(`via ${scene.nameOf(nodeId)}`, `${sat(amountMsat)}, ${outcome}`);
  }
}

/** The payer's side of it: paid in full, with the preimage as the proof. */
function checkSettled(result: PaymentResult, order: Order): void {
  if (result.status !== 'settled' || result.paidMsat !== order.amountMsat) {
    const why = result.attempts.map(({ failure }) => failure?.text).filter(Boolean);
    throw new Error(`the payer's result is "${result.status}" ${why.join('; ')}`);
  }
  const preimage = Buffer.from(result.preimage ?? '', 'hex');
  if (!createHash('sha256').update(preimage).digest().equals(order.hash)) {
    throw new Error('the preimage that the payer got is not that of the invoice');
  }
}
