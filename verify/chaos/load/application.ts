import { status } from '@grpc/grpc-js';
import {
  InvoiceStatus,
  type ServiceClient,
  type SubscribeInvoiceAcceptedResponse,
} from '../../../src/generated/lnmux.ts';
import { SeededRandom } from '../../../src/simulator/node/random.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { AppCallKind, Ledger } from '../judge/ledger.ts';
import { apiClient, type CallAnswer, call } from './apiClient.ts';

const RESUBSCRIBE_MS = 100;
const RETRY_MS = 150;
const RETRY_MOST_MS = 1_500;
const CALL_TIMEOUT_MS = 6_000;
const WAIT_TIMEOUT_MS = 20_000;
/** Answers after which the same call is made again: nothing was decided, or nobody knows. */
const AGAIN = new Set<number>([
  status.UNAVAILABLE,
  status.ABORTED,
  status.DEADLINE_EXCEEDED,
  status.CANCELLED,
  status.UNKNOWN,
  status.INTERNAL,
]);

interface Side {
  readonly name: string;
  readonly client: ServiceClient;
}

/**
 * The merchant's program: subscribed at whoever leads, it settles most payments, cancels or ignores some, calls
 * twice and at the wrong time, and crashes now and then, which makes it forget everything.
 */
export class MerchantApplication {
  readonly #ledger: Ledger;
  readonly #random: SeededRandom;
  readonly #sides: readonly Side[];
  #life = new AbortController();
  #closed = false;
  crashes = 0;

  constructor(cluster: Cluster, ledger: Ledger, seed: number) {
    this.#ledger = ledger;
    this.#random = new SeededRandom(seed);
    this.#sides = cluster.daemons.map(({ name, api }) => ({ name, client: apiClient(api.address) }));
  }

  start(): void {
    const { signal } = this.#life;
    for (const side of this.#sides) void this.#subscribe(side, signal);
  }

  /** Everything under way is forgotten; it begins anew at once. */
  crash(): void {
    if (this.#closed) return;
    this.crashes++;
    this.#life.abort();
    this.#life = new AbortController();
    this.start();
  }

  close(): void {
    this.#closed = true;
    this.#life.abort();
    for (const { client } of this.#sides) client.close();
  }

  async #subscribe(side: Side, life: AbortSignal): Promise<void> {
    while (!life.aborted) {
      await new Promise<void>((ended) => {
        const stream = side.client.subscribeInvoiceAccepted({});
        const cancel = () => stream.cancel();
        life.addEventListener('abort', cancel);
        stream.on('data', (set: SubscribeInvoiceAcceptedResponse) => void this.#accepted(side, set, life));
        stream.on('error', () => {});
        stream.on('close', () => {
          life.removeEventListener('abort', cancel);
          ended();
        });
        if (life.aborted) cancel();
      });
      await pause(RESUBSCRIBE_MS);
    }
  }

  async #accepted(side: Side, set: SubscribeInvoiceAcceptedResponse, life: AbortSignal): Promise<void> {
    const fate = this.#ledger.payments.get(set.hash.toString('hex'))?.fate;
    await pause(this.#random.below(40));
    if (life.aborted) return;
    if (fate === 'cancel') await this.#insist('cancel', side, set, life);
    else if (fate === 'settle') await this.#settle(side, set, life);
  }

  async #settle(side: Side, set: SubscribeInvoiceAcceptedResponse, life: AbortSignal): Promise<void> {
    const draw = this.#random.below(100);
    if (draw < 4) await this.#ask('settle', side, { ...set, setId: this.#random32() }, life);
    // Two at once must agree.
    if (draw >= 4 && draw < 12) void this.#insist('settle', this.#anySide(), set, life);
    const done = await this.#insist('settle', side, set, life);
    if (!done || life.aborted) return;
    // Too late: it must not work any more.
    if (draw >= 12 && draw < 20) void this.#insist('cancel', side, set, life);
    if (draw >= 20 && draw < 28) void this.#insist('settle', this.#anySide(), set, life);
    if (draw % 2 === 0) await this.#insist('wait', side, set, life);
  }

  /** Calls until there is an answer that means something; changes sides after each vain call. */
  async #insist(
    kind: AppCallKind,
    first: Side,
    set: SubscribeInvoiceAcceptedResponse,
    life: AbortSignal,
  ): Promise<boolean> {
    let side = first;
    for (let wait = RETRY_MS; !life.aborted; wait = Math.min(RETRY_MOST_MS, wait * 1.4)) {
      const code = await this.#ask(kind, side, set, life);
      if (!AGAIN.has(code)) return code === 0;
      await pause(wait);
      side = this.#sides.find((each) => each !== side) ?? side;
    }
    return false;
  }

  async #ask(
    kind: AppCallKind,
    { name, client }: Side,
    { hash, setId }: Pick<SubscribeInvoiceAcceptedResponse, 'hash' | 'setId'>,
    signal: AbortSignal,
  ): Promise<number> {
    const entry = this.#ledger.call(hash.toString('hex'), {
      kind,
      setId: setId.toString('hex'),
      at: Date.now(),
      daemon: name,
      answer: 'none yet',
      code: undefined,
    });
    const done = (answer: CallAnswer<unknown>, text: string) => {
      entry.code = answer.ok ? 0 : answer.code;
      entry.answer = answer.ok ? text : `${status[answer.code]} ${answer.text}`;
      return entry.code;
    };
    const limits = { timeoutMs: CALL_TIMEOUT_MS, signal };
    if (kind === 'settle') {
      return done(await call(client, client.settleInvoice, { hash, setId }, limits), 'ok');
    }
    if (kind === 'cancel') {
      return done(await call(client, client.cancelInvoice, { hash, setId }, limits), 'ok');
    }
    const waiting = { ...limits, timeoutMs: WAIT_TIMEOUT_MS };
    const answer = await call(client, client.waitForInvoiceFinalStatus, { hash }, waiting);
    const isSettled = answer.ok && answer.value.invoiceStatus === InvoiceStatus.SETTLED;
    return done(answer, isSettled ? 'settled' : `failed: ${answer.ok ? answer.value.failureReason : ''}`);
  }

  #anySide(): Side {
    return this.#sides[this.#random.below(this.#sides.length)]!;
  }

  #random32(): Buffer {
    return Buffer.from(this.#random.bytes(32));
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}
