import type {
  AcceptedSet,
  AcceptedSubscription,
  AddInvoice,
  AddInvoiceResult,
  Application,
  ApplicationInfo,
  CancelResult,
  ListResult,
  SettleResult,
  WaitResult,
} from '../../src/actors/ports/application.ts';
import type { EventCursor, EventResult, EventSubscription } from '../../src/actors/ports/invoiceEvents.ts';
import type {
  InvoiceReport,
  InvoiceWatch,
  LookupResult,
  WatchResult,
} from '../../src/actors/ports/invoiceReport.ts';
import type { FinalizeResult, PartEnd, UnresolvedPart } from '../../src/actors/ports/unresolved.ts';
import type { NodeId, PaymentHash, SetId } from '../../src/domain/hash.ts';

export const NODE_A = '02e1ce77dfdda9fd1cf5e9d796faf57d1cedef9803aec84a6d7f8487d32781341e' as NodeId;
export const NODE_B = '0314aaf9b2547682b81977b3ac0c5585c3521a0a5430fb410cb572d5c72364edf3' as NodeId;
export const PREIMAGE = new Uint8Array(32).fill(0xab);

/** A set whose hash and id hold its number. */
export function setOf(number: number): AcceptedSet {
  const hex = number.toString(16).padStart(62, '0');
  return {
    paymentHash: `aa${hex}` as PaymentHash,
    setId: `bb${hex}` as SetId,
    deadlineHeight: 800_000 + number,
    blocksLeft: number - 5,
    timeoutMs: 59_999,
  };
}

/** A subscription over a list that can grow, counting what was pulled. */
export class FakeSubscription implements AcceptedSubscription {
  pulled = 0;
  closed = false;
  readonly #sets: AcceptedSet[] = [];
  #waiting: (() => void) | undefined;

  push(...sets: AcceptedSet[]): void {
    for (const set of sets) this.#sets.push(set);
    this.#waiting?.();
  }

  async next(): Promise<AcceptedSet | undefined> {
    while (!this.closed && this.pulled >= this.#sets.length) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    if (this.closed) return undefined;
    const set = this.#sets[this.pulled];
    this.pulled += 1;
    return set;
  }

  close(): void {
    this.closed = true;
    this.#waiting?.();
  }
}

/** A report with something in every field. */
export function reportOf(change: Partial<InvoiceReport> = {}): InvoiceReport {
  return {
    paymentHash: '11'.repeat(32) as PaymentHash,
    state: 'accepted',
    phase: 'complete',
    explanation: 'Waits for the application to settle or cancel, for at most 59 s more.',
    failureReason: undefined,
    setId: '22'.repeat(32) as SetId,
    amountMsat: 20_000n,
    totalMsat: 20_001n,
    receivedMsat: 20_001n,
    settledMsat: 0n,
    parts: [
      {
        key: { nodeId: NODE_B, chanId: 2n ** 64n - 1n, htlcId: 7n },
        nodeName: 'bob',
        amountMsat: 20_001n,
        cltvExpiry: 800_040,
        feeMsat: 1_020n,
        autoFailHeight: 800_021,
        status: 'held',
        failureReason: undefined,
      },
    ],
    deadline: { height: 800_015, blocksLeft: 15 },
    timeoutMs: 59_999,
    settleRequestedAt: undefined,
    finalizedAt: undefined,
    sequenceNumber: undefined,
    ...change,
  };
}

/** A watch that says what it is told to say, in order. */
export class FakeWatch implements InvoiceWatch {
  closed = false;
  pulled = 0;
  readonly #results: WatchResult[] = [];
  #waiting: (() => void) | undefined;

  push(...results: WatchResult[]): void {
    this.#results.push(...results);
    this.#waiting?.();
  }

  async next(): Promise<WatchResult> {
    while (!this.closed && this.#results.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    this.pulled += 1;
    return this.#results.shift() ?? { result: 'unavailable', reason: 'lnmux is shutting down' };
  }

  close(): void {
    this.closed = true;
    this.#waiting?.();
  }
}

/** As {@link FakeWatch}, for events. */
export class FakeEvents implements EventSubscription {
  closed = false;
  readonly #results: EventResult[] = [];
  #waiting: (() => void) | undefined;

