import fs from 'node:fs';
import path from 'node:path';

const root = path.join(import.meta.dirname, '../..');

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly file: string;
  readonly lines: readonly string[];
}

export interface Import {
  readonly file: string;
  readonly line: number;
  /** A file of ours, from the root of the repository; or the name of a package. */
  readonly target: string;
  readonly isOurs: boolean;
}

/** Every TypeScript file below a folder of the repository. */
export function sourcesOf(folder: string): Source[] {
  if (!fs.existsSync(path.join(root, folder))) return [];
  return fs
    .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .sort()
    .map((file) => ({ file, lines: fs.readFileSync(path.join(root, file), 'utf8').split('\n') }));
}

const IMPORT = /(?:\bfrom\s+|\bimport\s+|\bimport\s*\(\s*|\brequire\s*\(\s*)(['"])([^'"]+)\1/g;

/** Everything that a file imports, exports again, or loads later. */
export function importsOf({ file, lines }: Source): Import[] {
  return lines.flatMap((text, i) =>
    isComment(text)
      ? []
      : [...text.matchAll(IMPORT)].map((match) => {
          const name = match[2]!;
          const isOurs = name.startsWith('.');
          const target = isOurs ? path.posix.join(path.posix.dirname(file), name) : packageOf(name);
          return { file, line: i + 1, target, isOurs };
        }),
  );
}

const isComment = (line: string) => /^\s*(\/\/|\/?\*)/.test(line);

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

/** `file:line: text` of each line of code that the pattern finds. */
export function linesWith(sources: readonly Source[], pattern: RegExp): string[] {
  return sources.flatMap(({ file, lines }) =>
    lines.flatMap((line, i) => {
      const code = isComment(line) ? '' : line.replace(/\s\/\/ .*$/, '');
      return pattern.test(code) ? [`${file}:${i + 1}: ${line.trim()}`] : [];
    }),
  );
}
