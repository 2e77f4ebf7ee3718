import { parseArgs } from 'node:util';
import { type Design, REAL_DESIGN } from './design.ts';
import { explore, FEWEST, type Options, PLAIN, type Progress, SHORTEST } from './explore/explore.ts';
import { MUTANTS } from './mutants/mutants.ts';
import { count, printReport, printStory, printTotal } from './report.ts';
import { scopesOf } from './scopes.ts';

const USAGE = `node verify/exhaustive/main.ts [--scope full|ci|NAME] [--mutant NAME|all] [--max-states N] [--story] [--plain]

Explores every state of small worlds around the real statecharts. Ends with 1 when a law is broken, a state is
stuck, or a mutant survives. With --plain no state stands for another one: slow, and for comparison.`;

function say(progress: Progress): void {
  const { scope, states, transitions, layer, frontier, memories, seconds } = progress;
  const rate = count(Math.round(transitions / seconds));
  process.stderr.write(
    `${scope}: ${count(states)} states, ${count(transitions)} transitions (${rate}/s), layer ${layer}, ` +
      `${count(frontier)} to go, ${count(memories)} memories, ${Math.round(seconds)} s\n`,
  );
}

function exploreScopes(name: string, design: Design, options: Options): boolean {
  const reports = scopesOf(name).map((scope) => {
    const report = explore(scope, design, { ...options, onProgress: say });
    printReport(report);
    return report;
  });
  printTotal(reports);
  // What was cut off proves nothing.
  return reports.every((r) => r.isComplete && r.stuck === 0);
}

function seedMutants(name: string, options: Options, withStories: boolean): boolean {
  const chosen = MUTANTS.filter((m) => name === 'all' || m.design.name === name);
  if (chosen.length === 0)
    throw new Error(`no mutant ${name}: ${MUTANTS.map((m) => m.design.name).join(', ')}`);
  let isGood = true;
  for (const { design, scope, breaks, what } of chosen) {
    const report = explore(scopesOf(scope)[0]!, design, options);
    const law = report.violation?.law ?? (report.stuck > 0 ? 'stuck' : 'SURVIVED');
    const story = report.violation?.story ?? report.stuckStory;
    const isFound = law.startsWith(breaks);
    isGood &&= isFound;
    console.log(
      `${isFound ? 'found ' : 'MISSED'} ${design.name.padEnd(26)} ${law.padEnd(28)} ${String(story?.length ?? 0).padStart(2)} steps ` +
        `${count(report.states).padStart(9)} states ${report.seconds.toFixed(1).padStart(5)} s  ${what}`,
    );
    if (withStories || chosen.length === 1) printStory(report);
  }
  return isGood;
}

function main(): void {
  const { values } = parseArgs({
    options: {
      scope: { type: 'string', default: 'full' },
      mutant: { type: 'string' },
      'max-states': { type: 'string', default: '400000000' },
      plain: { type: 'boolean', default: false },
      story: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return console.log(USAGE);
  const maxStates = Number(values['max-states']);
  const reductions = values.plain ? PLAIN : values.mutant ? SHORTEST : FEWEST;
  const isGood = values.mutant
    ? seedMutants(values.mutant, { maxStates, reductions }, values.story)
    : exploreScopes(values.scope, REAL_DESIGN, { maxStates, reductions });
  process.exitCode = isGood ? 0 : 1;
}

main();
