import { hash as digest } from 'node:crypto';
import type { Decision, DecisionOutcome, FailRow } from '../../src/actors/ports/decisionStore.ts';
import type { HtlcAnswer } from '../../src/actors/ports/lndClient.ts';
import type { NodeId, PaymentHash, SetId } from '../../src/domain/hash.ts';
import { type PartId, partIdOf } from '../../src/domain/htlcKey.ts';
import type { Htlc, Offer, Outcome, Resolution } from '../../src/simulator/node/types.ts';
import type { Counters } from './counters.ts';
import type { AcknowledgementObserver } from './databaseServer.ts';
import type { DatabaseObserver, DatabaseState, InvoiceState, MemberState } from './databaseState.ts';
import type { Liveness } from './liveness.ts';
import type { SessionObserver } from './lndConnection.ts';
import type { LndNode, OutcomeObserver } from './lndNode.ts';
import type { PartKind } from './plan.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** A broken invariant. The run ends with the first. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, message: string) {
    super(`${invariant}: ${message}`);
    this.invariant = invariant;
  }
}

/** What is true of an HTLC, whatever anybody believes. */
export interface TruePart {
  readonly id: PartId;
  readonly kind: PartKind;
  readonly paymentHash: PaymentHash;
  readonly amountMsat: bigint;
  /** What its node gets beyond. */
  readonly feeMsat: bigint;
  readonly node: LndNode;
  readonly label: string;
  readonly autoFailHeight: number;
  /** lnd's last word, once there is one. */
  final: Resolution | undefined;
  /** Height of its node at that time, and what its sender learned. */
  finalHeight: number;
  outcome: Outcome | undefined;
}

/** What a daemon can know of one interceptor stream. */
interface Session {
  readonly stream: object;
  readonly open: Map<PartId, OpenOffer>;
}

interface OpenOffer {
  readonly onChain: boolean;
  readonly autoFailHeight: number;
  /** It was seen that its time has come. */
  due: boolean;
}

interface Knowledge {
  readonly sessions: Map<NodeId, Session>;
  readonly synced: Map<NodeId, boolean>;
  readonly blockAt: Map<NodeId, number>;
  /** Hashes whose release it has an acknowledgement of, or found when it took the lead; parts likewise. */
  readonly released: Set<string>;
  readonly failed: Set<string>;
  height: number;
  epoch: bigint | undefined;
}

export interface LedgerOptions {
  readonly exactAmount: boolean;
  readonly autoSettle: boolean;
  readonly counters: Counters;
  readonly margin: number;
  readonly blockSilenceMs: number;
}

/**
 * Sees everything, and holds it against the invariants of the design at the moment it happens: what is committed,
 * what each daemon was told, what it says to the nodes, and what the nodes make of it.
 */
export class Ledger implements DatabaseObserver, AcknowledgementObserver, SessionObserver, OutcomeObserver {
  readonly parts = new Map<PartId, TruePart>();
  readonly #options: LedgerOptions;
  readonly #knowledge = new Map<Process, Knowledge>();
  /** The durable decision about each part, for ever. */
  readonly #decisions = new Map<PartId, 'settle' | 'fail'>();
  /** Hashes of which a preimage was sent. */
  readonly #sent = new Set<PaymentHash>();
  /** Sets that the application wants to settle. */
  readonly #asked = new Set<string>();
  /** Hashes of which a settle waits, or has waited, for a full transport. */
  readonly #handedOver = new Set<PaymentHash>();
  readonly #members = new Map<PaymentHash, readonly PartId[]>();
  /** What became of HTLCs within the call that made them. */
  readonly #early = new Map<PartId, Partial<TruePart>>();
  #database: DatabaseState | undefined;
  #scheduler: Scheduler | undefined;
  violation: Violation | undefined;
  liveness: Liveness | undefined;
  /** Hears of invoices that have ended in the database. */
  onClosed: (hash: PaymentHash) => void = () => {};

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  attach(database: DatabaseState, scheduler: Scheduler): void {
    this.#database = database;
    this.#scheduler = scheduler;
  }

  /** A new HTLC. Its node may have ended it before this could be called. */
  add(part: TruePart): void {
    this.parts.set(part.id, part);
    const early = this.#early.get(part.id);
    if (early) Object.assign(part, early);
  }

  /** Records the first violation. Never throws: the code under test would catch it. */
  violate(invariant: string, message: string): void {
    this.violation ??= new Violation(invariant, message);
  }

  leads(process: Process, epoch: bigint): void {
    this.#of(process).epoch = epoch;
  }

