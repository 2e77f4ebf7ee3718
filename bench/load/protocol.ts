import type { SimulatedLndInfo } from '../../src/simulator/server/simulatedLnd.ts';
import type { CpuSnapshot } from '../system/processStats.ts';

/** What the load process can be asked to do, one at a time. Errors reject. */
export interface LoadCalls {
  /** Starts simulated lnd nodes inside this process. */
  startCluster(input: { dir: string; nodes: number }): Promise<readonly SimulatedLndInfo[]>;
  /** Connects the application to a daemon and waits until the daemon intercepts at every node. */
  connect(input: {
    address: string;
    /** Process ids whose CPU time is measured. */
    pids: { daemon: number; postgres: number };
    dsn: string;
  }): Promise<void>;
  /** Drops the application's connection. */
  disconnect(input: Record<string, never>): Promise<void>;
  /** Payments in a rhythm that does not care how fast they are settled. */
  openLoop(input: OpenLoop): Promise<LoadResult>;
  /** A new payment as soon as one of `inFlight` is settled: how much goes through. */
  closedLoop(input: ClosedLoop): Promise<LoadResult>;
  /** Payments that the application does not settle. Resolves once it has been told of all of them. */
  hold(input: { count: number; inFlight: number }): Promise<{ held: number; perSecond: number }>;
  /**
   * Payments that the application settles and whose answers every node then loses in a restart, so that it offers all
   * of them again with onions that nobody can open any more. Resolves once all are answered again.
   */
  replay(input: { count: number; inFlight: number }): Promise<ReplayResult>;
  /** Opens a further subscription that reads nothing, or closes it. Gives how many messages it had got. */
  slowSubscriber(input: { open: boolean }): Promise<{ received: number }>;
  /** Reads the database: every payment since the last call must be settled exactly once. Gives their number. */
  verify(input: Record<string, never>): Promise<{ payments: number; finalLagMs: number }>;
  addInvoices(input: { seconds: number; concurrency: number }): Promise<{
    perSecond: number;
    latency: Percentiles;
    daemonUsPerCall: number;
  }>;
  /** Milliseconds until the first answer of the API. */
  getInfo(input: { address: string }): Promise<number>;
}

export interface OpenLoop {
  readonly ratePerSecond: number;
  readonly seconds: number;
  /** From the start; not measured. */
  readonly discardSeconds: number;
  readonly parts: number;
}

export interface ClosedLoop {
  readonly inFlight: number;
  readonly seconds: number;
  readonly discardSeconds: number;
  readonly parts: number;
  /** Ends early when so many are settled. */
  readonly maxPayments?: number;
}

/** Milliseconds. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export interface LoadResult {
  readonly sent: number;
  /** Settled in the measured time. */
  readonly measured: number;
  readonly measuredSeconds: number;
  readonly donePerSecond: number;
  /** From the offer that completes the payment, at the lnd, to the settle reply of its last part there. */
  readonly interception: Percentiles;
  /** From the moment at which the payment was due. */
  readonly scheduled: Percentiles;
  /** CPU time of one payment, from the begin of the measured time until the last payment is settled. */
  readonly cpuEach: CpuSnapshot;
  /** Of the two cores, in that time: used by what takes part, and by other processes of the machine. */
  readonly coresUsed: { readonly ours: number; readonly others: number };
  /** What must not happen, by name. */
  readonly faults: Readonly<Record<string, number>>;
}

export interface ReplayResult {
  /** From the daemon's first new interceptor stream to the last answer, milliseconds. */
  readonly answeredMs: number;
  /** From the restart of the nodes; most of it is the pause before the daemon connects again. */
  readonly sinceRestartMs: number;
  readonly perSecond: number;
  /** CPU of the daemon from the restart to the last answer, for each HTLC. */
  readonly daemonUsEach: number;
  readonly faults: Readonly<Record<string, number>>;
}

/** Between parent and child. */
export interface LoadRequest {
  readonly id: number;
  readonly call: keyof LoadCalls;
  readonly input: unknown;
}

export interface LoadReply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}
