import { writeFileSync } from 'node:fs';
import { type FigureId, GOALS, type Goal, numberText, verdictOf } from './figures.ts';

/** Collects what the parts measure. */
export class Report {
  readonly #figures = new Map<FigureId, number>();
  readonly #details: Record<string, unknown> = {};
  readonly #notes: string[] = [];
  readonly #faults: string[] = [];

  figure(id: FigureId, value: number): void {
    this.#figures.set(id, value);
  }

  get(id: FigureId): number | undefined {
    return this.#figures.get(id);
  }

  /** Everything a part knows, for the JSON file. */
  detail(name: string, value: unknown): void {
    this.#details[name] = value;
  }

  /** A line below the table. */
  note(text: string): void {
    this.#notes.push(text);
  }

  /** Something that must not happen: the run fails. */
  fault(text: string): void {
    this.#faults.push(text);
  }

  get failed(): boolean {
    return this.#faults.length > 0;
  }

  /** The table for people. */
  text(): string {
    const rows = GOALS.flatMap((goal) => {
      const measured = this.#figures.get(goal.id);
      return measured === undefined ? [] : [rowOf(goal, measured)];
    });
    const lines = ['', ...table([['', 'target', 'gate', 'measured', ''], ...rows]), ''];
    const missed = GOALS.filter((goal) => this.#verdict(goal) === 'missed').map(({ label }) => label.trim());
    const behind = GOALS.filter((goal) => this.#verdict(goal) === 'gate met').map(({ label }) =>
      label.trim(),
    );
    if (missed.length > 0) lines.push(`Missed: ${missed.join('; ')}`);
    if (behind.length > 0) lines.push(`Short of the target: ${behind.join('; ')}`);
    lines.push(...this.#notes);
    const ratio = this.#figures.get('go.ratio');
    if (ratio !== undefined) lines.push(`ratio ${ratio.toFixed(1)}×`);
    for (const fault of this.#faults) lines.push(`BROKEN: ${fault}`);
    return `${lines.join('\n')}\n`;
  }

  #verdict(goal: Goal & { readonly id: FigureId }): string {
    const measured = this.#figures.get(goal.id);
    return measured === undefined ? '' : verdictOf(goal, measured);
  }

  /** The same for programs. */
  writeJson(path: string): void {
    const figures = GOALS.flatMap((goal: Goal & { readonly id: FigureId }) => {
      const measured = this.#figures.get(goal.id);
      if (measured === undefined) return [];
      const { id, label, unit, target, gate } = goal;
      return [{ id, label: label.trim(), unit, target, gate, measured, verdict: verdictOf(goal, measured) }];
    });
    const all = { figures, notes: this.#notes, faults: this.#faults, details: this.#details };
    writeFileSync(path, `${JSON.stringify(all, null, 2)}\n`);
  }
}

function rowOf(goal: Goal, measured: number): string[] {
  const { label, unit, digits = 0 } = goal;
  const limit = (value: number | undefined) => {
    if (value === undefined) return '';
    return `${goal.better === 'more' ? '≥' : '≤'} ${numberText(value, Number.isInteger(value) ? 0 : digits)} ${unit}`;
  };
  return [
    label,
    limit(goal.target),
    limit(goal.gate),
    `${numberText(measured, digits)} ${unit}`,
    verdictOf(goal, measured),
  ];
}

/** Columns side by side; numbers to the right. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column >= 1 && column <= 3 ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!),
      )
      .join('   ')
      .trimEnd(),
  );
}
