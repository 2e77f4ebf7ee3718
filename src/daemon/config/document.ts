import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import type { ConfigProblem } from './problem.ts';

/** A YAML value with its place. Scalars keep the text as written: an identity key of digits only is no number. */
export type Entry =
  | { readonly kind: 'map'; readonly line: number; readonly fields: ReadonlyMap<string, Entry> }
  | { readonly kind: 'list'; readonly line: number; readonly items: readonly Entry[] }
  | { readonly kind: 'scalar'; readonly line: number; readonly text: string; readonly quoted: boolean }
  | { readonly kind: 'nothing'; readonly line: number };

/** The parser's own messages quote the file, which holds secrets. These don't. */
const SYNTAX: Readonly<Record<string, string>> = {
  BAD_ALIAS: 'an alias (*name) without its anchor (&name); define the anchor above it',
  BAD_INDENT: 'the indentation does not fit; use two spaces for each level',
  BLOCK_IN_FLOW: 'a block inside of {} or []; write it in one style',
  DUPLICATE_KEY: 'the same key twice; remove one of them',
  MISSING_CHAR: 'something is missing here, a quote, a colon or a bracket; complete the line',
  MULTILINE_IMPLICIT_KEY: 'a key spans several lines; is a colon or a quote missing?',
  MULTIPLE_DOCS: 'a second document (---); keep one',
  TAB_AS_INDENT: 'a tab in the indentation; use spaces',
};

/** Nesting and aliases are followed this deep; the configuration needs 4. */
const MAX_DEPTH = 16;

/** Values altogether, aliases resolved: a small file of aliases of aliases must not become a large tree. */
const MAX_ENTRIES = 100_000;

function syntaxProblem(source: string, error: YAMLError, lines: LineCounter): ConfigProblem {
  const text = SYNTAX[error.code] ?? 'not valid YAML here; check colons, dashes and indentation';
  return { source, line: lines.linePos(error.pos[0]).line, key: '', message: text };
}

class Builder {
  readonly #lines: LineCounter;
  readonly #resolve: (alias: Node) => Node | undefined;
  #left = MAX_ENTRIES;

  constructor(lines: LineCounter, resolve: (alias: Node) => Node | undefined) {
    this.#lines = lines;
    this.#resolve = resolve;
  }

  lineOf(node: unknown): number {
    const start = (node as { range?: readonly number[] | null } | null)?.range?.[0];
    return start === undefined ? 1 : Math.max(1, this.#lines.linePos(start).line);
  }

  entry(node: unknown, line: number, depth: number): Entry {
    this.#left -= 1;
    if (depth > MAX_DEPTH || this.#left < 0) return { kind: 'nothing', line };
    if (isAlias(node)) return this.entry(this.#resolve(node), line, depth + 1);
    if (isMap(node)) return { kind: 'map', line, fields: this.#fields(node, depth) };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.entry(item, this.lineOf(item), depth + 1));
      return { kind: 'list', line, items };
    }
    if (!isScalar(node) || node.value === null || node.value === undefined) return { kind: 'nothing', line };
    const quoted = node.type !== 'PLAIN';
    const text = quoted ? String(node.value) : (node.source ?? String(node.value));
    return { kind: 'scalar', line, text: text.trim(), quoted };
  }

  #fields(map: YAMLMap, depth: number): ReadonlyMap<string, Entry> {
    const fields = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const { key, value } of map.items) {
      const name = isScalar(key) ? (key.source ?? String(key.value)) : '<not a name>';
      const entry = this.entry(value, this.lineOf(key), depth + 1);
      if (name === '<<') merged.push(...(entry.kind === 'list' ? entry.items : [entry]));
      else fields.set(name, entry);
    }
    for (const from of merged) {
      if (from.kind !== 'map') continue;
      for (const [name, entry] of from.fields) if (!fields.has(name)) fields.set(name, entry);
    }
    return fields;
  }
}

/**
 * Parses the text of a configuration file. An empty file is an empty map.
 *
 * @param source The file's name, for problems.
 */
export function readDocument(
  text: string,
  source: string,
): { readonly root: Entry; readonly problems: readonly ConfigProblem[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    logLevel: 'error',
    stringKeys: false,
    version: '1.2',
  });
  const problems = document.errors.map((error) => syntaxProblem(source, error, lines));
  const builder = new Builder(lines, (alias) => (isAlias(alias) ? alias.resolve(document) : undefined));
  const root = builder.entry(document.contents, 1, 0);
  return { root: root.kind === 'nothing' ? { kind: 'map', line: 1, fields: new Map() } : root, problems };
}
