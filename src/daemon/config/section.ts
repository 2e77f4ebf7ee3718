import { nearest } from '../nearest.ts';
import type { Entry } from './document.ts';
import { formatDuration, parseDuration } from './duration.ts';
import { parseInteger } from './integer.ts';
import { type ConfigProblem, shown } from './problem.ts';
import { type Setting, visible } from './setting.ts';

/** What is found while a file is read: problems, and what each key came to be. */
export class Findings {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: ConfigProblem[] = [];
  /** In the order of reading. Of a key that is read twice, the first reading counts. */
  readonly settings: Setting[] = [];
  readonly #known = new Set<string>();
  readonly source: string;
  readonly strict: boolean;

  constructor(source: string, strict: boolean) {
    this.source = source;
    this.strict = strict;
  }

  problem(key: string, line: number | undefined, message: string, source = this.source): void {
    this.problems.push({ source, line, key, message });
  }

  warning(key: string, line: number | undefined, message: string, source = this.source): void {
    this.warnings.push({ source, line, key, message });
  }

  setting(setting: Setting): void {
    const key = `${setting.block}\n${setting.name}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    this.settings.push(setting);
  }
}

const TRUE = new Set(['true', 'y', 'yes', 'on']);
const FALSE = new Set(['false', 'n', 'no', 'off']);

export interface IntegerRange {
  readonly fallback: number;
  readonly min: number;
  readonly max: number;
}

export interface DurationRange {
  readonly fallbackMs: number;
  readonly minMs: number;
  readonly maxMs: number;
  /** How the default is called where it isn't `fallbackMs`: "never". */
  readonly fallbackText?: string;
}

/**
 * One block of the file. Each getter takes a key's value, notes what is wrong with it and then goes on with the
 * default, so that one run shows every problem. `finish` complains about keys that nobody asked for.
 */
export class Section {
  readonly #fields: ReadonlyMap<string, Entry>;
  readonly #asked = new Set<string>();
  /** Keys that were complained about because they hold a block or a list. */
  readonly #misshapen = new Set<string>();
  readonly findings: Findings;
  readonly path: string;
  /** Line of the block, or of the file's start when the block is absent. */
  readonly line: number | undefined;

  constructor(entry: Entry | undefined, path: string, findings: Findings) {
    this.findings = findings;
    this.path = path;
    this.line = entry?.line;
    if (entry !== undefined && entry.kind !== 'map' && entry.kind !== 'nothing') {
      findings.problem(path, entry.line, 'must be a block of keys; write them indented below it');
    }
    this.#fields = entry?.kind === 'map' ? entry.fields : new Map<string, Entry>();
  }

  keyOf(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  /** Whether the key is there with a value. */
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  /** The value of a key; undefined when absent or empty. */
  get(name: string): Entry | undefined {
    this.#asked.add(name);
    const entry = this.#fields.get(name);
    return entry?.kind === 'nothing' ? undefined : entry;
  }

  lineOf(name: string): number | undefined {
    return this.#fields.get(name)?.line ?? this.line;
  }

  problem(name: string, message: string): void {
    this.findings.problem(this.keyOf(name), this.lineOf(name), message);
  }

  warning(name: string, message: string): void {
    this.findings.warning(this.keyOf(name), this.lineOf(name), message);
  }

  /** Notes, for `config check`, what a key is. `fallback` is its default, where it has one. */
  #note(name: string, fallback: string | undefined): void {
    const entry = this.#fields.get(name);
    const { path: block, findings } = this;
    if (entry?.kind === 'scalar') {
      findings.setting({ block, name, origin: 'file', line: entry.line, value: visible(entry.text) });
    } else if (entry === undefined || entry.kind === 'nothing') {
      findings.setting({ block, name, origin: 'default', line: entry?.line, value: fallback });
    } else findings.setting({ block, name, origin: 'block', line: entry.line, value: undefined });
  }

  /** Notes that the environment has the last word on a key; set to nothing counts as well. */
  overridden(name: string, value: string, variable: string): void {
    const { path: block, findings } = this;
    const line = this.#fields.get(name)?.line;
    findings.setting({ block, name, origin: 'environment', line, value: visible(value), from: variable });
  }

  section(name: string): Section {
    this.#asked.add(name);
    const line = this.#fields.get(name)?.line;
    this.findings.setting({ block: this.path, name, origin: 'block', line, value: undefined });
    return new Section(this.#fields.get(name), this.keyOf(name), this.findings);
  }

  list(name: string): readonly Section[] {
    const entry = this.get(name);
    const { path: block, findings } = this;
    findings.setting({ block, name, origin: 'block', line: this.#fields.get(name)?.line, value: undefined });
    if (entry === undefined) return [];
    if (entry.kind !== 'list') {
      this.problem(name, 'must be a list; start each entry with a dash');
      return [];
    }
    return entry.items.map((item, index) => {
      const nth = { block: this.keyOf(name), name: `[${index}]`, line: item.line };
      findings.setting({ ...nth, origin: 'block', value: undefined });
      return new Section(item, `${this.keyOf(name)}[${index}]`, findings);
    });
  }

  /** The text of a scalar; the default when the key is absent or (noted as a problem) not a single value. */
  text(name: string): string | undefined;
  text(name: string, fallback: string): string;
  text(name: string, fallback?: string): string | undefined {
    return this.#noted(name, fallback) ?? fallback;
  }

  #noted(name: string, fallback: string | undefined): string | undefined {
    this.#note(name, fallback);
    return this.unnoted(name);
  }

  /** As `text`, of a value that nobody may see: what may be known of it is noted by whoever reads it. */
  unnoted(name: string): string | undefined {
    const entry = this.get(name);
    if (entry === undefined) return undefined;
    if (entry.kind === 'scalar') return entry.text;
    if (!this.#misshapen.has(name)) this.problem(name, 'must be a single value, not a block or a list');
    this.#misshapen.add(name);
    return undefined;
  }

  #hasVariantOf(name: string): boolean {
    const plain = name.toLowerCase();
    return [...this.#fields.keys()].some((key) => key !== name && key.toLowerCase() === plain);
  }

  /** A text that must be there. */
  requiredText(name: string, advice: string): string | undefined {
    const text = this.text(name);
    if (text !== undefined && text !== '') return text;
    const kind = this.get(name)?.kind;
    // A block is a problem already, and a misspelled key will be one in `finish`.
    const noted = kind === 'map' || kind === 'list' || (this.findings.strict && this.#hasVariantOf(name));
    if (!noted) this.problem(name, `missing; ${advice}`);
    return undefined;
  }

  boolean(name: string, fallback: boolean): boolean {
    const text = this.#noted(name, String(fallback));
    if (text === undefined || text === '') return fallback;
    if (TRUE.has(text.toLowerCase())) return true;
    if (FALSE.has(text.toLowerCase())) return false;
    this.problem(name, `${shown(text)} is neither true nor false; write one of them`);
    return fallback;
  }

  integer(name: string, { fallback, min, max }: IntegerRange): number {
    const text = this.#noted(name, String(fallback));
    if (text === undefined) return fallback;
    const value = parseInteger(text);
    if (value >= min && value <= max) return value;
    const what = Number.isNaN(value) ? `${shown(text)} is not a whole number` : `${value} is out of range`;
    this.problem(name, `${what}; write ${min} to ${max} (default ${fallback})`);
    return fallback;
  }

  /** Milliseconds. Written as in Go: `15s`, `1m30s`, or nanoseconds. */
  duration(name: string, { fallbackMs, minMs, maxMs, fallbackText }: DurationRange): number {
    const fallback = fallbackText ?? formatDuration(fallbackMs);
    const text = this.#noted(name, fallback);
    if (text === undefined) return fallbackMs;
    const millis = parseDuration(text);
    if (millis !== undefined && millis >= minMs && millis <= maxMs) return Math.round(millis);
    const bare = /^[\d_]+$/.test(text) ? ' (a bare number counts nanoseconds, as in Go)' : '';
    const what =
      millis === undefined
        ? `${shown(text)} is not a duration such as 15s or 1m30s`
        : `${shown(text)} is out of range${bare}`;
    const range = `${formatDuration(minMs)} to ${formatDuration(maxMs)}`;
    this.problem(name, `${what}; write ${range} (default ${fallback})`);
    return fallbackMs;
  }

  /** Notes keys that do not exist, with the one that was probably meant. Call it after all getters. */
  finish(): void {
    for (const [name, entry] of this.#fields) {
      if (this.#asked.has(name)) continue;
      const meant = nearest(name, [...this.#asked]);
      // A misplaced value may be anything, a misplaced name too: long ones are not repeated.
      const shownName = shown(name) === 'the value' ? '?' : name;
      const key = this.keyOf(shownName);
      const { path: block, findings } = this;
      findings.setting({ block, name: shownName, origin: 'unknown', line: entry.line, value: undefined });
      const advice =
        meant === undefined ? `remove it; known here: ${[...this.#asked].join(', ')}` : `write ${meant}`;
      if (this.findings.strict) this.findings.problem(key, entry.line, `unknown key; ${advice}`);
      else this.findings.warning(key, entry.line, `unknown key, ignored; ${advice}`);
    }
  }
}
