import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { createLeadership, type Leadership } from '../../actors/leadership/leadership.ts';
import { processName } from './processName.ts';
import { Candidacy, Database, Instruments, Lead, Settings } from './services.ts';
import { starting } from './startupError.ts';
import { systemClock } from './systemClock.ts';

/**
 * Waits, as a warm standby, until this process leads; gives the lead back after everything that decides has ended.
 * A lead that is lost ends the process at once: streams and statements die with it, and another process leads.
 */
export const leadLayer = Layer.effect(
  Lead,
  Effect.gen(function* () {
    const { config, log, abandon } = yield* Settings;
    const { subjects, readiness } = yield* Instruments;
    yield* Candidacy;
    const store = yield* Database;
    const owner = config.distributedLock.id ?? processName;
    const elected = Promise.withResolvers<bigint>();
    const leadership: Leadership = yield* Effect.acquireRelease(
      Effect.sync(() =>
        createLeadership({
          store,
          owner,
          clock: systemClock,
          log,
          onLeader: (epoch) => elected.resolve(epoch),
          onLost: (reason) =>
            abandon(`Leader status lost, exiting (${reason}): another lnmuxd may decide now`),
        }),
      ),
      (held) => Effect.promise(() => held.resign()),
    );
    if (config.distributedLock.name === undefined) {
      log.info({ instead: 'the lead that the database gives' }, 'Not using leader election');
    }
    log.info({ owner }, 'Acquiring lock');
    readiness.become('standby');
    leadership.start();
    const epoch = yield* starting(() => elected.promise);
    log.info({ owner, epoch: String(epoch) }, 'Lock acquired');
    subjects.epoch = epoch;
    readiness.become('starting');
    return { epoch };
  }),
);
