import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { BackgroundJobs } from './backgroundJobs.ts';
import { Core, Database, Instruments, Jobs, Lead, Settings } from './services.ts';
import { systemClock } from './systemClock.ts';

/** Webhooks and retention of the leader. Nothing waits for them to come up; the lead is held until they have ended. */
export const jobsLayer = Layer.effect(
  Jobs,
  Effect.gen(function* () {
    const { config, log } = yield* Settings;
    const { webhooks, retention } = config;
    const store = yield* Database;
    const { epoch } = yield* Lead;
    const { supervisor } = yield* Core;
    const { subjects } = yield* Instruments;
    if (webhooks.length === 0 && retention.eventsMs === undefined) return undefined;
    return yield* Effect.acquireRelease(
      Effect.sync(
        () =>
          new BackgroundJobs({
            webhooks,
            retention,
            target: store.target,
            store,
            tail: supervisor.events,
            epoch,
            clock: systemClock,
            log,
            measures: subjects.webhooks,
          }),
      ),
      (jobs) => Effect.promise(() => jobs.stop()),
    );
  }),
);
