import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const table = readFileSync(new URL('../../docs/defects.md', import.meta.url), 'utf8');
const rows = [...table.matchAll(/^\| D(\d+) \| ([FASCO ]+) \| (.*) \| (.*) \| (.*) \|$/gm)].map(
  ([, number, classes, , here, tests]) => ({
    name: `D${number}`,
    classes: classes!.split(' '),
    here: here!,
    tests: [...tests!.matchAll(/`([^`]+) › ([^`]+)`/g)].map(([, file, title]) => ({
      file: file!,
      title: title!,
    })),
  }),
);

/** Whether a test file has this text as a whole string literal: a title, or one in a table of cases. */
function has(file: string, title: string): boolean {
  const path = new URL(`../${file}.test.ts`, import.meta.url);
  if (!existsSync(path)) return false;
  const text = readFileSync(path, 'utf8');
  return ["'", '"', '`'].some((quote) => text.includes(quote + title + quote));
}

describe('docs/defects.md', () => {
  it('has all 62 in their order', () => {
    expect(rows.map(({ name }) => name)).toEqual(Array.from({ length: 62 }, (_, i) => `D${i + 1}`));
  });

  it.each(rows)('$name: every test that is named exists', ({ tests }) => {
    expect(tests.filter(({ file, title }) => !has(file, title))).toEqual([]);
  });

  it('names a test for all that concerns money, availability or correctness, or says that it is open', () => {
    const without = rows.filter(({ tests }) => tests.length === 0);
    const wanting = without.filter(({ classes, here }) => {
      return classes.some((each) => 'FAC'.includes(each)) && !here.startsWith('**Open.**');
    });
    expect(wanting.map(({ name }) => name)).toEqual([]);
    // An open one costs convenience, never money or the daemon.
    const open = rows.filter(({ here }) => here.startsWith('**Open'));
    expect(open.flatMap(({ classes }) => classes).every((each) => each === 'C')).toBe(true);
  });
});
