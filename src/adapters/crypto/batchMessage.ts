/** What the main thread sends for a batch that the worker meets for the first time, or will not meet again. */
export interface BatchIntroduction {
  readonly id: number;
  /** How many slots are filled. */
  readonly count: number;
  readonly memory: SharedArrayBuffer;
  /** Whether the batch will come again, by its number alone. */
  readonly keep: boolean;
}

/** A known batch is one number: its own, times this base, plus the count of filled slots. */
export const SLOT_BASE = 1_024;

export type BatchMessage = BatchIntroduction | number;
