import type { FailResult } from '../../../src/domain/failResult.ts';
import type { SetId } from '../../../src/domain/hash.ts';
import type { PartId } from '../../../src/domain/htlcKey.ts';
import type { Part } from '../../../src/domain/part.ts';
import type { HtlcSetEffect } from '../../../src/machines/htlcSet/events.ts';

export type Submission = Extract<HtlcSetEffect, { type: 'settlement.commit' }>;

export interface StoredSet {
  readonly setId: SetId;
  readonly parts: readonly Part[];
  status: 'requested' | 'released' | 'aborted' | 'settled' | 'failed';
}

/** What is durable about one payment hash. Writes are keyed and write-once, as the store's contract says. */
export class ModelDatabase {
  set: StoredSet | undefined;
  readonly fails = new Map<PartId, FailResult>();
  readonly finals = new Map<PartId, boolean>();

  /** Whether this write would change nothing because it is there already. */
  has(write: Submission): boolean {
    const { set } = this;
    switch (write.decision) {
      case 'request':
        return set?.setId === write.setId;
      case 'requestAndRelease':
      case 'release':
        return set?.setId === write.setId && set.status === 'released';
      case 'abort':
        return set?.setId === write.setId && set.status === 'aborted';
      case 'fail':
        return write.parts.every((p) => this.fails.has(p.id));
    }
  }

  /** Why durable facts forbid this write; undefined when they don't. */
  refusal(write: Submission): string | undefined {
    const { set } = this;
    if (this.has(write)) return undefined;
    switch (write.decision) {
      case 'request':
      case 'requestAndRelease':
        if (set) return `another set is ${set.status}`;
        return write.parts.some((p) => this.fails.has(p.id)) ? 'a part is failed' : undefined;
      case 'release':
        return set?.setId === write.setId && set.status === 'requested' ? undefined : 'not requested';
      case 'abort':
        if (set?.setId !== write.setId) return 'not requested';
        return set.status === 'requested' || set.status === 'released' ? undefined : `is ${set.status}`;
      case 'fail':
        return set?.parts.some((p) => write.parts.some((q) => q.id === p.id))
          ? 'a part is settled'
          : undefined;
    }
  }

  /** Writes it; false when durable facts forbid it. */
  apply(write: Submission): boolean {
    if (this.refusal(write) !== undefined) return false;
    if (this.has(write)) return true;
    if (write.decision === 'fail') {
      for (const part of write.parts) this.fails.set(part.id, write.reason);
      return true;
    }
    if (write.decision === 'abort') {
      this.set!.status = 'aborted';
      return true;
    }
    this.set ??= { setId: write.setId, parts: write.parts, status: 'requested' };
    if (write.decision !== 'request') this.set.status = 'released';
    return true;
  }

  /** Records lnd's last word; the last member of a released set ends the invoice. */
  record(partId: PartId, settled: boolean): void {
    this.finals.set(partId, settled);
    const { set } = this;
    if (set?.status !== 'released' || !set.parts.every((p) => this.finals.has(p.id))) return;
    set.status = set.parts.every((p) => this.finals.get(p.id)) ? 'settled' : 'failed';
  }
}
