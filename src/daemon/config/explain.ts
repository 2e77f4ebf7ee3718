import type { ConfigProblem } from './problem.ts';
import { type Setting, visible } from './setting.ts';

/** What is put around a row, on a terminal that has colours. */
export interface Paint {
  faint(text: string): string;
  wrong(text: string): string;
  warning(text: string): string;
}

const PLAIN: Paint = { faint: (text) => text, wrong: (text) => text, warning: (text) => text };

export interface Explained {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/** Wide enough for the longest word in it, `default`, and a gap. */
const MARGIN = 9;

interface Row {
  readonly margin: string;
  /** Of the text: two spaces for each level. */
  readonly indent: string;
  readonly text: string;
  readonly paint: (text: string) => string;
}

const isItem = ({ origin, name }: Setting) => origin === 'block' && name.startsWith('[');

const pathOf = (setting: Setting): string => {
  const { block, name } = setting;
  return block === '' || isItem(setting) ? block + name : `${block}.${name}`;
};

class Explanation {
  readonly #paint: Paint;
  readonly #children = new Map<string, Setting[]>();
  /** Problems and warnings that no row has shown yet. */
  readonly #left: Map<ConfigProblem, 'wrong' | 'warning'>;
  readonly rows: Row[] = [];

  constructor({ settings, problems, warnings }: Explained, paint: Paint) {
    this.#paint = paint;
    for (const setting of settings) {
      const siblings = this.#children.get(setting.block) ?? [];
      siblings.push(setting);
      this.#children.set(setting.block, siblings);
    }
    this.#left = new Map([
      ...problems.map((problem) => [problem, 'wrong'] as const),
      ...warnings.map((warning) => [warning, 'warning'] as const),
    ]);
  }

  /** In the order of the file; what is not in it follows, in the order in which it is read. */
  block(path: string, indent: string): void {
    const children = this.#children.get(path) ?? [];
    const place = ({ line }: Setting) => line ?? Number.POSITIVE_INFINITY;
    const inOrder = [...children.entries()].sort(([i, a], [j, b]) => place(a) - place(b) || i - j);
    for (const [, child] of inOrder) {
      if (isItem(child)) this.#item(child, indent);
      else this.#key(child, indent);
    }
  }

  /** An entry of a list: the first of its keys carries the dash. */
  #item(item: Setting, indent: string): void {
    const at = this.rows.length;
    this.block(pathOf(item), `${indent}  `);
    const first = this.rows[at];
    if (first !== undefined) this.rows[at] = { ...first, indent: `${indent}- ` };
    this.#findings(item, indent);
  }

  #key(setting: Setting, indent: string): void {
    const { name, value, origin, line } = setting;
    const isBlock = origin === 'block';
    const isEmpty = isBlock && !this.#children.has(pathOf(setting));
    const nothing = origin === 'unknown' ? '…' : '(not set)';
    const shown = isBlock ? (isEmpty ? ' []' : '') : ` ${value === '' ? '(empty)' : (value ?? nothing)}`;
    const margin = origin === 'environment' ? 'env' : String(line ?? 'default');
    const isFaint = line === undefined && origin !== 'environment';
    const paint = isFaint ? this.#paint.faint : PLAIN.faint;
    this.rows.push({ margin, indent, text: `${visible(name)}:${shown}${this.#remark(setting)}`, paint });
    this.#findings(setting, indent);
    // Names of unknown keys are whatever somebody wrote: nothing is looked up by them.
    if (isBlock) this.block(pathOf(setting), `${indent}  `);
  }

  #remark({ origin, from, line, remark }: Setting): string {
    const instead = origin === 'environment' && line !== undefined ? `instead of line ${line}` : undefined;
    const parts = [from && `from ${from}`, instead, remark].filter((part) => part !== undefined);
    return parts.length === 0 ? '' : `   # ${parts.join(', ')}`;
  }

  #findings(setting: Setting, indent: string): void {
    const path = pathOf(setting);
    const variable = setting.from?.split(', ')[0];
    for (const [problem, kind] of this.#left) {
      const { key, source, line } = problem;
      const isHere =
        key === path && (line === undefined || line === setting.line || setting.origin !== 'unknown');
      if (isHere || (key === '' && source === variable)) this.#finding(problem, kind, indent, '^ ');
    }
  }

  #finding(problem: ConfigProblem, kind: 'wrong' | 'warning', indent: string, prefix: string): void {
    this.#left.delete(problem);
    this.rows.push({ margin: kind, indent, text: prefix + problem.message, paint: this.#paint[kind] });
  }

  /** What belongs to no row: a variable that should not be set, say. */
  rest(): void {
    for (const [problem, kind] of this.#left) {
      this.#finding(problem, kind, '', `${problem.key || problem.source}: `);
    }
  }
}

/**
 * The configuration as it is understood, as rows of text: every key with its value, in the margin the line that sets
 * it or where else it comes from, and below it what is wrong with it.
 */
export function explain(explained: Explained, paint: Paint = PLAIN): readonly string[] {
  const explanation = new Explanation(explained, paint);
  explanation.block('', '');
  explanation.rest();
  return explanation.rows.map(({ margin, indent, text, paint }) =>
    paint(`${margin.padStart(MARGIN)}  ${indent}${text}`),
  );
}