  /** The application is about to ask for settlement. */
  asks(hash: PaymentHash, setId: SetId): void {
    this.#asked.add(`${hash}${setId}`);
  }

  decisionOf(id: PartId): 'settle' | 'fail' | undefined {
    return this.#decisions.get(id);
  }

  // --- the database

  requested(invoice: InvoiceState): void {
    this.#options.counters.hit('decided.requested');
    let sum = 0n;
    for (const member of invoice.members.values()) sum += member.amountMsat;
    const { exactAmount, autoSettle } = this.#options;
    const most = exactAmount ? invoice.amountMsat : invoice.amountMsat * 2n;
    if (sum < invoice.amountMsat || sum > most) this.violate('S1', `${invoice.hash}: members do not add up`);
    if (!autoSettle && !this.#asked.has(`${invoice.hash}${invoice.setId}`)) {
      this.violate('S1', `${invoice.hash}: nobody asked for the settlement of this set`);
    }
    this.#members.set(invoice.hash, [...invoice.members.keys()]);
    for (const id of invoice.members.keys()) {
      const part = this.parts.get(id);
      if (part?.kind !== 'good' || part.paymentHash !== invoice.hash) {
        this.violate('S1', `${name(id, part)} is a member but was never paid to ${invoice.hash.slice(0, 8)}`);
      }
      if (part && part.amountMsat !== invoice.members.get(id)!.amountMsat) {
        this.violate('S1', `${name(id, part)} is recorded with another amount`);
      }
      if (part && part.feeMsat !== invoice.members.get(id)!.feeMsat) {
        this.violate('S1', `${name(id, part)} is recorded with another fee`);
      }
    }
  }

  released(invoice: InvoiceState): void {
    this.#options.counters.hit('decided.released');
    for (const id of invoice.members.keys()) this.#decide(id, 'settle');
  }

  aborted(invoice: InvoiceState, epoch: bigint, members: readonly MemberState[]): void {
    this.#options.counters.hit(
      invoice.releaseEpoch === undefined ? 'decided.aborted' : 'decided.abortedWithheld',
    );
    if (this.#sent.has(invoice.hash))
      this.violate('S5', `${invoice.hash}: aborted after a preimage was sent`);
    if (invoice.releaseEpoch !== undefined && invoice.releaseEpoch !== epoch) {
      this.violate('S5', `${invoice.hash}: released by epoch ${invoice.releaseEpoch}, aborted by ${epoch}`);
    }
    // Nothing was sent, so the same epoch may take its release back: the parts are failed from here on.
    for (const member of members) this.#decisions.delete(partIdOf(member.key));
  }

  failed(_hash: PaymentHash, row: FailRow): void {
    this.#options.counters.hit(`decided.fail.${row.reason}`);
    this.#decide(partIdOf(row.key), 'fail');
  }

