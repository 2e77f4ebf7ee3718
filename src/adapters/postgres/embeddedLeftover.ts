import { execFile } from 'node:child_process';
import { readdir, readFile, readlink, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '../../actors/ports/log.ts';
import { EmbeddedPostgresError } from './embeddedBinaries.ts';
import { isAlive } from './embeddedOwner.ts';

const PATIENCE_MS = 60_000;
const run = promisify(execFile);

/** Who runs pg_ctl. */
interface Identity {
  readonly uid?: number;
  readonly gid?: number;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Makes a cluster whose daemon is gone startable. A server that still runs (its watcher was killed, or it is
 * shutting down) is stopped. A lock file without a server is removed: Postgres itself goes by the process number
 * alone, which in a restarted container soon belongs to somebody else. Call it only as the owner of the directory.
 *
 * @throws EmbeddedPostgresError when processes of the old server do not end
 */
export async function stopLeftover(
  cluster: string,
  pgCtl: string,
  identity: Identity,
  log: Log,
): Promise<void> {
  const lock = join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(lock, 'utf8').catch(() => '')).split('\n')[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  const members = await processesIn(cluster);
  if (members ? members.includes(pid) : await isAlive(pid)) {
    log.warn({ pid }, 'stopping a database server that an earlier daemon left behind');
    const args = ['stop', '-D', cluster, '-m', 'fast', '-w', '-t', String(PATIENCE_MS / 1000), '-s'];
    await run(pgCtl, args, { ...identity, cwd: '/' }).catch((error: Error) => {
      log.warn({ error: error.message }, 'the server that was left behind did not stop');
    });
  }
  // Without /proc only Postgres' own look at the lock file is left.
  if (!members) return;
  // Backends outlive a killed server for a moment and may write: without the lock file nothing else would tell.
  const deadline = performance.now() + PATIENCE_MS;
  while ((await processesIn(cluster))?.length) {
    if (performance.now() > deadline) {
      throw new EmbeddedPostgresError(`processes of an earlier database server still use ${cluster}`);
    }
    await new Promise((wake) => setTimeout(wake, 20));
  }
  await rm(lock, { force: true });
}

/** Running processes whose working directory is the cluster, as that of every server process is; needs /proc. */
async function processesIn(cluster: string): Promise<number[] | undefined> {
  const names = await readdir('/proc').catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  if (pids.length === 0) return undefined;
  const folder = await realpath(cluster);
  const found = await Promise.all(
    pids.map(async (pid) => {
      const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
      return cwd === folder && (await isAlive(pid));
    }),
  );
  return pids.filter((_, index) => found[index]);
}
