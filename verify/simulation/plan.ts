import { Prng } from './random.ts';

/** What kind of HTLC a part is. All but `good` are failed, or resumed, by looking at nothing but their bytes. */
export type PartKind =
  | 'good'
  | 'wrongSecret'
  | 'noPaymentData'
  | 'badOnion'
  | 'badPayload'
  | 'underpaid'
  | 'feeShort'
  | 'totalLow'
  | 'foreign';

export interface PartPlan {
  readonly kind: PartKind;
  /** Milliseconds after the payment begins. */
  readonly delayMs: number;
  readonly node: number;
  readonly channel: number;
  readonly amountMsat: bigint;
  /** Blocks between the height at sending and the outgoing expiry. */
  readonly blocks: number;
}

/** What the application does with the set once it hears of it. */
export type Intention = 'settle' | 'settleTwice' | 'cancel' | 'race' | 'wrongFirst' | 'late' | 'silent';

export interface PaymentPlan {
  readonly label: string;
  readonly at: number;
  readonly amountMsat: bigint;
  /** What the sender declares as the total. */
  readonly totalMsat: bigint;
  readonly expirySecs: number;
  readonly parts: readonly PartPlan[];
  readonly intention: Intention;
  /** How often the payer tries again after a failure, with new HTLCs. */
  readonly retries: number;
}

export const FAULT_WEIGHTS = {
  crash: 5,
  hostCrash: 2,
  restart: 2,
  pause: 3,
  cut: 6,
  streamEnd: 2,
  lndRestart: 4,
  peerFlap: 4,
  forceClose: 4,
  squeeze: 4,
  blocks: 9,
  reorg: 1,
  chainStall: 1,
  unsynced: 2,
  flagsOff: 1,
  loseFinals: 2,
  lookupsFail: 1,
  switchStall: 1,
  backpressure: 2,
  dbError: 5,
  dbAmbiguousLost: 4,
  dbAmbiguousCommitted: 5,
  dbLateInDoubt: 3,
  dbLateQueued: 2,
  dbFlaky: 4,
  dbSlow: 2,
  dbReadError: 2,
  dbDown: 2,
  dbFailover: 3,
  appCrash: 2,
  appSlow: 1,
  clockJump: 2,
  drain: 3,
} as const;

export type FaultKind = keyof typeof FAULT_WEIGHTS;

export interface FaultPlan {
  readonly label: string;
  readonly at: number;
  readonly kind: FaultKind;
  readonly node: number;
  readonly channel: number;
  readonly durationMs: number;
  /** In [0, 1): whatever else the fault has to choose. */
  readonly dice: number;
}

export interface Plan {
  readonly seed: number;
  readonly nodes: number;
  readonly channelsPerNode: number;
  readonly daemons: number;
  readonly autoSettle: boolean;
  readonly exactAmount: boolean;
  /** Mean milliseconds between blocks. */
  readonly blockMs: number;
  readonly activeMs: number;
  readonly payments: readonly PaymentPlan[];
  readonly faults: readonly FaultPlan[];
}

/** Everything a seed decides beforehand. `only`: labels of the payments and faults that are kept. */
export function planOf(seed: number, only?: ReadonlySet<string>): Plan {
  const root = new Prng(`plan ${seed}`);
  const world = root.split('world');
  const nodes = Number(world.weighted({ 1: 2, 2: 4, 3: 2 }));
  const activeMs = world.integer(60_000, 150_000);
  const base = {
    seed,
    nodes,
    channelsPerNode: world.integer(1, 3),
    daemons: world.chance(0.35) ? 2 : 1,
    autoSettle: world.chance(0.2),
    exactAmount: world.chance(0.3),
    blockMs: world.pick([8_000, 20_000, 60_000, 600_000]),
    activeMs,
  };
  const kept = <T extends { label: string }>(items: T[]) =>
    only ? items.filter((item) => only.has(item.label)) : items;
  const payments = paymentsOf(root.split('payments'), base);
  const times = payments.map((payment) => payment.at);
  return { ...base, payments: kept(payments), faults: kept(faultsOf(root.split('faults'), base, times)) };
}

interface Base {
  readonly nodes: number;
  readonly channelsPerNode: number;
  readonly exactAmount: boolean;
  readonly activeMs: number;
}

