/**
 * Regenerates src/generated from proto/ into a temporary folder and compares. Run with --write to take the fresh
 * files over instead of comparing.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const committed = join(root, 'src', 'generated');
const buf = join(root, 'node_modules', '.bin', 'buf');

function filesUnder(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(folder, path)).isFile())
    .sort();
}

function generateInto(folder: string): void {
  const path = `${join(root, 'node_modules', '.bin')}:${process.env.PATH}`;
  const run = (...args: string[]) =>
    execFileSync(buf, args, { cwd: root, env: { ...process.env, PATH: path }, stdio: 'inherit' });
  run('generate', '-o', folder);
  const descriptors = (name: string) => join(folder, 'src', 'generated', `${name}.binpb`);
  const build = ['build', '--exclude-source-info', '-o'];
  run(...build, descriptors('descriptors'), '--path', 'proto/lnmux.proto');
  run(...build, descriptors('health'), 'node_modules/grpc-health-check/proto');
}

function differences(fresh: string): string[] {
  const names = new Set([...filesUnder(fresh), ...filesUnder(committed)]);
  return [...names].filter((name) => {
    const [a, b] = [join(fresh, name), join(committed, name)];
    return !existsSync(a) || !existsSync(b) || !readFileSync(a).equals(readFileSync(b));
  });
}

const scratch = mkdtempSync(join(tmpdir(), 'lnmux-generated-'));
try {
  generateInto(scratch);
  const fresh = join(scratch, 'src', 'generated');
  if (process.argv.includes('--write')) {
    cpSync(fresh, committed, { recursive: true });
  }
  const stale = differences(fresh);
  if (stale.length > 0) {
    const where = relative(root, committed);
    console.error(`stale in ${where}: ${stale.join(', ')}\nrun: node scripts/checkGenerated.ts --write`);
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
