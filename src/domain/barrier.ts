import type { PartId } from './htlcKey.ts';
import { lowestAutoFailHeight, type Part } from './part.ts';

/**
 * The facts on which a release depends, taken by the shell at the moment of the event that carries them.
 * `absent` names the parts that are not, at this moment, offered and unanswered on a live stream of a node that
 * is synced and hears blocks.
 */
export interface ReleaseView {
  /** The highest block height that any node has reported. Never decreasing. */
  readonly height: number;
  readonly absent: readonly PartId[];
}

/**
 * The release barrier: every part is there to be answered, and no part is within `margin` blocks of the height at
 * which its node gives it back. Only then can a set be settled as a whole by our own doing.
 */
export function barrierHolds(parts: readonly Part[], view: ReleaseView, margin: number): boolean {
  return parts.length > 0 && view.absent.length === 0 && !deadlineReached(parts, view.height, margin);
}

/** Whether a part has come so close to its auto-fail height that the set must be given up. */
export function deadlineReached(parts: readonly Part[], height: number, margin: number): boolean {
  return height >= deadlineHeight(parts, margin);
}

/** The height from which the set can't be released any more. */
export function deadlineHeight(parts: readonly Part[], margin: number): number {
  return lowestAutoFailHeight(parts) - margin;
}
