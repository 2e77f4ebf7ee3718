import type { FuzzReport } from './engine/fuzz.ts';

/** One line of figures. */
export function figures({ target, runs, seconds, kept, covered, outcomes, slowestMs }: FuzzReport): string {
  const rate = Math.round(runs / Math.max(seconds, 0.001)).toLocaleString('en');
  const source = covered > 0 ? `, ${covered.toLocaleString('en')} bytes of source ran` : '';
  return (
    `${target}: ${runs.toLocaleString('en')} inputs in ${seconds.toFixed(1)} s (${rate}/s), ` +
    `${outcomes.size} kinds of outcome, ${kept} inputs kept${source}, slowest ${slowestMs.toFixed(1)} ms`
  );
}

/** What happened to how many inputs, the commonest first. */
export function outcomeLines({ outcomes, runs }: FuzzReport, most = 12): string[] {
  const sorted = [...outcomes].sort((a, b) => b[1] - a[1]).slice(0, most);
  return sorted.map(([outcome, count]) => `  ${((100 * count) / runs).toFixed(2).padStart(6)} %  ${outcome}`);
}

/** The finding for a person, with the line that makes it a test. */
export function findingText(report: FuzzReport, seed: number, show?: (input: Uint8Array) => string): string {
  const { finding, target } = report;
  if (!finding) return '';
  const hex = Buffer.from(finding.smallest).toString('hex');
  const lines = [
    `FOUND in ${target} after ${report.runs} inputs (seed ${seed}): ${finding.message}`,
    finding.stack,
    `input (${finding.input.length} bytes): ${Buffer.from(finding.input).toString('hex')}`,
    `made smaller (${finding.smallest.length} bytes): ${hex}`,
    ...(show ? [`which is: ${show(finding.smallest)}`] : []),
    'as a test, in test/verify/fuzzFindings.ts:',
    `  { target: '${target}', promise: ${JSON.stringify(finding.message.slice(0, 80))}, hex: '${hex}' },`,
  ];
  return lines.join('\n');
}
