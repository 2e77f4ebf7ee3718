/**
 * A state of the small world: 44 bytes, compared as 11 words. Daemons' memories are numbers of DaemonMemory; all
 * else is here. Masks have one bit per HTLC or per node.
 */
export const WORDS = 11;
export const BYTES = WORDS * 4;

/** Word index of a daemon's memory. */
export const MEMORY = 0;

/** Per daemon, 6 bytes each. */
const DAEMON = 8;
const DAEMON_BYTES = 6;
export const phaseAt = (d: number): number => DAEMON + d * DAEMON_BYTES;
/** Highest height that it heard of. */
export const heightAt = (d: number): number => DAEMON + d * DAEMON_BYTES + 1;
/** Nodes to which it believes to have a stream. */
export const linksAt = (d: number): number => DAEMON + d * DAEMON_BYTES + 2;
/** HTLCs offered and unanswered on those streams. */
export const bookAt = (d: number): number => DAEMON + d * DAEMON_BYTES + 3;
/** Statement under way: items, then the bits below. */
export const flightAt = (d: number): number => DAEMON + d * DAEMON_BYTES + 4;
/** Items that the database refused, once it has executed the statement. */
export const refusedAt = (d: number): number => DAEMON + d * DAEMON_BYTES + 5;

export const FLIGHT_ITEMS = 7;
export const FLIGHT_EXECUTED = 8;
/** Its first submission had no clean acknowledgement. */
export const FLIGHT_AGAIN = 16;
export const FLIGHT_FENCED = 32;

/** `starting`: it leads, and has not read yet what is pending. */
export const PHASE = { dead: 0, live: 1, fenced: 2, starting: 3 } as const;

/** Who has the interceptor slot of a node: 0 nobody, else the daemon + 1. */
export const slotAt = (node: number): number => 20 + node;
export const htlcAt = (k: number): number => 22 + k;
export const HTLC = {
  unsent: 0,
  held: 1,
  /** The answer is on the stream or in the mailbox. */
  settling: 2,
  failing: 3,
  settled: 4,
  failed: 5,
  autoFailed: 6,
} as const;
export const HTLC_NAMES = [
  'unsent',
  'held',
  'settling',
  'failing',
  'settled',
  'failed',
  'auto-failed',
] as const;

/** Final events on their way to the daemon that has the slot. */
export const EVENTS = 25;
/** Nodes that are not synced, or hear no blocks. */
export const UNREADY = 26;
export const HEIGHT = 27;
export const ROW_STATUS = 28;
export const ROW_MEMBERS = 29;
/** Low half: members that settled; high half: members that failed. */
export const ROW_FINALS = 30;
/** Who wrote the release: 0 an earlier epoch, else the daemon + 1. */
export const RELEASER = 31;
export const FAILS = 32;
export const LEADER = 33;
/** A statement without acknowledgement that the server may still execute. */
export const GHOST = 34;
/** Low half: sets (see SETS) whose settle call was answered `requested`; high half: whose cancel call `canceled`. */
export const ANSWERED = 35;
/**
 * Low half: HTLCs for which a settle was ever written to a stream; high half: a fail. The highest bit of the low half
 * stands for settled HTLCs whose names do not matter any more.
 */
export const SENT = 36;
export const SENT_SETTLES = 15;
export const SENT_SOME = 8;

/** Failures that a statement in doubt wrote after lnd's last word was recorded: nobody asks for them any more. */
export const LATE = 37;

/** The last word: how often each fault and call may still happen. All before it is the state's core. */
export const BUDGETS = 10;
export const CORE_WORDS = BUDGETS;

export const BUDGET = {
  crash: 0,
  disconnect: 1,
  lndRestart: 2,
  ambiguous: 3,
  dbError: 4,
  settle: 5,
  cancel: 6,
  takeover: 7,
  unsync: 8,
} as const;
export type BudgetName = keyof typeof BUDGET;

/** Sets of two among three HTLCs. */
export const SETS = [0b011, 0b101, 0b110] as const;

/** Three bits each, of which the highest is free: so two sets of budgets are compared in one subtraction. */
const BUDGET_BITS = 3;
const GUARDS = 0o444444444;

export const budgetOf = (words: Uint32Array, budget: number): number =>
  (words[BUDGETS]! >> (budget * BUDGET_BITS)) & 3;

/** Takes one from a budget; false when it is used up. */
export function spend(words: Uint32Array, budget: number): boolean {
  if (budgetOf(words, budget) === 0) return false;
  words[BUDGETS]! -= 1 << (budget * BUDGET_BITS);
  return true;
}

export function grant(words: Uint32Array, budget: number, amount: number): void {
  words[BUDGETS]! |= amount << (budget * BUDGET_BITS);
}

/** Whether budgets `a` allow all that budgets `b` allow. */
export const allows = (a: number, b: number): boolean => (((a | GUARDS) - b) & GUARDS) === GUARDS;
