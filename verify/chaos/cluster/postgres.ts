import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type PostgresTarget, parseDsn } from '../../../src/adapters/postgres/dsn.ts';
import { Keeper, type KeptProcess, type ProcessEnd } from './keeper.ts';

const SERVER = fileURLToPath(new URL('./postgresServer.ts', import.meta.url));

/** The process that looks after a server; `pid` is its own. */
export interface PostgresProcess extends KeptProcess {
  readonly target: PostgresTarget;
  readonly serverPid: number;
  /** kill -9 of the server: backends die, the next start recovers from the log. */
  killServer(): void;
}

/** PostgreSQL that comes back on the same data whenever it dies. */
export function postgresKeeper(dataDir: string, logPath: string): Keeper<PostgresProcess> {
  return new Keeper({ start: () => startPostgres(dataDir, logPath), pauseMs: 50 });
}

async function startPostgres(dataDir: string, logPath: string): Promise<PostgresProcess> {
  const log = openSync(logPath, 'a');
  const child = spawn(process.execPath, [SERVER, dataDir], { stdio: ['ignore', log, log, 'ipc'] });
  closeSync(log);
  const ended = new Promise<ProcessEnd>((done) => {
    child.once('exit', (code, signal) => done({ code, signal }));
  });
  const ready = new Promise<{ dsn: string; pid: number }>((done) => {
    child.once('message', (message) => done(message as { dsn: string; pid: number }));
  });
  const early = ended.then(() => Promise.reject(new Error('PostgreSQL ended before it was ready')));
  const { dsn, pid } = await Promise.race([ready, early]);
  early.catch(() => {});
  return {
    pid: child.pid!,
    target: parseDsn(dsn),
    serverPid: pid,
    ended,
    kill: (signal) => void child.kill(signal),
    killServer: () => signalled(pid),
  };
}

function signalled(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
