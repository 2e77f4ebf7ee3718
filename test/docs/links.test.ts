import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const pages = globSync(['*.md', 'docs/**/*.md'], { cwd: ROOT });

/** Headings of a page, as GitHub names them in links. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

describe('documentation', () => {
  it.each(pages)('%s has no dead link', (page) => {
    const text = readFileSync(join(ROOT, page), 'utf8');
    const dead = [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target)
      .filter((target) => !/^https?:/.test(target))
      .filter((target) => {
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
        if (!existsSync(file)) return true;
        return anchor !== undefined && !anchors(readFileSync(file, 'utf8')).includes(anchor);
      });
    expect(dead).toEqual([]);
  });

  it('says README what package.json can do', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const said = ['README.md', 'CONTRIBUTING.md'].flatMap((page) =>
      [...readFileSync(join(ROOT, page), 'utf8').matchAll(/npm (?:run )?(test|(?<=run )[a-z:]+)/g)].map(
        ([, name]) => name!,
      ),
    );
    expect(said.length).toBeGreaterThan(5);
    expect(said.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
