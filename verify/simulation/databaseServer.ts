import {
  type BatchOutcome,
  type Decision,
  type DecisionOutcome,
  type DecisionStore,
  FencedRead,
  type FinalRecord,
  type LeadershipStore,
  type RecordedFinal,
} from '../../src/actors/ports/decisionStore.ts';
import { roundsOf } from '../../src/adapters/postgres/rounds.ts';
import type { Counters } from './counters.ts';
import type { DatabaseState } from './databaseState.ts';
import type { Prng } from './random.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** What may become of one statement that is not simply acknowledged. */
export type StatementFault =
  | 'error'
  | 'ambiguousLost'
  | 'ambiguousCommitted'
  /** Waits for a standby: not visible, every other write waits behind it; commits or is lost in the end. */
  | 'lateInDoubt'
  /** Still queued at the server when the client has given it up: runs later, also after it was submitted again. */
  | 'lateQueued'
  | 'slow';

/** What the ledger hears of acknowledgements. */
export interface AcknowledgementObserver {
  acknowledged(
    process: Process,
    epoch: bigint,
    decisions: readonly Decision[],
    results: readonly DecisionOutcome[],
  ): void;
  read(
    process: Process,
    rows: { readonly released: readonly string[]; readonly failed: readonly string[] },
  ): void;
}

type Answer<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: string }
  | { readonly kind: 'ambiguous'; readonly error: string };

interface Flight {
  /** Called once, with what the client gets to know. */
  readonly answer: (kind: 'failed' | 'ambiguous', error: string) => void;
}

const CLIENT_TIMEOUT_MS = 10_000;
const LOCK_TIMEOUT_MS = 8_000;

/**
 * The server and the connections to it: each statement is one atomic step on the state, at a moment between sending
 * and answer, and the answer is whatever the drawn fault makes of it.
 */
export class DatabaseServer {
  readonly state: DatabaseState;
  readonly #scheduler: Scheduler;
  readonly #random: Prng;
  readonly #counters: Counters;
  readonly #armed: StatementFault[] = [];
  #armedReads = 0;
  #down = false;
  #troubledAt = Number.NEGATIVE_INFINITY;
  #slowUntil = 0;
  readonly #flights = new Set<Flight>();
  /** Ends the statement in doubt, with its commit or without. */
  #inDoubt: ((commit: boolean) => void) | undefined;
  #behind: (() => void)[] = [];

  constructor(state: DatabaseState, scheduler: Scheduler, random: Prng, counters: Counters) {
    this.state = state;
    this.#scheduler = scheduler;
    this.#random = random;
    this.#counters = counters;
  }

  /** When it last was anything but well. */
  get troubledAt(): number {
    const now = this.#down || this.#inDoubt || this.#armed.length > 0 || this.#armedReads > 0;
    return now ? this.#scheduler.now : this.#troubledAt;
  }

  arm(fault: StatementFault): void {
    this.#armed.push(fault);
  }

  armRead(): void {
    this.#armedReads += 1;
  }

  slowFor(ms: number): void {
    this.#slowUntil = Math.max(this.#slowUntil, this.#scheduler.now + ms);
    this.#troubledAt = Math.max(this.#troubledAt, this.#slowUntil + CLIENT_TIMEOUT_MS);
  }

  /** Every connection breaks: what was under way has an open outcome. */
  goDown(ms: number): void {
    this.#down = true;
    for (const flight of [...this.#flights]) flight.answer('ambiguous', 'connection lost');
    this.#scheduler.after(ms, 'database is back', () => {
      this.#down = false;
      this.#troubledAt = Math.max(this.#troubledAt, this.#scheduler.now);
    });
  }

  /** As {@link goDown}; the new primary may lack what no standby had: never anything acknowledged. */
  failOver(ms: number): void {
    this.#inDoubt?.(this.#random.chance(0.5));
    this.goDown(ms);
  }

  heal(): void {
    this.#armed.length = 0;
    this.#armedReads = 0;
    this.#down = false;
    this.#slowUntil = 0;
    this.#inDoubt?.(true);
  }

