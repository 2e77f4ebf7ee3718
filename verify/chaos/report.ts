import type { OwnEnd } from './cluster/cluster.ts';
import type { Ledger } from './judge/ledger.ts';
import type { Violation } from './judge/rules.ts';
import type { LeaderEnd, TakeOver } from './leaderWatch.ts';

/** What one run came to. */
export interface ChaosReport {
  readonly seconds: number;
  readonly payments: number;
  readonly htlcs: number;
  /** Payments by what the payer got: settled, failed, and others, which are violations. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** Answers to the application's calls, `settle OK` and so on. */
  readonly answers: ReadonlyMap<string, number>;
  readonly kills: number;
  readonly disturbances: number;
  readonly counts: ReadonlyMap<string, number>;
  readonly takeOvers: readonly TakeOver[];
  readonly longestGapMs: number;
  readonly drainMs: number;
  readonly epochs: bigint;
  /** Why daemons ended by themselves, and how often. */
  readonly ownEnds: ReadonlyMap<string, number>;
  readonly residuals: readonly Violation[];
  readonly violations: readonly Violation[];
  /** Story of each payment that a violation is about, up to a limit. */
  readonly stories: readonly string[];
  /** Where logs were kept, if they were. */
  readonly logDir: string | undefined;
}

const HASH = /[0-9a-f]{12,}/g;

/** Reasons of daemons that ended by themselves, without what differs from time to time. */
export function endReasons(ends: readonly OwnEnd[]): Map<string, number> {
  const reasons = new Map<string, number>();
  for (const { end, lastWords } of ends) {
    const words = lastWords?.startsWith('{') ? (JSON.parse(lastWords) as { msg: string }).msg : lastWords;
    const reason = `${end.signal ?? `exit ${end.code}`}: ${(words ?? 'no last words').replace(HASH, '…')}`;
    add(reasons, reason);
  }
  return reasons;
}

export function outcomesOf(ledger: Ledger): Map<string, number> {
  const outcomes = new Map<string, number>();
  for (const payment of ledger.payments.values()) {
    const paid = ledger
      .htlcsOf(payment.hash)
      .reduce((sum, { outcome, amountMsat }) => sum + (outcome === 'settled' ? amountMsat : 0n), 0n);
    if (!payment.isOver) add(outcomes, 'under way');
    else if (paid === 0n) add(outcomes, 'failed');
    else add(outcomes, paid === payment.amountMsat ? 'settled' : 'partial');
  }
  return outcomes;
}

export function answersOf(ledger: Ledger): Map<string, number> {
  const answers = new Map<string, number>();
  for (const calls of ledger.calls.values()) {
    for (const { kind, answer } of calls) add(answers, `${kind} ${answer.split(/[ :]/)[0]}`);
  }
  return answers;
}

/** For people and for the record. */
export function reportText(report: ChaosReport): string {
  const lines = [
    `${report.payments} payments (${report.htlcs} HTLCs): ${listed(report.outcomes)}`,
    `application: ${listed(report.answers)}`,
    `${report.kills} kills and ${report.disturbances} other faults in ${report.seconds} s: ${listed(report.counts)}`,
    `leaders: ${report.epochs} epochs, longest time without ${seconds(report.longestGapMs)}`,
    ...(['killed', 'stopped', 'frozen'] as const).map((how) => takeOverLine(report.takeOvers, how)),
    `daemons that ended by themselves: ${listed(report.ownEnds) || 'none'}`,
    `drained in ${seconds(report.drainMs)}`,
    `residual (released, then away until given back): ${report.residuals.length}`,
    ...report.residuals.slice(0, 10).map(({ hash, text }) => `  ${hash} ${text}`),
    `violations: ${report.violations.length} ${listed(byRule(report.violations))}`,
    ...report.violations.slice(0, 50).map(({ rule, hash, text }) => `  ${rule}: ${hash ?? ''} ${text}`),
    ...report.stories,
  ];
  if (report.logDir !== undefined) lines.push(`logs: ${report.logDir}`);
  return `${lines.join('\n')}\n`;
}

function takeOverLine(all: readonly TakeOver[], how: LeaderEnd): string {
  const title = { killed: 'kill -9', stopped: 'clean stop', frozen: 'SIGSTOP' }[how];
  const of = (list: readonly TakeOver[]) => {
    const times = list.map(({ ms }) => ms).sort((a, b) => a - b);
    if (times.length === 0) return 'none';
    const median = times[Math.floor((times.length - 1) / 2)]!;
    return `${times.length}, median ${seconds(median)}, longest ${seconds(times.at(-1)!)}`;
  };
  const mine = all.filter((each) => each.how === how);
  return `take-over after ${title}: ${of(mine)}; with nothing else broken: ${of(mine.filter((each) => !each.disturbed))}`;
}

function byRule(violations: readonly Violation[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { rule } of violations) add(counts, rule);
  return counts;
}

function add(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function listed(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}