  push(...results: EventResult[]): void {
    this.#results.push(...results);
    this.#waiting?.();
  }

  async next(): Promise<EventResult> {
    while (!this.closed && this.#results.length === 0) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    return this.#results.shift() ?? { result: 'unavailable', reason: 'lnmux is shutting down' };
  }

  close(): void {
    this.closed = true;
    this.#waiting?.();
  }
}

/** Answers as it is told to, and remembers what it was asked. */
export class FakeApplication implements Application {
  readonly added: AddInvoice[] = [];
  readonly asked: string[] = [];
  readonly subscriptions: FakeSubscription[] = [];
  readonly waiting = new Set<AbortSignal>();
  initialSets: AcceptedSet[] = [];
  settle: () => Promise<SettleResult> = async () => ({ result: 'requested' });
  cancel: () => Promise<CancelResult> = async () => ({ result: 'canceled' });
  wait: ((signal: AbortSignal) => Promise<WaitResult>) | undefined;
  readonly watches: FakeWatch[] = [];
  readonly events: FakeEvents[] = [];
  unresolved: UnresolvedPart[] = [];
  finalized: FinalizeResult = { result: 'recorded' };
  lookup: LookupResult = { result: 'not_found' };
  list: (max: number) => Promise<ListResult> = async () => ({ ok: true, invoices: [] });
  addResult: AddInvoiceResult | Error | undefined;

  info(): ApplicationInfo {
    return { nodeId: NODE_A, network: 'regtest', nodes: [NODE_B, NODE_A], autoSettle: true };
  }

  addInvoice(request: AddInvoice): AddInvoiceResult {
    this.added.push(request);
    if (this.addResult instanceof Error) throw this.addResult;
    const paymentHash = new Uint8Array(32).fill(0xcd);
    return this.addResult ?? { ok: true, paymentRequest: 'lnbcrt1fake', preimage: PREIMAGE, paymentHash };
  }

  settleInvoice(hash: PaymentHash, setId: SetId): Promise<SettleResult> {
    this.asked.push(`settle ${hash} ${setId}`);
    return this.settle();
  }

  cancelInvoice(hash: PaymentHash, setId: SetId): Promise<CancelResult> {
    this.asked.push(`cancel ${hash} ${setId}`);
    return this.cancel();
  }

  subscribeAccepted(): AcceptedSubscription {
    const subscription = new FakeSubscription();
    subscription.push(...this.initialSets);
    this.subscriptions.push(subscription);
    return subscription;
  }

  async lookupInvoice(hash: PaymentHash): Promise<LookupResult> {
    this.asked.push(`lookup ${hash}`);
    return this.lookup;
  }

  watchInvoice(hash: PaymentHash): InvoiceWatch {
    this.asked.push(`watch ${hash}`);
    const watch = new FakeWatch();
    this.watches.push(watch);
    return watch;
  }

  subscribeEvents(start: EventCursor): EventSubscription {
    this.asked.push(`events ${start}`);
    const events = new FakeEvents();
    this.events.push(events);
    return events;
  }

  listUnresolved(query: { readonly all: boolean; readonly max: number }): readonly UnresolvedPart[] {
    this.asked.push(`unresolved ${query.all} ${query.max}`);
    return this.unresolved.slice(0, query.max);
  }

  async finalizePart(end: PartEnd): Promise<FinalizeResult> {
    const { nodeId, chanId, htlcId } = end.key;
    this.asked.push(`finalize ${nodeId} ${chanId} ${htlcId} ${end.settled} ${end.evenIfConfigured}`);
    return this.finalized;
  }

  waitForFinalStatus(hash: PaymentHash, signal: AbortSignal, fromIssue: boolean): Promise<WaitResult> {
    this.asked.push(`wait ${hash}${fromIssue ? ' from issue' : ''}`);
    if (this.wait) return this.wait(signal);
    this.waiting.add(signal);
    return new Promise((resolve) => {
      signal.addEventListener('abort', () => {
        this.waiting.delete(signal);
        resolve({ result: 'aborted' });
      });
    });
  }

  listInvoices(query: { readonly sequenceStart: bigint; readonly max: number }): Promise<ListResult> {
    this.asked.push(`list ${query.sequenceStart} ${query.max}`);
    return this.list(query.max);
  }
}
