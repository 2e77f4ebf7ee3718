/**
 * npm run check: all that must hold before a change is taken, in the order of what takes the least time. CI runs
 * exactly this. Every step runs, also after one that failed; the last line counts the tests.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

interface Step {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
}

const root = resolve(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'lnmux-check-'));
const reports = ['test', 'test:proofs'].map((script) => ({ script, path: join(scratch, `${script}.json`) }));

const STEPS: readonly Step[] = [
  { name: 'types', command: ['npm', 'run', '--silent', 'typecheck'] },
  { name: 'lint and format', command: ['npm', 'run', '--silent', 'lint'] },
  { name: 'generated code is fresh', command: ['node', 'scripts/checkGenerated.ts'] },
  { name: 'statecharts are fresh', command: ['node', 'scripts/statecharts/generate.ts', '--check'] },
  ...reports.map(
    ({ script, path }): Step => ({
      name: script === 'test' ? 'tests' : 'proofs, in small sizes',
      command: [
        ...(['npm', 'run', '--silent', script, '--'] as const),
        ...['--reporter=default', '--reporter=json', `--outputFile.json=${path}`],
      ],
    }),
  ),
];

/** Vitest's own count. A file that could not even be loaded has no failed tests, and still is a failure. */
function countTests(report: string): { readonly passed: number; readonly failed: number } {
  try {
    const result = JSON.parse(readFileSync(report, 'utf8')) as {
      numPassedTests: number;
      numFailedTests: number;
      testResults: { status: string; assertionResults: { status: string }[] }[];
    };
    const unloaded = result.testResults.filter(
      ({ status, assertionResults }) =>
        status === 'failed' && !assertionResults.some((test) => test.status === 'failed'),
    );
    return { passed: result.numPassedTests, failed: result.numFailedTests + unloaded.length };
  } catch {
    return { passed: 0, failed: 0 };
  }
}

const failures: string[] = [];
try {
  for (const { name, command } of STEPS) {
    const began = performance.now();
    console.log(`\n== ${name}`);
    const [program, ...args] = command;
    const { status } = spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`== ${name}: ${status === 0 ? 'ok' : 'FAILED'}, ${seconds} s`);
    if (status !== 0) failures.push(name);
  }
  const counts = reports.map(({ path }) => countTests(path));
  const passed = counts.reduce((sum, count) => sum + count.passed, 0);
  const failed = counts.reduce((sum, count) => sum + count.failed, 0);
  console.log(failures.length === 0 ? '\nall checks passed' : `\nfailed: ${failures.join(', ')}`);
  // Vitest may also fail as a whole: an error outside of any test, or none found at all.
  console.log(`tests: ${passed} passed, ${failures.length > 0 ? Math.max(failed, 1) : failed} failed`);
  if (failures.length > 0) process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
