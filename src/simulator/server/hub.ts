import { circuitText } from '../node/ledger.ts';
import type { Answer, Htlc, JournalRecord, NodeEvent, NodeOutput, Outcome } from '../node/types.ts';

/** Someone who waits for what becomes of one HTLC. */
export interface HtlcWatcher {
  answered?(answer: Answer): void;
  outcome(outcome: Outcome): void;
}

/** Totals since the process started. */
export interface NodeCounters {
  offered: number;
  answered: number;
  settled: number;
  failed: number;
  answerFaults: number;
  interceptorConnects: number;
  restarts: number;
}

/** Takes what the core tells to those who asked for it. */
export class NodeHub implements NodeOutput {
  readonly counters: NodeCounters = {
    offered: 0,
    answered: 0,
    settled: 0,
    failed: 0,
    answerFaults: 0,
    interceptorConnects: 0,
    restarts: 0,
  };
  readonly eventListeners = new Set<(event: NodeEvent) => void>();
  readonly blockListeners = new Set<(height: number, hash: Uint8Array) => void>();
  readonly answerListeners = new Set<() => void>();
  private readonly watchers = new Map<string, HtlcWatcher[]>();
  private readonly appendJournal: (record: JournalRecord) => void;

  constructor(appendJournal: (record: JournalRecord) => void) {
    this.appendJournal = appendJournal;
  }

  watch(name: string, watcher: HtlcWatcher): void {
    const watchers = this.watchers.get(name);
    if (watchers) watchers.push(watcher);
    else this.watchers.set(name, [watcher]);
  }

  unwatch(name: string, watcher: HtlcWatcher): void {
    const left = this.watchers.get(name)?.filter((each) => each !== watcher) ?? [];
    if (left.length === 0) this.watchers.delete(name);
    else this.watchers.set(name, left);
  }

  event(event: NodeEvent): void {
    for (const listener of this.eventListeners) listener(event);
  }

  block(height: number, hash: Uint8Array): void {
    for (const listener of this.blockListeners) listener(height, hash);
  }

  answered(htlc: Htlc, answer: Answer): void {
    this.counters.answered++;
    for (const watcher of this.watchers.get(circuitText(htlc)) ?? []) watcher.answered?.(answer);
    for (const listener of this.answerListeners) listener();
  }

  outcome(htlc: Htlc, outcome: Outcome): void {
    if (outcome.kind === 'settled') this.counters.settled++;
    else this.counters.failed++;
    const name = circuitText(htlc);
    const watchers = this.watchers.get(name);
    this.watchers.delete(name);
    for (const watcher of watchers ?? []) watcher.outcome(outcome);
  }

  journal(record: JournalRecord): void {
    this.appendJournal(record);
  }
}
