import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import * as Effect from 'effect/Effect';
import * as Layer from 'effect/Layer';
import { Database, Lead, Settings } from './services.ts';
import { starting } from './startupError.ts';

const LEASE_MS = 15_000;

/** Takes the lead before anything that decides is made, and gives it back after all of that has ended. */
export const leadLayer = Layer.effect(
  Lead,
  Effect.gen(function* () {
    const { config, log, fatal } = yield* Settings;
    const store = yield* Database;
    const owner = config.distributedLock.id ?? `${hostname()}-${randomUUID()}`;
    const epoch = yield* starting(async () => {
      for (;;) {
        const taken = await store.acquire(owner, LEASE_MS);
        if (taken.acquired) return taken.epoch;
        await new Promise((r) => setTimeout(r, Math.min(1000, taken.remainingMs)));
      }
    });
    return { epoch };
  }),
);
