import { styleText } from 'node:util';
import { explain, type Paint } from '../config/explain.ts';
import { type ConfigProblem, type ConfigResult, formatProblem, loadConfig } from '../config/load.ts';
import { checkNodeFiles } from '../config/nodeFiles.ts';
import { EXIT } from '../exit.ts';
import type { ConfigCheckCommand } from '../lnmuxdCommand.ts';

const COLOURS: Paint = {
  faint: (text) => styleText('dim', text),
  wrong: (text) => styleText('red', text),
  warning: (text) => styleText('yellow', text),
};

const count = (number: number, what: string) => `${number} ${what}${number === 1 ? '' : 's'}`;

function summary(path: string, result: ConfigResult, warnings: readonly ConfigProblem[]): string {
  const warned = warnings.length === 0 ? '' : `, ${count(warnings.length, 'warning')}`;
  if (!result.ok) return `${path}: ${count(result.problems.length, 'problem')}${warned}`;
  const { lnd, db } = result.config;
  const database = db.dsn === undefined ? `embedded PostgreSQL in ${db.dataDir}` : 'PostgreSQL by dsn';
  return `${path} is right: ${lnd.network}, ${count(lnd.nodes.length, 'lnd node')}, ${database}${warned}`;
}

function repeat(warnings: readonly ConfigProblem[], problems: readonly ConfigProblem[]): void {
  for (const warning of warnings) process.stderr.write(`warning: ${formatProblem(warning)}\n`);
  for (const problem of problems) process.stderr.write(`${formatProblem(problem)}\n`);
}

/**
 * `lnmuxd config check`: explains the configuration on stdout, row by row, and repeats on stderr what is wrong, a
 * line each, for those who read that alone.
 */
export function checkConfig({ config: path, strict }: ConfigCheckCommand): number {
  const result = loadConfig({ path, strict, env: process.env });
  const { settings } = result;
  const files = result.ok ? checkNodeFiles(result.config.lnd, settings, path) : [];
  const warnings = [...result.warnings, ...files];
  const problems = result.ok ? [] : result.problems;
  const isColoured = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  if (settings.length > 0) {
    const rows = explain({ settings, problems, warnings }, isColoured ? COLOURS : undefined);
    process.stdout.write(`${rows.join('\n')}\n\n`);
  }
  // On a terminal it would only be there twice.
  const isTold = settings.length > 0 && process.stdout.isTTY === true && process.stderr.isTTY === true;
  if (!isTold) repeat(warnings, problems);
  process.stdout.write(`${summary(path, result, warnings)}\n`);
  return result.ok ? EXIT.ok : EXIT.failed;
}
