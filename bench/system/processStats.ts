import { readdirSync, readFileSync } from 'node:fs';

/** Kernel ticks are 10 ms on every Linux that Node runs on. */
const US_PER_TICK = 10_000;

/** CPU time in microseconds since the process started. */
export interface ProcessCpu {
  readonly totalUs: number;
  readonly mainThreadUs: number;
}

/** CPU time of everything that takes part, microseconds. */
export interface CpuSnapshot {
  readonly daemonUs: number;
  readonly daemonMainUs: number;
  readonly loadUs: number;
  readonly postgresUs: number;
  /** Of the whole machine: busy time of all processes, ours and others. */
  readonly machineUs: number;
}

/** CPU time that one process has used, user and system, with its main thread apart. */
export function cpuOf(pid: number): ProcessCpu {
  return { totalUs: ticksOf(`/proc/${pid}/stat`), mainThreadUs: ticksOf(`/proc/${pid}/task/${pid}/stat`) };
}

/** CPU time of a process and of all its descendants, those included that have ended and were waited for. */
export function cpuOfTree(pid: number): number {
  let sum = 0;
  for (const each of descendantsOf(pid)) {
    sum += ticksOf(`/proc/${each}/stat`);
    if (each === pid) sum += ticksOf(`/proc/${each}/stat`, 'ended children');
  }
  return sum;
}

export function snapshotCpu(pids: { daemon: number; load: number; postgres: number }): CpuSnapshot {
  const daemon = cpuOf(pids.daemon);
  return {
    daemonUs: daemon.totalUs,
    daemonMainUs: daemon.mainThreadUs,
    loadUs: cpuOf(pids.load).totalUs,
    postgresUs: cpuOfTree(pids.postgres),
    machineUs: machineBusyUs(),
  };
}

/** Resident memory of a process, bytes. */
export function rssOf(pid: number): number {
  const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return Number(line![1]) * 1024;
}

function machineBusyUs(): number {
  const line = /^cpu .*$/m.exec(readFileSync('/proc/stat', 'utf8'))![0];
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number);
  return (user! + nice! + system! + irq! + softirq! + steal!) * US_PER_TICK;
}

/** utime and stime (proc(5)); 0 when the process has just ended. */
function ticksOf(path: string, of: 'itself' | 'ended children' = 'itself'): number {
  const fields = statFields(path);
  if (!fields) return 0;
  const at = of === 'itself' ? 11 : 13;
  return (Number(fields[at]) + Number(fields[at + 1])) * US_PER_TICK;
}

/** Fields from the third (state) on: the second is a name that may hold anything. */
function statFields(path: string): string[] | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function descendantsOf(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const parent = Number.isInteger(pid) ? Number(statFields(`/proc/${pid}/stat`)?.[1]) : Number.NaN;
    if (Number.isNaN(parent)) continue;
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}
