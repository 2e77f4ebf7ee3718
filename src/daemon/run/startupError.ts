import * as Effect from 'effect/Effect';

/** Why the daemon can't start or go on: one line, with what mends it. */
export class StartupError extends Error {
  readonly _tag = 'StartupError';
  override readonly name = 'StartupError';
}

/** A promise whose rejection is a reason not to start. Our own errors already say what to do about them. */
export function starting<A>(run: () => Promise<A>): Effect.Effect<A, StartupError> {
  return Effect.tryPromise({
    try: run,
    catch: (cause) =>
      new StartupError(cause instanceof Error ? cause.message : String(cause), { cause: cause as Error }),
  });
}