  storeOf(process: Process, observer: AcknowledgementObserver): DecisionStore {
    const { state } = this;
    return {
      decide: (epoch, decisions) => this.#decide(process, epoch, decisions, observer),
      finalise: (epoch, finals) => this.#finalise(process, epoch, finals),
      journal: async (epoch, lines, height) => {
        const answer = await this.#write(process, 'journal', () => {
          if (!this.#holds(epoch)) return false;
          state.height = Math.max(state.height, height);
          state.sequence += BigInt(lines.length);
          return true;
        });
        return this.#batch<never>(answer, () => []);
      },
      recover: async (epoch) => {
        const recovery = await this.#read(process, 'recover', () => {
          if (!this.#holds(epoch)) throw new FencedRead();
          return state.recovery();
        });
        observer.read(process, {
          released: recovery.invoices.filter((i) => i.released).map((i) => i.paymentHash),
          failed: recovery.fails.map((f) => `${f.key.nodeId}:${f.key.chanId}:${f.key.htlcId}`),
        });
        return recovery;
      },
      invoicesByHash: async (hashes, epoch) => {
        const rows = await this.#read(process, 'byHash', () => {
          if (epoch !== undefined && !this.#holds(epoch)) throw new FencedRead();
          return state.byHash(hashes);
        });
        observer.read(process, {
          released: rows.filter((r) => r.released).map((r) => r.paymentHash),
          failed: [],
        });
        return rows;
      },
      storedHashes: (after, max) =>
        this.#read(process, 'hashes', () => {
          const rows = state.byHash([...state.invoices.keys()]).filter((row) => row.sequenceNumber > after);
          const page = rows.slice(0, max);
          return {
            hashes: page.map((row) => row.paymentHash),
            last: page.at(-1)?.sequenceNumber ?? after,
          };
        }),
      listInvoices: () => this.#read(process, 'list', () => state.byHash([...state.invoices.keys()])),
      eventsByHash: () => Promise.resolve([]),
      eventsAfter: () => Promise.resolve([]),
      lastEvent: () => Promise.resolve(0n),
    };
  }

  leadershipOf(process: Process): LeadershipStore {
    const { leader } = this.state;
    const write = async <T>(label: string, apply: () => T): Promise<T> => {
      const answer = await this.#write(process, label, apply);
      if (answer.kind === 'value') return answer.value;
      throw new Error(answer.error);
    };
    return {
      acquire: (owner, leaseMs) =>
        write('acquire', () => {
          const { now } = this.#scheduler;
          if (leader.expiresAt > now) {
            return { acquired: false as const, owner: leader.owner, remainingMs: leader.expiresAt - now };
          }
          Object.assign(leader, { epoch: leader.epoch + 1n, owner, expiresAt: now + leaseMs });
          return { acquired: true as const, epoch: leader.epoch };
        }),
      renew: (epoch, leaseMs) =>
        write('renew', () => {
          if (leader.epoch !== epoch) return false;
          leader.expiresAt = this.#scheduler.now + leaseMs;
          return true;
        }),
      release: (epoch) =>
        write('release', () => {
          if (leader.epoch === epoch) leader.expiresAt = Number.NEGATIVE_INFINITY;
        }),
    };
  }

  #holds(epoch: bigint): boolean {
    return this.state.leader.epoch === epoch;
  }

  async #decide(
    process: Process,
    epoch: bigint,
    decisions: readonly Decision[],
    observer: AcknowledgementObserver,
  ): Promise<BatchOutcome<DecisionOutcome>> {
    const results: DecisionOutcome[] = [];
    let written = 0;
    for (const round of roundsOf(decisions)) {
      const answer = await this.#write(
        process,
        `decide ${round.map((i) => decisions[i]!.kind).join(' ')}`,
        () => (this.#holds(epoch) ? round.map((i) => this.state.decide(epoch, decisions[i]!)) : undefined),
      );
      if (answer.kind === 'failed' && written > 0) {
        return { kind: 'ambiguous', error: `a part of the batch is written: ${answer.error}` };
      }
      if (answer.kind === 'failed') return { ...answer, retryable: true };
      if (answer.kind === 'ambiguous') return answer;
      if (!answer.value) {
        this.#counters.hit('db.fenced');
        return { kind: 'fenced' };
      }
      for (const [at, index] of round.entries()) results[index] = answer.value[at]!;
      written += 1;
    }
    for (const result of results) if (result.outcome === 'refused') this.#counters.hit('db.refused');
    observer.acknowledged(process, epoch, decisions, results);
    return { kind: 'acknowledged', results, lastSequence: this.state.sequence };
  }

  async #finalise(
    process: Process,
    epoch: bigint,
    finals: readonly FinalRecord[],
  ): Promise<BatchOutcome<RecordedFinal>> {
    const answer = await this.#write(process, 'finalise', () =>
      this.#holds(epoch) ? this.state.finalise(finals) : false,
    );
    return this.#batch(answer, (value) => value as RecordedFinal[]);
  }

  #batch<R>(answer: Answer<unknown>, results: (value: unknown) => R[]): BatchOutcome<R> {
    if (answer.kind === 'failed') return { ...answer, retryable: true };
    if (answer.kind === 'ambiguous') return answer;
    if (answer.value === false) {
      this.#counters.hit('db.fenced');
      return { kind: 'fenced' };
    }
    return { kind: 'acknowledged', results: results(answer.value), lastSequence: this.state.sequence };
  }

  /** One autocommitted statement. `apply` runs once at most, at its commit. */
  #write<T>(process: Process, label: string, apply: () => T): Promise<Answer<T>> {
    return new Promise((resolve) => {
      const name = `${process.name} db ${label}`;
      let answered = false;
      const reply = (answer: Answer<T>) => {
        if (answered) return;
        answered = true;
        this.#flights.delete(flight);
        this.#scheduler.after(this.#latency(), `${name} -> ${answer.kind}`, () => resolve(answer), {
          owner: process,
        });
      };
      const flight: Flight = { answer: (kind, error) => reply({ kind, error }) };
      if (this.#down) {
        this.#counters.hit('db.notReached');
        reply({ kind: 'failed', error: 'cannot connect' });
        return;
      }
      this.#flights.add(flight);
      const delay =
        this.#latency() + (this.#scheduler.now < this.#slowUntil ? this.#random.between(50, 2_000) : 0);
      this.#scheduler.after(delay, `${name} arrives`, () => {
        // The connection broke on the way: the statement never got there.
        if (answered || (!process.alive && this.#random.chance(0.3))) return;
        this.#execute(label, apply, reply);
      });
    });
  }

  #execute<T>(label: string, execute: () => T, reply: (answer: Answer<T>) => void): void {
    if (this.#inDoubt) return this.#wait(label, execute, reply);
    const fault = label === 'journal' || label === 'release' ? undefined : this.#armed.shift();
    if (fault) {
      this.#counters.hit(`db.${fault}`);
      this.#troubledAt = Math.max(this.#troubledAt, this.#scheduler.now + CLIENT_TIMEOUT_MS * 1.3);
    }
    const lost: Answer<T> = { kind: 'ambiguous', error: 'connection lost' };
    switch (fault) {
      case undefined:
        return reply({ kind: 'value', value: execute() });
      case 'error':
        return reply({ kind: 'failed', error: 'SQLSTATE 40001' });
      case 'ambiguousLost':
        return reply(lost);
      case 'ambiguousCommitted':
        execute();
        return reply(lost);
      case 'slow':
        this.#scheduler.after(this.#random.between(300, CLIENT_TIMEOUT_MS * 1.3), `${label} at last`, () =>
          reply({ kind: 'value', value: execute() }),
        );
        this.#scheduler.after(CLIENT_TIMEOUT_MS, `${label} given up`, () => reply(lost));
        return;
      case 'lateQueued':
        reply(lost);
        this.#scheduler.after(this.#random.between(1, 9_000), `${label} runs late`, () => void execute());
        return;
      case 'lateInDoubt':
        return this.#becomeInDoubt(label, execute, reply);
    }
  }

  #becomeInDoubt<T>(label: string, execute: () => T, reply: (answer: Answer<T>) => void): void {
    const end = (commit: boolean) => {
      if (this.#inDoubt !== end) return;
      this.#inDoubt = undefined;
      this.#counters.hit(commit ? 'db.inDoubtCommitted' : 'db.inDoubtLost');
      if (commit) execute();
      for (const next of this.#behind.splice(0)) next();
    };
    this.#inDoubt = end;
    this.#scheduler.after(this.#random.between(1, 200), `${label} in doubt`, () =>
      reply({ kind: 'ambiguous', error: 'connection lost while the standby was waited for' }),
    );
    const commits = this.#random.chance(0.7);
    this.#scheduler.after(this.#random.between(100, 12_000), `${label} no longer in doubt`, () =>
      end(commits),
    );
  }

  /** Behind a statement in doubt: its row locks hold every other write. */
  #wait<T>(label: string, execute: () => T, reply: (answer: Answer<T>) => void): void {
    this.#counters.hit('db.waitedBehindDoubt');
    let over = false;
    this.#behind.push(() => {
      if (over) return;
      over = true;
      this.#execute(label, execute, reply);
    });
    this.#scheduler.after(LOCK_TIMEOUT_MS, `${label} waited too long`, () => {
      if (over) return;
      over = true;
      reply({ kind: 'failed', error: 'SQLSTATE 57014' });
    });
  }

  #read<T>(process: Process, label: string, query: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      const slow = this.#scheduler.now < this.#slowUntil ? this.#random.between(50, 2_000) : 0;
      this.#scheduler.after(this.#latency() + slow, `${process.name} db ${label} arrives`, () => {
        const broken = this.#down || this.#armedReads > 0;
        if (this.#armedReads > 0) {
          this.#armedReads -= 1;
          this.#counters.hit('db.readError');
        }
        let value: T | undefined;
        let problem: unknown = broken ? new Error('connection lost') : undefined;
        try {
          if (!broken) value = query();
        } catch (error) {
          problem = error;
        }
        this.#scheduler.after(
          this.#latency() + slow,
          `${process.name} db ${label} ${broken ? 'failed' : 'read'}`,
          () => (problem === undefined ? resolve(value as T) : reject(problem)),
          { owner: process },
        );
      });
    });
  }

  #latency(): number {
    return this.#random.chance(0.05) ? this.#random.between(5, 120) : this.#random.between(0.1, 3);
  }
}
