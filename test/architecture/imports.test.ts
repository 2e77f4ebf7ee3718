import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Import, importsOf, linesWith, sourcesOf } from './sources.ts';

interface Rule {
  /** Folders of ours, besides itself, that it may import. */
  readonly ours: readonly string[];
  /** Packages; undefined when any will do. Node's own modules are `node:…`. */
  readonly packages: readonly string[] | undefined;
}

const ADAPTER: Rule = {
  ours: ['src/actors/ports', 'src/domain', 'src/lightning', 'src/generated', 'src/adapters/net'],
  packages: undefined,
};

/** Which way code may depend. The longest folder that a file is in counts. */
const RULES: Readonly<Record<string, Rule>> = {
  'src/domain': { ours: [], packages: ['node:crypto'] },
  'src/lightning': {
    ours: ['src/domain'],
    packages: ['node:crypto', 'node:module', '@noble/hashes', '@noble/secp256k1', 'secp256k1', 'bolt11'],
  },
  'src/machines': { ours: ['src/domain'], packages: ['xstate'] },
  'src/actors': {
    ours: ['src/machines', 'src/domain', 'src/lightning'],
    packages: ['xstate', 'effect', 'node:crypto'],
  },
  'src/adapters/postgres': ADAPTER,
  'src/adapters/lnd': ADAPTER,
  'src/adapters/grpc': ADAPTER,
  'src/adapters/http': ADAPTER,
  'src/adapters/otlp': ADAPTER,
  'src/adapters/kubernetes': ADAPTER,
  'src/adapters/crypto': ADAPTER,
  'src/adapters/webhooks': ADAPTER,
  // Jobs are kept in the same database, and some of them are webhooks.
  'src/adapters/jobs': {
    ours: [...ADAPTER.ours, 'src/adapters/postgres', 'src/adapters/webhooks'],
    packages: undefined,
  },
  'src/adapters/net': { ours: [], packages: ['node:dns'] },
  'src/x509': { ours: [], packages: ['node:crypto', 'node:net'] },
  'src/simulator': {
    ours: ['src/domain', 'src/lightning', 'src/generated', 'src/x509'],
    packages: undefined,
  },
  'src/generated': { ours: [], packages: undefined },
  'src/daemon': { ours: ['src'], packages: undefined },
};

const sources = sourcesOf('src');
const imports = sources.flatMap(importsOf);
const isIn = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);

const folderOf = (file: string): string | undefined =>
  Object.keys(RULES)
    .filter((folder) => isIn(file, folder))
    .sort((a, b) => b.length - a.length)[0];

function breach({ file, line, target, isOurs }: Import): string[] {
  const folder = folderOf(file);
  if (folder === undefined) return [`${file}:${line}: no rule says what this folder may import`];
  const { ours, packages } = RULES[folder]!;
  const isAllowed = isOurs
    ? [folder, ...ours].some((allowed) => isIn(target, allowed))
    : packages === undefined || packages.includes(target);
  return isAllowed ? [] : [`${file}:${line}: ${folder} must not import ${target}`];
}

/** Folders that import each other, directly or through others, with one line of code for each step. */
function cycles(): string[] {
  const steps = new Map<string, Map<string, string>>();
  for (const { file, line, target, isOurs } of imports) {
    const [from, to] = [path.posix.dirname(file), path.posix.dirname(target)];
    if (!isOurs || from === to) continue;
    const known = steps.get(from) ?? new Map<string, string>();
    if (!known.has(to)) known.set(to, `${file}:${line} imports ${target}`);
    steps.set(from, known);
  }
  const found = new Map<string, string>();
  const walk = (at: string, way: readonly string[], lines: readonly string[]) => {
    const start = way.indexOf(at);
    if (start >= 0) {
      const ring = way.slice(start);
      found.set([...ring].sort().join(), `${[...ring, at].join(' → ')}: ${lines.slice(start).join('; ')}`);
      return;
    }
    for (const [to, line] of steps.get(at) ?? []) walk(to, [...way, at], [...lines, line]);
  };
  for (const folder of steps.keys()) walk(folder, [], []);
  return [...found.values()];
}

describe('the sources', () => {
  it('are found, with their imports', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(imports.filter(({ isOurs }) => isOurs).length).toBeGreaterThan(200);
    const files = new Set(sources.map(({ file }) => file));
    const unknown = imports.filter(
      ({ isOurs, target }) => isOurs && target.endsWith('.ts') && !files.has(target),
    );
    expect(unknown.map(({ file, line, target }) => `${file}:${line}: ${target} is not there`)).toEqual([]);
  });

  it('import only in the direction of the design', () => {
    expect(imports.flatMap(breach)).toEqual([]);
  });

  it('have no folders that import each other in a ring', () => {
    expect(cycles()).toEqual([]);
  });

  it('know no time, no chance and no world in domain and machines', () => {
    const pure = sources.filter(({ file }) => isIn(file, 'src/domain') || isIn(file, 'src/machines'));
    const world =
      /\bDate\b|\bMath\.random\b|\brandom(?:Bytes|UUID|Int)\b|\bset(?:Timeout|Interval|Immediate)\b|\bprocess[.[]|\bperformance\.|\bfetch\(|\bconsole\.|\bawait\b|\basync\b|\bPromise\b/;
    expect(linesWith(pure, world)).toEqual([]);
  });

  it('write to the console only where a person sits in front of it', () => {
    const quiet = sources.filter(({ file }) => !/^src\/(daemon\/cli|simulator|demo)\//.test(file));
    expect(linesWith(quiet, /\bconsole\.\w+\(/)).toEqual([]);
  });

  it('are small files', () => {
    const all = ['src', 'test', 'scripts', 'bench'].flatMap(sourcesOf);
    const long = all.filter(({ file, lines }) => !isIn(file, 'src/generated') && lines.length - 1 > 400);
    expect(long.map(({ file, lines }) => `${file}:401: ${lines.length - 1} lines`)).toEqual([]);
  });
});