function paymentsOf(random: Prng, base: Base): PaymentPlan[] {
  const count = random.integer(12, 36);
  return Array.from({ length: count }, (_, index) => paymentOf(random.split(`${index}`), base, index));
}

function paymentOf(random: Prng, base: Base, index: number): PaymentPlan {
  // Small ones have no output in a commitment transaction: a forced close takes them at once.
  const sats = random.chance(0.25) ? random.integer(300, 1_500) : random.integer(1_000, 2_000_000);
  const amountMsat = BigInt(sats) * 1_000n;
  const over = !base.exactAmount && random.chance(0.15);
  const totalMsat = over ? amountMsat + amountMsat / 4n : amountMsat;
  const good = random.weighted({ 1: 5, 2: 4, 3: 2, 5: 1 });
  const parts = splitAmount(random, totalMsat, Number(good)).map((amount) =>
    partOf(random, base, 'good', amount),
  );
  const extra = random.weighted({ none: 10, missing: 2, surplus: 2, odd: 5 });
  if (extra === 'missing') parts.pop();
  if (extra === 'surplus') {
    const amount = random.chance(0.5) ? totalMsat : totalMsat / 2n + 1n;
    parts.push(partOf(random, base, 'good', amount, 4_000));
  }
  if (extra === 'odd') parts.push(partOf(random, base, oddKind(random), totalMsat));
  return {
    label: `p${index}`,
    at: random.between(3_000, base.activeMs),
    amountMsat,
    totalMsat,
    expirySecs: random.chance(0.1) ? random.integer(1, 20) : 3_600,
    parts,
    intention: random.weighted({
      settle: 12,
      settleTwice: 3,
      cancel: 3,
      race: 3,
      wrongFirst: 2,
      late: 3,
      silent: 2,
    }),
    retries: random.weighted({ 0: 3, 1: 3, 2: 1 }) === '0' ? 0 : 1,
  };
}

function oddKind(random: Prng): PartKind {
  return random.weighted({
    wrongSecret: 3,
    noPaymentData: 1,
    badOnion: 1,
    badPayload: 1,
    underpaid: 1,
    feeShort: 1,
    totalLow: 1,
    foreign: 4,
  });
}

function partOf(random: Prng, base: Base, kind: PartKind, amountMsat: bigint, delayMs = 1_500): PartPlan {
  return {
    kind,
    delayMs: random.chance(0.1) ? random.between(0, 40_000) : random.between(0, delayMs),
    node: random.below(base.nodes),
    channel: random.below(base.channelsPerNode),
    amountMsat,
    blocks: random.chance(0.35) ? random.integer(2, 9) : random.integer(8, 45),
  };
}

function splitAmount(random: Prng, total: bigint, parts: number): bigint[] {
  const amounts: bigint[] = [];
  let left = total;
  for (let i = parts; i > 1; i -= 1) {
    const amount = (left * BigInt(random.integer(10, 60))) / 100n;
    amounts.push(amount);
    left -= amount;
  }
  return [...amounts, left];
}

/** Swarm testing: each seed has its own mix, and some have hardly any faults at all. */
function faultsOf(random: Prng, base: Base, busyTimes: readonly number[]): FaultPlan[] {
  const mix = random.split('mix');
  const chosen: Partial<Record<FaultKind, number>> = {};
  for (const [kind, weight] of Object.entries(FAULT_WEIGHTS) as [FaultKind, number][]) {
    if (mix.chance(0.55)) chosen[kind] = weight * mix.between(0.3, 2);
  }
  if (Object.keys(chosen).length === 0) return [];
  const count = mix.pick([0, 3, 6, 12, 20, 30]);
  return Array.from({ length: count }, (_, index) => {
    const own = random.split(`${index}`);
    return {
      label: `f${index}`,
      // Mostly while a payment is under way: that is when there is something to break.
      at: own.chance(0.7) ? own.pick(busyTimes) + own.between(0, 6_000) : own.between(500, base.activeMs),
      kind: own.weighted(chosen),
      node: own.below(base.nodes),
      channel: own.below(base.channelsPerNode),
      durationMs: own.chance(0.3) ? own.between(10_000, 60_000) : own.between(200, 10_000),
      dice: own.next(),
    };
  });
}
