import {
  type BatchOutcome,
  type Decision,
  type DecisionOutcome,
  type DecisionStore,
  FencedRead,
  type FinalRecord,
  type JournalLine,
  type RecordedFinal,
  type Recovery,
  type StoredEvent,
  type StoredInvoice,
} from '../../src/actors/ports/decisionStore.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import { FakeTables } from './fakeTables.ts';

/**
 * What a write does: `ack` is the rule; `fail` writes nothing and says so; the ambiguous ones give no clean answer,
 * with the write done or lost; `hang` waits for {@link StoreSession.resume}, then acknowledges.
 */
export type WriteFate = 'ack' | 'fail' | 'ambiguousCommitted' | 'ambiguousLost' | 'hang' | 'throw';

/** The durable part of the fake database, shared by one leader after another. */
export class FakeStore {
  readonly tables = new FakeTables();
  epoch = 0n;

  /** What a new leader works with; sessions of earlier epochs are fenced. */
  open(): StoreSession {
    this.epoch += 1n;
    return new StoreSession(this, this.epoch);
  }
}

/** One leader's view of the store. */
export class StoreSession implements DecisionStore {
  readonly epoch: bigint;
  /** What becomes of the next writes, in order; `ack` when empty. Decisions and finals have one each. */
  readonly decideFates: WriteFate[] = [];
  readonly finaliseFates: WriteFate[] = [];
  readonly journalFates: WriteFate[] = [];
  /** How many reads by hash fail before one succeeds. */
  failingReads = 0;
  /** The same for reads of all hashes. */
  failingHashReads = 0;
  hashReads = 0;
  readonly batches: (readonly Decision[])[] = [];
  readonly finalBatches: (readonly FinalRecord[])[] = [];
  reads = 0;
  /** Deciding writes under way at the moment, and the most there ever were. */
  writing = 0;
  mostWriting = 0;
  /** Set ids whose release, and parts whose failure, this leader was told of as durable, or recovered. */
  readonly knownReleased = new Set<string>();
  readonly knownFailed = new Set<PartId>();
  readonly #store: FakeStore;
  eventReads = 0;
  #dead = false;
  #hanging: (() => void)[] = [];

  constructor(store: FakeStore, epoch: bigint) {
    this.#store = store;
    this.epoch = epoch;
  }

  /** The process dies: nothing it asked for is answered any more; what hangs is written, or not. */
  kill(hangingIsWritten: boolean): void {
    if (hangingIsWritten) this.resume();
    this.#dead = true;
    this.#hanging = [];
  }

  /** Ends every hanging write. */
  resume(): void {
    for (const go of this.#hanging.splice(0)) go();
  }

  get hanging(): number {
    return this.#hanging.length;
  }

  async decide(epoch: bigint, decisions: readonly Decision[]): Promise<BatchOutcome<DecisionOutcome>> {
    this.batches.push(decisions);
    this.writing += 1;
    this.mostWriting = Math.max(this.mostWriting, this.writing);
    const outcome = await this.#write(epoch, this.decideFates, () => {
      const results = decisions.map((decision) => this.#store.tables.decide(epoch, decision));
      return results;
    });
    this.writing -= 1;
    if (outcome.kind === 'acknowledged') this.#learn(decisions, outcome.results);
    return outcome;
  }

  finalise(epoch: bigint, finals: readonly FinalRecord[]): Promise<BatchOutcome<RecordedFinal>> {
    this.finalBatches.push(finals);
    return this.#write(epoch, this.finaliseFates, () =>
      finals.map((final) => this.#store.tables.finalise(epoch, final)),
    );
  }

