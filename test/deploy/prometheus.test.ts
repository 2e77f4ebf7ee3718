import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const FOLDER = join(import.meta.dirname, '../../deploy/prometheus');

const promtool = async (...args: string[]) => {
  const { stdout, stderr } = await promisify(execFile)('promtool', args, { cwd: FOLDER });
  return stdout + stderr;
};
const hasPromtool = await promtool('--version').then(
  () => true,
  () => false,
);

// What our own parser knows of the rules: test/e2e/monitoring.test.ts. Where promtool is installed, it has the last word.
it('the tests of the alert rules are about alerts that there are', () => {
  const text = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
  const names = (name: string, key: string) =>
    [...text(name).matchAll(new RegExp(`${key}: (Lnmux\\w+)`, 'g'))].map(([, alert]) => alert!);
  const tested = names('lnmux.rules.test.yml', 'alertname');
  expect(new Set(tested).size).toBeGreaterThan(12);
  expect(names('lnmux.rules.yml', 'alert')).toEqual(expect.arrayContaining(tested));
});

function promtoolItself() {
  it('takes the alert rules', async () => {
    expect(await promtool('check', 'rules', '--lint-fatal', 'lnmux.rules.yml')).toContain('SUCCESS');
  });

  it('sees them fire when they should, and only then', async () => {
    expect(await promtool('test', 'rules', 'lnmux.rules.test.yml')).toContain('SUCCESS');
  });
}

if (hasPromtool) describe('promtool', promtoolItself);
