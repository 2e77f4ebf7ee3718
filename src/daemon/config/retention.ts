import type { Section } from './section.ts';
import type { RetentionConfig } from './types.ts';

const DAY_MS = 86_400_000;
const MOST_MS = 3_650 * DAY_MS;

/** Shorter than a day would delete the lines of a payment that still waits for the application. */
export function readRetention(section: Section): RetentionConfig {
  const range = { fallbackMs: 0, minMs: 0, maxMs: MOST_MS, fallbackText: '0s, for ever' };
  const millis = section.duration('events', range);
  if (millis > 0 && millis < DAY_MS) {
    section.problem('events', 'too short; write 24h or more, or 0s to keep them for ever');
  }
  section.finish();
  return { eventsMs: millis === 0 ? undefined : millis };
}
