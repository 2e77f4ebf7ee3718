import { createActorSystem } from '../../src/actors/actorSystem.ts';
import type { AcceptedSet, AcceptedSubscription } from '../../src/actors/ports/application.ts';
import type { OnionPeeler } from '../../src/actors/ports/onionPeeler.ts';
import type { HoldLimits, SupervisorOptions } from '../../src/actors/supervisor/options.ts';
import { Supervisor } from '../../src/actors/supervisor/supervisor.ts';
import { createInlinePeeler } from '../../src/adapters/crypto/inlinePeeler.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import type { LifecycleRules } from '../../src/machines/rules.ts';
import { FakeLink } from '../support/fakeLink.ts';
import { FakeStore, type StoreSession } from '../support/fakeStore.ts';
import { ALICE, BOB, IDENTITY_KEY, type TestPart } from '../support/payments.ts';
import { RecordingLog } from '../support/recordingLog.ts';
import { SimulatedClock, turns } from '../support/simulatedClock.ts';

export const RULES: LifecycleRules = {
  exactAmount: false,
  cltvRejectDelta: 10,
  deadlineMargin: 6,
  maxCltvDelta: 2016,
  maxPartsPerSet: 10,
  holdMs: 60_000,
  acceptMs: 120_000,
  commitRetryMs: 1_000,
};

export const LIMITS: HoldLimits = { maxHeldHtlcs: 1_000, maxHeldHtlcsPerNode: 500, maxJournalLines: 10_000 };

export interface RigOptions extends Partial<Omit<SupervisorOptions, 'rules' | 'limits'>> {
  readonly rules?: Partial<LifecycleRules>;
  readonly limits?: Partial<HoldLimits>;
  /** Subscribes an application at once; true unless said. */
  readonly subscribed?: boolean;
  readonly at?: FakeStore;
  /** False: the hashes of stored rows stay unread, so that every new one is looked up. True unless said. */
  readonly hashesRead?: boolean;
  readonly height?: number;
}

/** A supervisor with two nodes, a database and an application, all in memory. */
export interface Rig {
  readonly supervisor: Supervisor;
  readonly store: FakeStore;
  readonly session: StoreSession;
  readonly clock: SimulatedClock;
  readonly log: RecordingLog;
  readonly alice: FakeLink;
  readonly bob: FakeLink;
  /** Complete sets that the application has heard of. */
  readonly accepted: AcceptedSet[];
  /** How many onions were peeled. */
  peeled(): number;
  fenced(): number;
  subscribe(): AcceptedSubscription;
  /** Offers parts at their nodes and lets everything happen that needs no time. */
  pay(...parts: readonly TestPart[]): Promise<void>;
  /** The set of this hash that was announced last. */
  setOf(hash: PaymentHash): SetId;
  settle(hash: PaymentHash): ReturnType<Supervisor['settle']>;
}

export async function startRig(options: RigOptions = {}): Promise<Rig> {
  const store = options.at ?? new FakeStore();
  const session = store.open();
  const clock = (options.clock as SimulatedClock | undefined) ?? new SimulatedClock();
  const log = new RecordingLog();
  let peeled = 0;
  let fenced = 0;
  const inline = createInlinePeeler(IDENTITY_KEY);
  const peeler: OnionPeeler = {
    peel(request, done) {
      peeled += 1;
      inline.peel(request, done);
    },
    close: () => inline.close(),
  };
  const { rules, limits, subscribed = true, height = 1_000, at: _at, hashesRead = true, ...rest } = options;
  if (!hashesRead) session.failingHashReads = Number.POSITIVE_INFINITY;
  const supervisor = new Supervisor({
    system: createActorSystem(clock),
    store: session,
    epoch: session.epoch,
    peeler,
    deriver: new PreimageDeriver(IDENTITY_KEY),
    clock,
    log,
    policy: { feeBaseMsat: 1_000, feeRatePpm: 10_000, cltvDelta: 40 },
    autoSettle: false,
    subscriberGraceMs: 30_000,
    paces: { decisionsMs: 0, lookupsMs: 0, finalsMs: 8 },
    callTimeoutMs: 30_000,
    onFenced: () => {
      fenced += 1;
    },
    ...rest,
    rules: { ...RULES, ...rules },
    limits: { ...LIMITS, ...limits },
  });
  await supervisor.recover();
  const alice = new FakeLink(ALICE, supervisor);
  const bob = new FakeLink(BOB, supervisor);
  const accepted: AcceptedSet[] = [];
  const subscribe = () => {
    const subscription = supervisor.accepted.subscribe();
    void (async () => {
      for (let set = await subscription.next(); set; set = await subscription.next()) accepted.push(set);
    })();
    return subscription;
  };
  if (subscribed) subscribe();
  for (const link of [alice, bob]) {
    link.block(height);
    link.connect();
  }
  const setOf = (hash: PaymentHash) => {
    const set = accepted.findLast((each) => each.paymentHash === hash);
    if (!set) throw new Error('no set of this hash was announced');
    return set.setId;
  };
  return {
    supervisor,
    store,
    session,
    clock,
    log,
    alice,
    bob,
    accepted,
    peeled: () => peeled,
    fenced: () => fenced,
    subscribe,
    async pay(...parts) {
      for (const part of parts) (part.offer.key.nodeId === ALICE ? alice : bob).offer(part.offer);
      await turns();
    },
    setOf,
    settle: (hash) => supervisor.settle(hash, setOf(hash)),
  };
}
