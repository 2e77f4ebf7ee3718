import { DECISION, ROW, rowCode, submissionKind, submissionMask } from '../daemon/ops.ts';
import type { Flaws } from '../design.ts';
import type { Laws } from './laws.ts';
import { FAILS, LATE, LEADER, RELEASER, ROW_FINALS, ROW_MEMBERS, ROW_STATUS } from './layout.ts';

/**
 * What PostgreSQL does with our statements, transcribed from src/adapters/postgres/decideStatement.ts and
 * finaliseStatement.ts for one payment hash. Statements are atomic: the fence is a row lock inside of them.
 */
export class ModelDatabase {
  readonly #flaws: Flaws;
  readonly #laws: Laws;

  constructor(flaws: Flaws, laws: Laws) {
    this.#flaws = flaws;
    this.#laws = laws;
  }

  row(s: Uint8Array): number {
    const finals = s[ROW_FINALS]!;
    return rowCode(s[ROW_STATUS]!, s[ROW_MEMBERS]!, finals & 15, finals >> 4);
  }

  /** Whether the fence lets a statement of daemon `d` pass. */
  passes(s: Uint8Array, d: number): boolean {
    return s[LEADER] === d + 1 || this.#flaws.noEpochBump === true;
  }

  /** Executes a batch; the mask of refused items, or -1 when fenced and nothing was written. */
  decide(s: Uint8Array, d: number, batch: readonly number[]): number {
    const isFenced = !this.passes(s, d);
    let refused = 0;
    let wrote = false;
    for (const [i, item] of batch.entries()) {
      if (isFenced && !this.#escapesFence(item)) continue;
      wrote = true;
      if (!this.#decideOne(s, d, item)) refused |= 1 << i;
    }
    return isFenced && !wrote ? -1 : refused;
  }

  #escapesFence(item: number): boolean {
    const kind = submissionKind(item);
    if (kind === DECISION.fail) return this.#flaws.unfencedFail === true;
    return this.#flaws.unfencedRelease === true && kind !== DECISION.abort;
  }

  /** False when durable facts contradict it. */
  #decideOne(s: Uint8Array, d: number, item: number): boolean {
    const mask = submissionMask(item);
    switch (submissionKind(item)) {
      case DECISION.request:
        return this.#request(s, d, mask, false);
      case DECISION.requestAndRelease:
        return this.#request(s, d, mask, true);
      case DECISION.release:
        return this.#release(s, d, mask);
      case DECISION.abort:
        return this.#abort(s, d, mask);
      default:
        return this.#fail(s, d, mask);
    }
  }

  #request(s: Uint8Array, d: number, members: number, release: boolean): boolean {
    const status = s[ROW_STATUS]!;
    if (!this.#flaws.writesOverwrite && (s[FAILS]! & members) !== 0) return false;
    if (status !== ROW.none && !this.#flaws.writesOverwrite) {
      if (status !== ROW.requested && status !== ROW.released) return false;
      return s[ROW_MEMBERS] === members && (!release || status === ROW.released);
    }
    if (status === ROW.none || s[ROW_MEMBERS] !== members) {
      this.#laws.members(s, members);
      s[ROW_MEMBERS] = members;
      s[ROW_FINALS] = 0;
    } else if (status === ROW.released || !release) return true;
    this.#setStatus(s, d, release ? ROW.released : ROW.requested);
    if (release) s[RELEASER] = d + 1;
    return true;
  }

  #release(s: Uint8Array, d: number, members: number): boolean {
    const status = s[ROW_STATUS]!;
    if ((status !== ROW.requested && status !== ROW.released) || s[ROW_MEMBERS] !== members) return false;
    if (status === ROW.requested) {
      this.#setStatus(s, d, ROW.released);
      s[RELEASER] = d + 1;
    }
    return true;
  }

  #abort(s: Uint8Array, d: number, members: number): boolean {
    const status = s[ROW_STATUS]!;
    if (s[ROW_MEMBERS] !== members) return false;
    if (status === ROW.aborted) return true;
    const settled = s[ROW_FINALS]! & 15;
    const failed = s[ROW_FINALS]! >> 4;
    const isOurs = s[RELEASER] === d + 1 || this.#flaws.abortOfAnyRelease === true;
    if (settled !== 0 || !(status === ROW.requested || (status === ROW.released && isOurs))) return false;
    this.#setStatus(s, d, ROW.aborted);
    s[FAILS]! |= members & ~failed;
    // The member rows are deleted.
    s[ROW_FINALS] = 0;
    return true;
  }

  #fail(s: Uint8Array, d: number, parts: number): boolean {
    const status = s[ROW_STATUS]!;
    const members = status === ROW.none || status === ROW.aborted ? 0 : s[ROW_MEMBERS]!;
    if ((members & parts) !== 0 && !this.#flaws.writesOverwrite) return false;
    if ((s[FAILS]! & parts) !== parts) {
      this.#laws.wrote(s, d);
      this.#laws.failWritten(s, parts);
      s[FAILS]! |= parts;
    }
    return true;
  }

  /** Records lnd's last word; false when fenced. */
  finalise(s: Uint8Array, d: number, k: number, settled: boolean): boolean {
    if (!this.passes(s, d) && !this.#flaws.unfencedFinal) return false;
    const bit = 1 << k;
    if (s[FAILS]! & bit) {
      this.#laws.wrote(s, d);
      s[FAILS]! &= ~bit;
      s[LATE]! &= ~bit;
    }
    const status = s[ROW_STATUS]!;
    const members = s[ROW_MEMBERS]!;
    const known = (s[ROW_FINALS]! & 15) | (s[ROW_FINALS]! >> 4);
    if ((status !== ROW.requested && status !== ROW.released) || !(members & bit) || known & bit) return true;
    this.#laws.wrote(s, d);
    s[ROW_FINALS]! |= settled ? bit : bit << 4;
    if ((known | bit) !== members) return true;
    this.#setStatus(s, d, (s[ROW_FINALS]! & 15) === members ? ROW.settled : ROW.failed);
    return true;
  }

  /** Whether a read finds all of the batch decided as it says. */
  holds(s: Uint8Array, batch: readonly number[]): boolean {
    return batch.every((item) => {
      const mask = submissionMask(item);
      const status = s[ROW_STATUS]!;
      const isOurs = s[ROW_MEMBERS] === mask;
      switch (submissionKind(item)) {
        case DECISION.request:
          return isOurs && status >= ROW.requested;
        case DECISION.requestAndRelease:
        case DECISION.release:
          return isOurs && status === ROW.released;
        case DECISION.abort:
          return isOurs && status === ROW.aborted;
        default:
          return (s[FAILS]! & mask) === mask;
      }
    });
  }

  #setStatus(s: Uint8Array, d: number, status: number): void {
    this.#laws.wrote(s, d);
    this.#laws.rowMoves(s, d, status);
    s[ROW_STATUS] = status;
  }

  /** A new leader: the epoch rises, statements of earlier ones are decided or fenced by then. */
  raiseEpoch(s: Uint8Array, d: number): void {
    s[LEADER] = d + 1;
    if (s[RELEASER] === d + 1) s[RELEASER] = 0;
  }
}
