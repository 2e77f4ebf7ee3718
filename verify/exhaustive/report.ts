import type { Report } from './explore/explore.ts';

export const count = (n: number): string => n.toLocaleString('en-US');

/** The figures of one exploration, and the story of what went wrong in it. */
export function printReport(report: Report): void {
  const { scope, design, states, transitions, depth, memories, computed, seconds, stuck, partials } = report;
  const end = report.violation ? 'ended by a violation' : report.isComplete ? 'all of them' : 'CUT OFF';
  console.log(`${scope} (${design}): ${count(states)} states, ${end}`);
  console.log(`  ${count(transitions)} transitions, depth ${depth}, ${seconds.toFixed(1)} s`);
  console.log(`  ${count(memories)} daemon memories, ${count(computed)} steps computed by the real charts`);
  console.log(
    `  violations: ${report.violation ? 1 : 0}; stuck: ${report.isComplete ? count(stuck) : 'not looked for'}`,
  );
  console.log(
    `  paid in part after an outage beyond the margin (the known residual): ${count(partials)} transitions`,
  );
  printStory(report);
}

export function printTotal(reports: readonly Report[]): void {
  const sum = (of: (report: Report) => number) => count(reports.reduce((total, r) => total + of(r), 0));
  const done = reports.filter((r) => r.isComplete).length;
  console.log(
    `${done} of ${reports.length} scopes complete: ${sum((r) => r.states)} states, ${sum((r) => r.transitions)} ` +
      `transitions, ${sum((r) => Math.round(r.seconds))} s; ${sum((r) => (r.violation ? 1 : 0))} violations, ` +
      `${sum((r) => r.stuck)} stuck`,
  );
}

export function printStory({ violation, stuckStory }: Report): void {
  const story = violation?.story ?? stuckStory;
  if (!story) return;
  console.log(
    violation ? `\n  VIOLATION of ${violation.law}: ${violation.detail}` : '\n  STUCK after these steps',
  );
  for (const [i, { step, picture }] of story.entries()) {
    console.log(`  ${String(i + 1).padStart(3)}. ${step}`);
    console.log(`       ${picture}`);
  }
  console.log('');
}
