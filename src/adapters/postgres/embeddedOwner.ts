import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Says which daemon uses a data directory: a file with its process id and start time. The start time tells a
 * daemon that lives from another process that got its number. Postgres' own lock file (postmaster.pid) is what
 * keeps the data whole; this one tells a leftover server, to be taken over, from one that is in use.
 */
export interface Ownership {
  release(): Promise<void>;
}

/** The data directory is in use by a living process. */
export class DataDirectoryInUseError extends Error {
  override readonly name = 'DataDirectoryInUseError';
}

const FILE = 'owner';

/** @throws DataDirectoryInUseError while the process that took it before us lives (ourselves included) */
export async function takeOwnership(dataDir: string): Promise<Ownership> {
  const path = join(dataDir, FILE);
  const mine = `${process.pid} ${await startTime(process.pid)}\n`;
  const draft = join(dataDir, `${FILE}.${process.pid}.${Math.random().toString(36).slice(2)}`);
  await writeFile(draft, mine, { mode: 0o600 });
  try {
    for (let attempt = 0; attempt < 3; attempt++) {
      // link() fails when the name exists and never shows half a file.
      const taken = await link(draft, path).then(
        () => true,
        (error: NodeJS.ErrnoException) => {
          if (error.code !== 'EEXIST') throw error;
          return false;
        },
      );
      if (taken) return { release: () => releaseIfOurs(path, mine) };
      const holder = await readFile(path, 'utf8').catch(() => '');
      const pid = await livingHolder(holder);
      if (pid !== undefined) {
        throw new DataDirectoryInUseError(`data directory ${dataDir} is in use by process ${pid}`);
      }
      if ((await readFile(path, 'utf8').catch(() => '')) === holder) await rm(path, { force: true });
    }
  } finally {
    await rm(draft, { force: true });
  }
  throw new DataDirectoryInUseError(`data directory ${dataDir} is being taken by another process`);
}

async function releaseIfOurs(path: string, mine: string): Promise<void> {
  if ((await readFile(path, 'utf8').catch(() => '')) === mine) await rm(path, { force: true });
}

async function livingHolder(text: string): Promise<number | undefined> {
  const [pid, started] = text.trim().split(' ');
  const number = Number(pid);
  if (!Number.isInteger(number) || number <= 0 || !(await isAlive(number))) return undefined;
  return (await startTime(number)) === started ? number : undefined;
}

/**
 * Whether a process of this number runs, also one that we may not signal. One that has ended but that its parent
 * has not asked for (a container's first process often never does) does not run.
 */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const state = (await statFields(pid))?.[0];
  return state !== 'Z' && state !== 'X';
}

/** Clock ticks since boot at which the process began; `-` where there is no /proc. */
async function startTime(pid: number): Promise<string> {
  return (await statFields(pid))?.[19] ?? '-';
}

/** /proc/pid/stat from the third field (the state) on. The second, the command, may hold spaces and brackets. */
async function statFields(pid: number): Promise<string[] | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
}
