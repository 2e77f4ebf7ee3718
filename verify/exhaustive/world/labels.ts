/** What can happen in the small world. The order is that of no importance; names are for the stories. */
export const STEP = {
  send: 0,
  settleCall: 1,
  cancelCall: 2,
  block: 3,
  takeover: 4,
  crash: 5,
  disconnect: 6,
  lndRestart: 7,
  ambiguous: 8,
  dbError: 9,
  unsync: 10,
  start: 16,
  connect: 17,
  deliver: 18,
  admit: 19,
  readmit: 20,
  final: 21,
  event: 22,
  lookup: 23,
  execute: 24,
  acknowledge: 25,
  ghostExecutes: 26,
  ghostVanishes: 27,
  record: 28,
  timer: 29,
  look: 30,
  notice: 31,
  kick: 32,
  exit: 33,
  sync: 34,
  recover: 35,
} as const;

/** Steps from here on need nobody's will and no bad luck: what heals. */
export const FIRST_HEALING = STEP.start;

export const label = (step: number, a = 0, b = 0): number => step | (a << 6) | (b << 10);
export const labelStep = (code: number): number => code & 63;
export const labelA = (code: number): number => (code >> 6) & 15;
export const labelB = (code: number): number => code >> 10;
