import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly overrides: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface Locked {
  readonly hasInstallScript?: boolean;
  readonly version?: string;
}

const json = (name: string): unknown => JSON.parse(readFileSync(join(ROOT, name), 'utf8'));
const manifest = json('package.json') as Manifest;
const { packages } = json('package-lock.json') as { packages: Readonly<Record<string, Locked>> };
const page = readFileSync(join(ROOT, 'docs/dependencies.md'), 'utf8');

/** The rows of the table under a heading; the first cell holds the name of a package. */
function rowsUnder(heading: string): readonly (readonly string[])[] {
  const section = page.split(`## ${heading}\n`)[1]?.split('\n## ')[0] ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, name = '', rest = '']) => [
    name,
    ...rest.split('|').map((cell) => cell.trim()),
  ]);
}

const nameOf = (path: string) => path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
const scripted = [
  ...new Set(
    Object.entries(packages)
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => nameOf(path)),
  ),
].sort();

describe('docs/dependencies.md', () => {
  it.each([
    ['In a release', manifest.dependencies],
    ['To develop', manifest.devDependencies],
    ['Before a release', manifest.overrides],
  ])('"%s" names every one, with a reason', (heading, expected) => {
    const rows = rowsUnder(heading);
    expect(rows.map(([name]) => name).sort()).toEqual(Object.keys(expected).sort());
    expect(rows.filter(([, reason]) => reason === '' || reason === undefined)).toEqual([]);
  });

  it('names every package with an install script, whether it runs, and why', () => {
    const rows = rowsUnder('Packages that run something when they are installed');
    expect(scripted.length).toBeGreaterThan(3);
    expect(rows.map(([name]) => name).sort()).toEqual(scripted);
    expect(rows.filter(([, , reason]) => !reason)).toEqual([]);
    const said = Object.fromEntries(rows.map(([name, runs]) => [name, runs === 'yes']));
    expect(manifest.allowScripts).toEqual(said);
  });

  it('speaks of exact versions', () => {
    const all = { ...manifest.dependencies, ...manifest.devDependencies };
    expect(Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual(
      [],
    );
  });
});
