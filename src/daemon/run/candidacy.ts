import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import type { DistributedLockConfig } from '../config/types.ts';
import { processName } from './processName.ts';
import { Candidacy, Instruments, Settings } from './services.ts';
import { starting } from './startupError.ts';

async function openElection(lock: DistributedLockConfig, name: string, settings: Settings['Service']) {
  // Without a Lease nothing of Kubernetes is loaded.
  const { startLeaseElection } = await import('./leaseElection.ts');
  return startLeaseElection({
    leaseName: { namespace: lock.namespace, name },
    devKubeConfig: lock.devKubeConfig,
    owner: lock.id ?? processName,
    env: process.env,
    log: settings.log,
    onLost: settings.abandon,
  });
}

/**
 * Waits for the Kubernetes Lease, if one is configured, before this process stands for the lead in the database. It
 * is given back last, when the work has stopped and the lead is free. A Lease that is lost ends the process at once.
 */
export const candidacyLayer = Layer.effect(
  Candidacy,
  Effect.gen(function* () {
    const settings = yield* Settings;
    const { readiness } = yield* Instruments;
    const { distributedLock: lock } = settings.config;
    const { name } = lock;
    if (name === undefined) return { by: 'database' as const };
    const election = yield* Effect.acquireRelease(
      starting(() => openElection(lock, name, settings)),
      (held) => Effect.promise(() => held.resign()),
    );
    readiness.become('standby');
    return { by: yield* starting(() => election.decided) };
  }),
);