  closed(invoice: InvoiceState): void {
    this.#options.counters.hit(
      `closed.${invoice.status === 'SETTLED' ? 'settled' : (invoice.cause ?? 'failed')}`,
    );
    this.onClosed(invoice.hash);
    const members = this.#members.get(invoice.hash) ?? [];
    for (const id of members) {
      const part = this.parts.get(id);
      if (!part?.final) this.violate('S9', `${name(id, part)} is recorded as final, but lnd has not said so`);
      const settled = invoice.members.get(id)?.status === 'SETTLED';
      if (part?.final && part.final.settled !== settled) {
        this.violate(
          'S9',
          `${name(id, part)} is recorded ${settled ? 'settled' : 'failed'}, lnd says otherwise`,
        );
      }
    }
  }

  #decide(id: PartId, decision: 'settle' | 'fail'): void {
    const before = this.#decisions.get(id);
    this.#decisions.set(id, decision);
    if (before !== undefined && before !== decision) {
      this.violate('S2', `${name(id, this.parts.get(id))} was to ${before}, now to ${decision}`);
    }
  }

  acknowledged(
    process: Process,
    _epoch: bigint,
    decisions: readonly Decision[],
    results: readonly DecisionOutcome[],
  ): void {
    const knowledge = this.#of(process);
    for (const [i, decision] of decisions.entries()) {
      if (results[i]?.outcome !== 'committed') continue;
      if (decision.kind === 'release' || decision.kind === 'requestAndRelease') {
        knowledge.released.add(decision.paymentHash);
      }
      if (decision.kind === 'abort') knowledge.released.delete(decision.paymentHash);
      if ('parts' in decision) for (const part of decision.parts) knowledge.failed.add(partIdOf(part.key));
    }
  }

  read(
    process: Process,
    rows: { readonly released: readonly string[]; readonly failed: readonly string[] },
  ): void {
    const knowledge = this.#of(process);
    for (const hash of rows.released) knowledge.released.add(hash);
    for (const id of rows.failed) knowledge.failed.add(id);
  }

  recovered(process: Process, height: number): void {
    this.#of(process).height = Math.max(this.#of(process).height, height);
  }

  // --- the streams, as the daemon sees them

  opened(process: Process, node: LndNode, stream: object): void {
    this.liveness?.disturbs(process);
    this.#of(process).sessions.set(node.nodeId, { stream, open: new Map() });
  }

  sessionClosed(process: Process, node: LndNode): void {
    this.liveness?.disturbs(process);
    this.#of(process).sessions.delete(node.nodeId);
  }

  offered(process: Process, node: LndNode, offer: Offer, onChain: boolean): void {
    const id = idOf(node, offer.htlc);
    const session = this.#of(process).sessions.get(node.nodeId);
    session?.open.set(id, { onChain, autoFailHeight: offer.autoFailHeight, due: false });
    this.#lookForDue(process);
    this.#options.counters.hit(onChain ? 'lnd.offeredOnChain' : 'lnd.offered');
    if (this.#decisions.has(id)) this.#options.counters.hit(`lnd.offeredAgain.${this.#decisions.get(id)}`);
  }

  block(process: Process, node: LndNode, height: number): void {
    const knowledge = this.#of(process);
    knowledge.height = Math.max(knowledge.height, height);
    knowledge.blockAt.set(node.nodeId, this.#scheduler!.now);
    this.#lookForDue(process);
  }

  /** L1, L4: what is within the margin is answered before its node gives it back. */
  #lookForDue(process: Process): void {
    const knowledge = this.#of(process);
    for (const session of knowledge.sessions.values()) {
      for (const [id, offer] of session.open) {
        if (offer.due || offer.onChain || knowledge.height < offer.autoFailHeight - this.#options.margin)
          continue;
        offer.due = true;
        const part = this.parts.get(id);
        if (part?.kind !== 'good') continue;
        this.#options.counters.hit('liveness.dueForItsDeadline');
        const kept = () =>
          session.open.get(id) !== offer ||
          knowledge.height >= offer.autoFailHeight ||
          part.final !== undefined;
        const message = () => `${process.name}: ${part.label} is still held within its margin`;
        this.liveness?.expect(process, 'L4', message, kept);
      }
    }
  }

  stalled(process: Process, forMs = 0): void {
    this.liveness?.disturbs(process, forMs);
  }

  synced(process: Process, node: LndNode, synced: boolean): void {
    this.#of(process).synced.set(node.nodeId, synced);
  }

  answers(process: Process, node: LndNode, answer: HtlcAnswer): void {
    const knowledge = this.#of(process);
    const session = knowledge.sessions.get(node.nodeId);
    const id = partIdOf({ nodeId: node.nodeId, ...answer.key });
    const part = this.parts.get(id);
    const offer = session?.open.get(id);
    if (!offer)
      return this.violate('S7', `${answer.action} of ${name(id, part)}, which is not offered or is answered`);
    if (!part) return this.violate('S7', `${answer.action} of an HTLC that does not exist`);
    if (offer.onChain && answer.action !== 'settle')
      this.violate('S7', `${answer.action} of ${part.label} on chain`);
    if (part.kind === 'foreign' && answer.action !== 'resume') {
      this.violate('S11', `${answer.action} of the foreign ${part.label}`);
    }
    if (part.kind !== 'foreign' && answer.action === 'resume')
      this.violate('S11', `resume of our own ${part.label}`);
    if (answer.action === 'settle') this.#settles(process, knowledge, part, answer.preimage);
    else if (answer.action !== 'resume') this.#fails(process, knowledge, part);
    session!.open.delete(id);
  }

  #settles(process: Process, knowledge: Knowledge, part: TruePart, preimage: Uint8Array): void {
    const { paymentHash: hash, label } = part;
    const row = this.#database!.invoices.get(hash);
    if (digest('sha256', preimage, 'hex') !== hash) this.violate('S1', `${label}: wrong preimage`);
    if (!row || row.releaseEpoch === undefined || row.abortEpoch !== undefined) {
      return this.violate('S1', `${label} is settled, but its set is not released`);
    }
    if (!row.members.has(part.id)) this.violate('S1', `${label} is settled, but is no member`);
    if (this.#decisions.get(part.id) !== 'settle')
      this.violate('S2', `${label} is settled against its decision`);
    if (!knowledge.released.has(hash)) this.violate('S8', `${label} is settled without an acknowledgement`);
    if (!this.#sent.has(hash) && !this.#handedOver.has(hash)) this.#firstSettle(process, knowledge, row);
    this.#sent.add(hash);
  }

  /**
   * A settle was given to its link. Where the transport is full it waits there; the barrier is held against the
   * moment at which it was given, as with what waits in a socket.
   */
  handsOver(process: Process, hash: PaymentHash): void {
    const row = this.#database!.invoices.get(hash);
    if (!row || this.#sent.has(hash) || this.#handedOver.has(hash)) return;
    this.#options.counters.hit('residual.settleWaitedForTransport');
    this.#firstSettle(process, this.#of(process), row);
    this.#handedOver.add(hash);
  }

  #firstSettle(process: Process, knowledge: Knowledge, row: InvoiceState): void {
    const { counters, margin, blockSilenceMs } = this.#options;
    if (row.releaseEpoch !== knowledge.epoch) {
      // Whether an earlier leader has sent the preimage is unknowable to this one.
      counters.hit('residual.releasedByEarlierLeader');
      return;
    }
    for (const id of row.members.keys()) {
      const part = this.parts.get(id)!;
      const { nodeId } = part.node;
      const offer = knowledge.sessions.get(nodeId)?.open.get(id);
      const where = `${process.name}: first settle of ${part.label.split('.')[0]}`;
      if (!offer) this.violate('S3', `${where} while ${part.label} is not offered`);
      else if (knowledge.height >= offer.autoFailHeight - margin && !offer.onChain) {
        this.violate('S3', `${where} within the margin of ${part.label}`);
      }
      if (knowledge.synced.get(nodeId) === false)
        this.violate('S4', `${where} while ${part.node.name} is unsynced`);
      const silent = this.#scheduler!.now - (knowledge.blockAt.get(nodeId) ?? 0);
      if (silent > blockSilenceMs + 1_000)
        this.violate('S4', `${where} while blocks of ${part.node.name} are silent`);
    }
  }

  #fails(_process: Process, knowledge: Knowledge, part: TruePart): void {
    // Rejects of what is wrong in itself follow from the bytes: every leader says the same.
    if (part.kind !== 'good') return;
    if (this.#decisions.get(part.id) === 'settle')
      this.violate('S2', `${part.label} is failed against its decision`);
    if (!knowledge.failed.has(part.id))
      this.violate('S8', `${part.label} is failed without an acknowledgement`);
  }

  // --- the nodes

  outcome(_node: LndNode, id: PartId, _htlc: Htlc, outcome: Outcome): void {
    const part = this.parts.get(id);
    if (!part) return void this.#early.set(id, { outcome });
    part.outcome = outcome;
    this.#options.counters.hit(`payer.${outcome.kind}`);
  }

  final(node: LndNode, id: PartId, resolution: Resolution): void {
    const part = this.parts.get(id);
    if (!part) return;
    part.final = resolution;
    part.finalHeight = node.core.height;
    if (part.kind === 'foreign') return;
    if (resolution.settled && !this.#sent.has(part.paymentHash)) {
      this.violate('S1', `${part.label} is settled at lnd, but no daemon ever sent its preimage`);
    }
    if (resolution.settled && this.#decisions.get(id) !== 'settle') {
      this.violate('S2', `${part.label} is settled at lnd against its decision`);
    }
  }

  sentPreimageOf(hash: PaymentHash): boolean {
    return this.#sent.has(hash);
  }

  membersOf(hash: PaymentHash): readonly PartId[] {
    return this.#members.get(hash) ?? [];
  }

  setIdOf(hash: PaymentHash): SetId | undefined {
    return this.#database!.invoices.get(hash)?.setId;
  }

  #of(process: Process): Knowledge {
    let knowledge = this.#knowledge.get(process);
    if (!knowledge) {
      knowledge = {
        sessions: new Map(),
        synced: new Map(),
        blockAt: new Map(),
        released: new Set(),
        failed: new Set(),
        height: 0,
        epoch: undefined,
      };
      this.#knowledge.set(process, knowledge);
    }
    return knowledge;
  }
}

const idOf = (node: LndNode, key: { readonly chanId: bigint; readonly htlcId: bigint }): PartId =>
  partIdOf({ nodeId: node.nodeId, chanId: key.chanId, htlcId: key.htlcId });

const name = (id: PartId, part: TruePart | undefined): string => part?.label ?? id.slice(-20);
