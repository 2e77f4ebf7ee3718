import { LND_ACTION } from '../../src/simulator/node/answer.ts';
import { circuitText } from '../../src/simulator/node/ledger.ts';
import type { Answer, Outcome } from '../../src/simulator/node/types.ts';
import type { HtlcWatcher } from '../../src/simulator/server/hub.ts';
import type { Cluster } from './cluster.ts';
import type { PreparedPayments } from './payments.ts';
import { percentilesOf } from './percentiles.ts';

/** The virtual hop's CLTV delta and more: what the daemon asks for before it takes an HTLC. */
const CLTV_DELTA = 80;
const CHANNELS_PER_NODE = 4;
const FIRST_CHANNEL = (700_000n << 40n) | (1n << 16n);

/** Sends prepared payments at the simulated nodes and notes the time of everything. Times are microseconds. */
export class Sender {
  readonly payments: PreparedPayments;
  /** Payments of which every part was settled. */
  done = 0;
  sent = 0;
  readonly faults: Record<string, number> = {};
  /** Parts that were settled once more, after their nodes had lost the first answer. */
  settledAgain = 0;
  onDone: (payment: number) => void = () => {};
  #replaying = false;
  readonly #cluster: Cluster;
  readonly #due: Float64Array;
  readonly #offered: Float64Array;
  readonly #answered: Float64Array;
  readonly #open: Uint16Array;
  readonly #virtualChannels: readonly bigint[];

  constructor(cluster: Cluster, payments: PreparedPayments, virtualChannels: readonly bigint[]) {
    this.payments = payments;
    this.#cluster = cluster;
    this.#virtualChannels = virtualChannels;
    this.#due = new Float64Array(payments.count);
    this.#offered = new Float64Array(payments.count);
    this.#answered = new Float64Array(payments.count);
    this.#open = new Uint16Array(payments.count).fill(payments.parts);
  }

  /** Sends the next payment, which was due at a time: its parts over the nodes in turn. */
  send(dueUs: number): void {
    const payment = this.sent++;
    this.#due[payment] = dueUs;
    const { parts } = this.payments;
    for (let part = 0; part < parts; part++) this.#sendPart(payment, part);
  }

  #sendPart(payment: number, part: number): void {
    const { partMsat, outgoingExpiry, hashes, parts } = this.payments;
    const number = payment * parts + part;
    const at = number % this.#cluster.nodes.length;
    const { node, hub } = this.#cluster.nodes[at]!;
    const channel = Math.floor(number / this.#cluster.nodes.length) % CHANNELS_PER_NODE;
    this.#offered[payment] = nowUs();
    const htlc = node.receive({
      chanId: FIRST_CHANNEL + BigInt(channel),
      paymentHash: hashes[payment]!,
      incomingAmountMsat: partMsat,
      incomingExpiry: outgoingExpiry + CLTV_DELTA,
      outgoingAmountMsat: partMsat,
      outgoingExpiry,
      outgoingChanId: this.#virtualChannels[at]!,
      onionBlob: this.payments.onion(payment, part),
      sharedSecret: NO_SECRET,
      volatile: true,
    });
    hub.watch(circuitText(htlc), new PartWatcher(this, payment));
  }

  /** The daemon's answer was taken by the node. */
  answered(payment: number, { action }: Answer): void {
    if (action !== LND_ACTION.SETTLE) this.fault('answered otherwise than by settling');
    this.#answered[payment] = nowUs();
    this.#open[payment]!--;
    if (this.#open[payment] !== 0) return;
    this.done++;
    this.onDone(payment);
  }

  /** From now on every part may be answered once more. */
  expectReplay(): void {
    this.#replaying = true;
  }

  answeredAgain({ action }: Answer, times: number): void {
    if (!this.#replaying || times > 2) this.fault('answered twice');
    else if (action !== LND_ACTION.SETTLE) this.fault('a replay was answered otherwise than by settling');
    else this.settledAgain++;
  }

  fault(name: string): void {
    this.faults[name] = (this.faults[name] ?? 0) + 1;
  }

  /** Latencies of the payments from one to another (not included), of those that are settled. */
  latencies(from: number, to: number) {
    const settled: number[] = [];
    for (let payment = from; payment < to; payment++) if (this.#open[payment] === 0) settled.push(payment);
    const since = (times: Float64Array) =>
      percentilesOf(Float64Array.from(settled, (payment) => this.#answered[payment]! - times[payment]!));
    return { interception: since(this.#offered), scheduled: since(this.#due) };
  }
}

const NO_SECRET = new Uint8Array(0);

class PartWatcher implements HtlcWatcher {
  readonly #sender: Sender;
  readonly #payment: number;
  #answers = 0;

  constructor(sender: Sender, payment: number) {
    this.#sender = sender;
    this.#payment = payment;
  }

  answered(answer: Answer): void {
    if (++this.#answers > 1) this.#sender.answeredAgain(answer, this.#answers);
    else this.#sender.answered(this.#payment, answer);
  }

  outcome({ kind }: Outcome): void {
    if (kind !== 'settled') this.#sender.fault('failed');
  }
}

/** This process's monotonic clock, microseconds. */
export function nowUs(): number {
  return performance.now() * 1000;
}
