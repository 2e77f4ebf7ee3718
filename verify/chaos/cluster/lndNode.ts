import { startChildNode } from '../../../src/simulator/childNode.ts';
import type { SimulatedLndInfo } from '../../../src/simulator/server/simulatedLnd.ts';
import { Keeper, type KeptProcess, type ProcessEnd } from './keeper.ts';

/** A simulated lnd in a process of its own. */
export interface LndProcess extends KeptProcess {
  readonly info: SimulatedLndInfo;
}

/** A simulated lnd that comes back with the same keys, ports and channels whenever it dies. */
export function lndKeeper(name: string, dir: string, seed: number): Keeper<LndProcess> {
  return new Keeper({ start: () => startNode(name, dir, seed), pauseMs: 100 });
}

async function startNode(name: string, dir: string, seed: number): Promise<LndProcess> {
  const node = await startChildNode(['--name', name, '--dir', dir, '--seed', String(seed)]);
  const child = node.process;
  const ended = new Promise<ProcessEnd>((done) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      done({ code: child.exitCode, signal: child.signalCode });
    } else child.once('exit', (code, signal) => done({ code, signal }));
  });
  return { info: node.info, pid: child.pid!, ended, kill: (signal) => void child.kill(signal) };
}
