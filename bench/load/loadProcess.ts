import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Workspace } from '../system/workspace.ts';
import type { LoadCalls, LoadReply } from './protocol.ts';

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** The load process, seen from the one that conducts the bench. */
export interface LoadProcess {
  call<Name extends keyof LoadCalls>(
    name: Name,
    input: Parameters<LoadCalls[Name]>[0],
  ): ReturnType<LoadCalls[Name]>;
  stop(): Promise<void>;
}

/** Starts a load process. */
export function startLoadProcess(workspace: Workspace): LoadProcess {
  const child = fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const waiting = new Map<number, { done(result: unknown): void; failed(error: Error): void }>();
  let last = 0;
  child.on('message', ({ id, result, error }: LoadReply) => {
    const call = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) call?.done(result);
    else call?.failed(new Error(error));
  });
  void ended.then(() => {
    for (const { failed } of waiting.values()) failed(new Error('the load process has ended'));
  });
  const stop = workspace.defer(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    call: ((call: string, input: unknown) =>
      new Promise((done, failed) => {
        const id = ++last;
        waiting.set(id, { done, failed });
        child.send({ id, call, input });
      })) as LoadProcess['call'],
    stop,
  };
}
