// Plain JavaScript that any Node since 14 can read: it may be run by one that is too old for the program itself.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as nodeModule from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const pinned = join(root, 'node_modules', 'node', 'bin', 'node');

/** Node runs TypeScript by itself from 22.18; 22.19 is what our libraries ask for. */
function isNewEnough(version) {
  const [major, minor] = version.replace(/^v/, '').split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

function isTerminal() {
  return [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY);
}

/** Runs the same program with the Node that came with the dependencies, and ends the way it ends. */
function runWithPinnedNode(program) {
  if (!existsSync(pinned)) {
    process.stderr.write(
      `${program} needs Node.js 22.19 or newer, this is ${process.version}: install one, or run npm ci in ${root}\n`,
    );
    process.exit(1);
  }
  const env = { ...process.env, LNMUX_LAUNCHER_PID: String(process.pid) };
  delete env.LNMUX_LAUNCHER_NODE_VERSION;
  // The channel tells the child when this process is killed: a daemon nobody knows of must not go on.
  const child = spawn(pinned, process.argv.slice(1), {
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    env,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => {
      // A terminal sends Ctrl-C to both; forwarding it would make it two.
      if (signal !== 'SIGINT' || !isTerminal()) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`${program}: can't start ${pinned}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

/** Ends with the launcher, when this is the process that it started. */
function followLauncher() {
  if (!process.channel || process.env.LNMUX_LAUNCHER_PID !== String(process.ppid)) return;
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
  process.channel.unref();
}

/**
 * Starts a program: its entry exports `main(args)`, which resolves to the exit status.
 *
 * @param program Its name, for messages.
 * @param entry Path of the entry, relative to the root.
 */
export async function launch(program, entry) {
  const version = process.env.LNMUX_LAUNCHER_NODE_VERSION || process.version;
  if (!isNewEnough(version)) {
    runWithPinnedNode(program);
    return;
  }
  followLauncher();
  // Kept with the dependencies and not in a shared temporary folder, where others could put code into it.
  if (nodeModule.enableCompileCache)
    nodeModule.enableCompileCache(join(root, 'node_modules', '.cache', 'lnmux'));
  const { main } = await import(new URL(entry, new URL('../', import.meta.url)).href);
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${program}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
