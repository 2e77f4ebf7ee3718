const LOOK_MS = 50;

export const pause = (ms: number) => new Promise<void>((wake) => setTimeout(wake, ms));

/** Waits for what other processes bring about. `what` goes into the error: "waited 20 s for …". */
export async function eventually(
  what: string,
  limitMs: number,
  condition: () => boolean | Promise<boolean>,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${Math.round(limitMs / 1_000)} s for ${what}`);
    await pause(LOOK_MS);
  }
}

/** Looks for a while whether something stays true. */
export async function stays(what: string, forMs: number, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + forMs;
  do {
    if (!(await condition())) throw new Error(`it is no longer true that ${what}`);
    await pause(LOOK_MS);
  } while (performance.now() < deadline);
}
