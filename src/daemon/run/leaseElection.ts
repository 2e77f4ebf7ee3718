import { createLeadership } from '../../actors/leadership/leadership.ts';
import type { Clock } from '../../actors/ports/clock.ts';
import type { Log } from '../../actors/ports/log.ts';
import { createApiClient } from '../../adapters/kubernetes/apiClient.ts';
import { inClusterAccess } from '../../adapters/kubernetes/inCluster.ts';
import { kubeconfigAccess } from '../../adapters/kubernetes/kubeconfig.ts';
import type { LeaseName } from '../../adapters/kubernetes/lease.ts';
import { createLeaseApi } from '../../adapters/kubernetes/leaseApi.ts';
import { LeaseStore } from '../../adapters/kubernetes/leaseStore.ts';
import { steadyClock } from './systemClock.ts';

/** The Go program's times: others may take the Lease after the first, we rely on it no longer than the second. */
export const LEASE_TIMES = { leaseMs: 60_000, trustMs: 15_000, renewMs: 5_000, pollMs: 5_000 };

/**
 * Without a usable answer of the API server for this long, a process that wants to start goes on without the Lease:
 * whoever held it has given up by then, and the database lets only one lead anyway. To wait longer would leave
 * payments that are half settled without anybody to finish them.
 */
const WITHOUT_ANSWER_MS = LEASE_TIMES.leaseMs;

export interface LeaseElectionOptions {
  readonly leaseName: LeaseName;
  readonly devKubeConfig: string | undefined;
  readonly owner: string;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Log;
  readonly clock?: Clock;
  readonly connect?: typeof createApiClient;
  onLost(reason: string): void;
}

export interface LeaseElection {
  /** What lets us stand for the lead: the Lease, or, when the API server does not answer, the database alone. */
  readonly decided: Promise<'lease' | 'database'>;
  /** Gives the Lease back. */
  resign(): Promise<void>;
}

/** Stands for the Lease, with the Go program's messages in the log. Throws an AccessError without credentials. */
export function startLeaseElection(options: LeaseElectionOptions): LeaseElection {
  const { leaseName, owner, devKubeConfig } = options;
  const clock = options.clock ?? steadyClock;
  const log = options.log.child({ lease: `${leaseName.namespace}/${leaseName.name}` });
  const access = devKubeConfig ? kubeconfigAccess(devKubeConfig) : inClusterAccess(options.env);
  const client = (options.connect ?? createApiClient)(access, clock);
  const decided = Promise.withResolvers<'lease' | 'database'>();
  const patience = createPatience(clock, () => {
    log.error(
      { silentMs: WITHOUT_ANSWER_MS },
      'the Kubernetes API gives no usable answer: going on without the Lease, the database alone decides who leads',
    );
    decided.resolve('database');
  });
  const leadership = createLeadership({
    ...LEASE_TIMES,
    store: new LeaseStore({
      api: createLeaseApi(client, leaseName),
      clock,
      wallClock: Date.now,
      onAnswer: patience.heard,
    }),
    owner,
    clock,
    log,
    messages: { begun: 'Lock acquired', ended: 'Leader status lost, exiting' },
    onLeader: () => {
      patience.end();
      decided.resolve('lease');
    },
    onLost: (reason) =>
      options.onLost(`the Kubernetes Lease is lost (${reason}): another lnmuxd may take over`),
  });
  log.info({ owner }, 'Acquiring lock');
  leadership.start();
  return {
    decided: decided.promise,
    async resign() {
      patience.end();
      await leadership.resign();
      client.close();
    },
  };
}

/** Runs out when nothing was heard for so long; at most once, and not after its end. */
function createPatience(clock: Clock, onRunOut: () => void) {
  let ended = false;
  const runOut = () => {
    ended = true;
    onRunOut();
  };
  let timer = clock.setTimeout(runOut, WITHOUT_ANSWER_MS);
  return {
    heard(): void {
      if (ended) return;
      clock.clearTimeout(timer);
      timer = clock.setTimeout(runOut, WITHOUT_ANSWER_MS);
    },
    end(): void {
      ended = true;
      clock.clearTimeout(timer);
    },
  };
}
