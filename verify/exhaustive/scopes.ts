import type { BudgetName } from './world/layout.ts';

/** The bounds of one exploration. */
export interface Scope {
  readonly name: string;
  readonly daemons: 1 | 2;
  /** Node of each HTLC. */
  readonly nodeOf: readonly number[];
  /** Height at which its node gives each HTLC back; the margin is one block. */
  readonly autoFail: readonly number[];
  /** Heights run from 0 to this. */
  readonly maxHeight: number;
  /** How often each fault can happen; how often the application can call. At most 3 each. */
  readonly budgets: Readonly<Partial<Record<BudgetName, number>>>;
}

const define = (name: string, scope: Omit<Scope, 'name'>): Scope => ({ name, ...scope });

const TWO = { nodeOf: [0, 1], autoFail: [2, 2] } as const;
const THREE = { nodeOf: [0, 1, 0], autoFail: [2, 2, 2] } as const;

/**
 * HTLC 1 and 3 are on node A, HTLC 2 is on node B; any two of them complete the invoice's set. At height 1 the
 * deadline is reached, at height 2 the nodes give their HTLCs back, unless a scope says otherwise.
 */
export const SCOPES: readonly Scope[] = [
  define('tiny', { daemons: 1, ...TWO, maxHeight: 2, budgets: { crash: 1, disconnect: 1, settle: 1 } }),
  define('database', {
    daemons: 1,
    ...TWO,
    maxHeight: 2,
    budgets: { ambiguous: 1, dbError: 1, settle: 2, cancel: 1 },
  }),
  define('readiness', {
    daemons: 1,
    nodeOf: [0, 1],
    autoFail: [2, 3],
    maxHeight: 3,
    budgets: { disconnect: 1, settle: 1, unsync: 2 },
  }),
  define('restarts', {
    daemons: 1,
    ...TWO,
    maxHeight: 2,
    budgets: { crash: 1, ambiguous: 1, lndRestart: 1, settle: 1 },
  }),
  define('split', { daemons: 2, ...TWO, maxHeight: 1, budgets: { settle: 1, takeover: 1 } }),
  define('third', { daemons: 1, ...THREE, maxHeight: 1, budgets: { settle: 1 } }),
  define('surplus', { daemons: 1, ...THREE, maxHeight: 2, budgets: { disconnect: 1, settle: 1 } }),
  define('two-takeovers', {
    daemons: 2,
    ...TWO,
    maxHeight: 1,
    budgets: { crash: 1, takeover: 2, settle: 1 },
  }),
  define('faults', {
    daemons: 1,
    ...TWO,
    maxHeight: 2,
    budgets: { crash: 2, disconnect: 1, lndRestart: 1, ambiguous: 1, dbError: 1, settle: 2, cancel: 1 },
  }),
  define('split-brain', {
    daemons: 2,
    ...TWO,
    maxHeight: 2,
    budgets: { crash: 2, disconnect: 1, takeover: 1, settle: 1 },
  }),
  define('split-brain-ambiguous', {
    daemons: 2,
    ...TWO,
    maxHeight: 2,
    budgets: { ambiguous: 1, takeover: 1, settle: 1, cancel: 1 },
  }),
  define('three-database', {
    daemons: 1,
    ...THREE,
    maxHeight: 2,
    budgets: { ambiguous: 1, dbError: 1, settle: 1, cancel: 1 },
  }),
  define('three-crash', { daemons: 1, ...THREE, maxHeight: 2, budgets: { crash: 1, settle: 1 } }),
  define('three', {
    daemons: 1,
    ...THREE,
    maxHeight: 2,
    budgets: { crash: 2, disconnect: 1, lndRestart: 1, ambiguous: 1, settle: 2 },
  }),
  define('three-everything', {
    daemons: 1,
    ...THREE,
    maxHeight: 2,
    budgets: {
      crash: 2,
      disconnect: 1,
      lndRestart: 1,
      ambiguous: 2,
      dbError: 1,
      unsync: 1,
      settle: 2,
      cancel: 1,
    },
  }),
  define('split-brain-three', {
    daemons: 2,
    ...THREE,
    maxHeight: 2,
    budgets: { crash: 1, takeover: 1, settle: 1 },
  }),
];

const SMALL = [
  'tiny',
  'database',
  'readiness',
  'restarts',
  'faults',
  'split',
  'surplus',
  'three-database',
  'three-crash',
];

/** `split-brain-three` is in none: more than 100 million states. */
export const GROUPS: Readonly<Record<string, readonly string[]>> = {
  ci: SMALL,
  full: [...SMALL, 'two-takeovers', 'split-brain-ambiguous', 'three', 'three-everything', 'split-brain'],
};

export function scopesOf(name: string): readonly Scope[] {
  const names = GROUPS[name] ?? [name];
  return names.map((n) => {
    const scope = SCOPES.find((s) => s.name === n);
    if (!scope)
      throw new Error(
        `no scope ${n}: choose ${[...Object.keys(GROUPS), ...SCOPES.map((s) => s.name)].join(', ')}`,
      );
    return scope;
  });
}
