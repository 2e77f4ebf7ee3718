import { ROW } from '../daemon/ops.ts';
import type { Scope } from '../scopes.ts';
import {
  bookAt,
  HEIGHT,
  HTLC,
  htlcAt,
  RELEASER,
  ROW_MEMBERS,
  ROW_STATUS,
  SENT,
  SENT_SETTLES,
  SENT_SOME,
} from './layout.ts';

/**
 * Takes facts out of a state that no step and no law can ask for any more, so that states that differ in nothing
 * else become one. Each is argued where it is done.
 */
export function forget(s: Uint8Array, scope: Scope): void {
  const { nodeOf, autoFail, daemons } = scope;
  const answerable = s[bookAt(0)]! | (daemons === 2 ? s[bookAt(1)]! : 0);
  const status = s[ROW_STATUS]!;
  const isOver = status === ROW.settled || status === ROW.failed;
  // Without a release, a settle breaks S1 whoever wrote what; after the first settle, the row's end leaves nothing
  // to be looked at (S3, S5).
  if (status === ROW.aborted || (isOver && (s[SENT]! & SENT_SETTLES) !== 0)) s[RELEASER] = 0;
  for (let k = 0; k < nodeOf.length; k++) {
    const bit = 1 << k;
    const state = s[htlcAt(k)]!;
    if (state === HTLC.unsent) {
      // Too late to be sent: like one that ended before anyone heard of it.
      if (s[HEIGHT]! >= autoFail[k]!) s[htlcAt(k)] = HTLC.autoFailed;
      continue;
    }
    if (state < HTLC.settled || answerable & bit) continue;
    // Nobody can answer it again: what it was told is of interest only in that something was settled.
    const wasSettled = (s[SENT]! & bit) !== 0;
    s[SENT]! &= ~(bit | (bit << 4));
    if (wasSettled && !(isOver && s[RELEASER] === 0)) s[SENT]! |= SENT_SOME;
    // How it failed is looked at only in members of a set of which a part may still be paid (S9).
    const isMember = status === ROW.none || (status !== ROW.aborted && (s[ROW_MEMBERS]! & bit) !== 0);
    if (state === HTLC.failed && (!isMember || isOver)) s[htlcAt(k)] = HTLC.autoFailed;
  }
  if (isOver && s[RELEASER] === 0) s[SENT]! &= ~SENT_SOME;
}
