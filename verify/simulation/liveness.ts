import type { Counters } from './counters.ts';
import type { DatabaseServer } from './databaseServer.ts';
import type { Process, Scheduler } from './scheduler.ts';

/** How long anything may take that nothing stands in the way of. */
export const PROMPT_MS = 12_000;

export interface LivenessWorld {
  readonly scheduler: Scheduler;
  readonly counters: Counters;
  readonly database: DatabaseServer;
  readonly violate: (invariant: string, message: string) => void;
}

/**
 * Promises with a time limit, during the faults: they hold only where neither the process nor the database was
 * disturbed meanwhile, and are not looked at otherwise.
 */
export class Liveness {
  readonly #world: LivenessWorld;
  readonly #disturbed = new Map<Process, number>();

  constructor(world: LivenessWorld) {
    this.#world = world;
  }

  /** `process` was stopped, went on, lost a connection, or can't write for `forMs`. */
  disturbs(process: Process, forMs = 0): void {
    const until = this.#world.scheduler.now + forMs;
    this.#disturbed.set(process, Math.max(until, this.#disturbed.get(process) ?? 0));
  }

  /** `kept` must hold in a while, if all was well until then. */
  expect(process: Process, invariant: string, message: () => string, kept: () => boolean): void {
    const { scheduler, database, counters, violate } = this.#world;
    const since = scheduler.now;
    scheduler.after(PROMPT_MS, 'a promise is due', () => {
      if (!process.alive || process.stopped || kept()) return;
      const disturbed = Math.max(
        this.#disturbed.get(process) ?? Number.NEGATIVE_INFINITY,
        database.troubledAt,
      );
      if (disturbed >= since - PROMPT_MS) counters.hit(`excused.${invariant}`);
      else violate(invariant, message());
    });
  }
}
