import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Workspace } from '../system/workspace.ts';

/** Runs one of the programs of this folder and gives what it prints. Throws when it fails. */
export async function runProbe<T>(workspace: Workspace, name: string, args: readonly string[]): Promise<T> {
  const path = fileURLToPath(new URL(`./${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const code = new Promise<number | null>((done) => child.once('close', (status) => done(status)));
  const release = workspace.defer(async () => {
    child.kill('SIGKILL');
    await code;
  });
  if ((await code) !== 0) throw new Error(`${name} has failed`);
  await release();
  return JSON.parse(output) as T;
}