  journal(epoch: bigint, lines: readonly JournalLine[], height: number): Promise<BatchOutcome<never>> {
    return this.#write(epoch, this.journalFates, () => {
      this.#store.tables.journal(epoch, lines, height);
      return [];
    });
  }

  async recover(epoch: bigint): Promise<Recovery> {
    if (epoch !== this.#store.epoch) throw new FencedRead();
    const recovery = this.#store.tables.recover();
    for (const { setId, paymentHash, released } of recovery.invoices) {
      if (released) this.knownReleased.add(`${paymentHash}${setId}`);
    }
    for (const fail of recovery.fails) this.knownFailed.add(partIdOf(fail.key));
    return recovery;
  }

  async invoicesByHash(hashes: readonly PaymentHash[], epoch?: bigint): Promise<readonly StoredInvoice[]> {
    this.reads += 1;
    if (this.#dead) return new Promise(() => {});
    if (this.failingReads > 0) {
      this.failingReads -= 1;
      throw new Error('connection refused');
    }
    if (epoch !== undefined && epoch !== this.#store.epoch) throw new FencedRead();
    const rows = this.#store.tables.byHash(hashes);
    for (const { setId, paymentHash, released } of rows) {
      if (released) this.knownReleased.add(`${paymentHash}${setId}`);
    }
    return rows;
  }

  async storedHashes(after: bigint, max: number) {
    this.hashReads += 1;
    if (this.#dead) return new Promise<never>(() => {});
    if (this.failingHashReads > 0) {
      this.failingHashReads -= 1;
      throw new Error('connection refused');
    }
    const rows = this.#store.tables.list(after + 1n, max);
    return { hashes: rows.map((row) => row.paymentHash), last: rows.at(-1)?.sequenceNumber ?? after };
  }

  async listInvoices(query: { sequenceStart: bigint; max: number }): Promise<readonly StoredInvoice[]> {
    return this.#store.tables.list(query.sequenceStart, query.max);
  }

  async eventsByHash(hash: PaymentHash): Promise<readonly StoredEvent[]> {
    return this.#store.tables.events.filter((event) => event.paymentHash === hash);
  }

  async eventsAfter(sequence: bigint, max: number): Promise<readonly StoredEvent[]> {
    this.eventReads += 1;
    if (this.failingReads > 0) {
      this.failingReads -= 1;
      throw new Error('connection refused');
    }
    return this.#store.tables.events.filter((event) => event.sequence > sequence).slice(0, max);
  }

  async lastEvent(): Promise<bigint> {
    return this.#store.tables.sequence;
  }

  async #write<T>(epoch: bigint, fates: WriteFate[], apply: () => T[]): Promise<BatchOutcome<T>> {
    if (this.#dead) return new Promise(() => {});
    const fate = fates.shift() ?? 'ack';
    if (fate === 'hang') await new Promise<void>((resolve) => this.#hanging.push(resolve));
    else await Promise.resolve();
    if (fate === 'throw') throw new Error('the driver threw');
    if (fate === 'fail') return { kind: 'failed', error: 'disk full', retryable: true };
    if (fate === 'ambiguousLost') return { kind: 'ambiguous', error: 'connection lost' };
    if (epoch !== this.#store.epoch) return { kind: 'fenced' };
    const results = apply();
    if (this.#dead) return new Promise(() => {});
    if (fate === 'ambiguousCommitted') return { kind: 'ambiguous', error: 'connection lost' };
    return { kind: 'acknowledged', results, lastSequence: this.#store.tables.sequence };
  }

  #learn(decisions: readonly Decision[], results: readonly DecisionOutcome[]): void {
    for (const [i, decision] of decisions.entries()) {
      if (results[i]?.outcome !== 'committed') continue;
      if (decision.kind === 'requestAndRelease' || decision.kind === 'release') {
        this.knownReleased.add(`${decision.paymentHash}${decision.setId}`);
      }
      if (decision.kind === 'abort') this.knownReleased.delete(`${decision.paymentHash}${decision.setId}`);
      if (decision.kind === 'fail' || decision.kind === 'abort') {
        for (const part of decision.parts) this.knownFailed.add(partIdOf(part.key));
      }
    }
  }
}
