import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { charts } from '../../scripts/statecharts/charts.ts';
import { allStates, modelOf } from '../../scripts/statecharts/model.ts';

const root = path.join(import.meta.dirname, '../..');
const docs = path.join(root, 'docs/statecharts');
const run = promisify(execFile);

describe('docs/statecharts', () => {
  it('is what the machines that run would write', { timeout: 120_000 }, async () => {
    const { stderr } = await run(process.execPath, ['scripts/statecharts/generate.ts', '--check'], {
      cwd: root,
    });
    expect(stderr).toBe('');
  });

  it.each(charts)('shows every state of $name, in the picture and in the text', ({ name, machine }) => {
    const picture = fs.readFileSync(path.join(docs, `${name}.svg`), 'utf8');
    const text = fs.readFileSync(path.join(docs, `${name}.md`), 'utf8');
    const model = modelOf(machine);
    for (const state of allStates(model)) {
      if (state === model) continue;
      expect(picture).toContain(`>${state.key}</text>`);
      expect(text).toContain(`## \`${state.id.slice(model.id.length + 1)}\``);
    }
  });

  it('tells the truth about the one state that may release a preimage', () => {
    const model = modelOf(charts.find(({ name }) => name === 'htlcSet')!.machine);
    const settling = allStates(model).filter(({ entry, transitions }) =>
      [...entry, ...transitions.flatMap(({ actions }) => actions)].some(({ name }) =>
        name.startsWith('settle'),
      ),
    );
    expect(settling.map(({ key }) => key)).toEqual(['released']);
    const ways = allStates(model).flatMap(({ key, transitions }) =>
      transitions
        .filter((t) => t.targets.includes('htlcSet.released'))
        .map((t) => `${key}: ${t.event} ${t.guard}`),
    );
    expect(ways).toEqual([
      'routing:  isRestoredAs(released)',
      'releasing: commit.succeeded barrierHolds',
      'withheld: part.offered barrierHolds',
      'withheld: view.changed barrierHolds',
    ]);
    const released = allStates(model).find(({ key }) => key === 'released');
    expect(new Set(released?.transitions.flatMap((t) => t.targets))).toEqual(new Set(['htlcSet.final']));
  });
});
