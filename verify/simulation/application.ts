import type {
  AcceptedSet,
  AcceptedSubscription,
  Application,
  CancelResult,
  SettleResult,
  WaitResult,
} from '../../src/actors/ports/application.ts';
import type { PaymentHash, SetId } from '../../src/domain/hash.ts';
import type { Counters } from './counters.ts';
import type { DaemonHost } from './daemon.ts';
import type { DatabaseState } from './databaseState.ts';
import type { Ledger } from './ledger.ts';
import type { Liveness } from './liveness.ts';
import type { Payer } from './payer.ts';
import type { Intention } from './plan.ts';
import type { Prng } from './random.ts';
import type { Process, Scheduler } from './scheduler.ts';

export interface ApplicationWorld {
  readonly scheduler: Scheduler;
  readonly random: Prng;
  readonly counters: Counters;
  readonly ledger: Ledger;
  readonly database: DatabaseState;
  readonly payer: Payer;
  readonly hosts: readonly DaemonHost[];
  readonly autoSettle: boolean;
  readonly liveness: Liveness;
}

/** What the application was told about a set, by the first clear answer of each kind. */
interface Told {
  requested: boolean;
  requestedAt: number;
  canceled: boolean;
  final: 'settled' | 'failed' | undefined;
}

/** The shop behind the API: hears of sets, decides, asks how they ended; and is not always at its best. */
export class ShopApplication {
  readonly #world: ApplicationWorld;
  readonly #told = new Map<string, Told>();
  #subscription: AcceptedSubscription | undefined;
  #connected: Application | undefined;
  readonly #waits = new Set<AbortController>();
  /** Calls that wait for an invoice to end, by where they wait. */
  readonly #pending = new Map<PaymentHash, { readonly process: Process; open: boolean }[]>();
  readonly #heard = new Set<SetId>();
  readonly #withdrawn = new Set<SetId>();
  #awayUntil = 0;
  #slowUntil = Number.NEGATIVE_INFINITY;
  #healed = false;

  constructor(world: ApplicationWorld) {
    this.#world = world;
    this.#look();
  }

  crash(awayMs: number): void {
    this.#awayUntil = this.#world.scheduler.now + awayMs;
    this.#world.counters.hit('app.crashed');
    const subscription = this.#subscription;
    this.#forget();
    const { process } = this.#host() ?? {};
    if (process && subscription) {
      this.#world.scheduler.after(1, 'app unsubscribes', () => subscription.close(), { owner: process });
    }
  }

  slow(ms: number): void {
    this.#slowUntil = this.#world.scheduler.now + ms;
  }

  /** From now on it settles whatever it hears of, soon. */
  heal(): void {
    this.#healed = true;
    this.#awayUntil = 0;
    this.#slowUntil = Number.NEGATIVE_INFINITY;
  }

  /** The run is over. Node.js keeps signals that somebody listens to, and with them the whole world. */
  end(): void {
    for (const wait of this.#waits) wait.abort();
    this.#waits.clear();
  }

  /** L7: whoever waits for this invoice is told now that it has ended. */
  closed(hash: PaymentHash): void {
    const { liveness, counters } = this.#world;
    for (const wait of this.#pending.get(hash) ?? []) {
      if (!wait.open) continue;
      counters.hit('liveness.waitedForEnd');
      liveness.expect(
        wait.process,
        'L7',
        () => `${this.#name(hash)} has ended, and nobody is told`,
        () => !wait.open,
      );
    }
  }

  /** L7: a complete set is announced to a subscriber that is there and reads. */
  completed(process: Process, setId: SetId): void {
    const { liveness, scheduler, counters, autoSettle } = this.#world;
    const subscription = this.#subscription;
    if (autoSettle || !subscription || this.#host()?.process !== process) return;
    counters.hit('liveness.setComplete');
    const kept = () =>
      this.#heard.has(setId) ||
      this.#withdrawn.has(setId) ||
      this.#subscription !== subscription ||
      scheduler.now < this.#slowUntil + 60_000;
    liveness.expect(process, 'L7', () => `set ${setId.slice(0, 8)} is complete and not announced`, kept);
  }

  withdrawn(setId: SetId): void {
    this.#withdrawn.add(setId);
  }

  #host(): DaemonHost | undefined {
    return this.#world.hosts.find(
      (host) => host.application !== undefined && host.application === this.#connected,
    );
  }

  #forget(): void {
    this.#subscription = undefined;
    this.#connected = undefined;
  }

  /** Is there a daemon to talk to? Looks now and then, as a client that reconnects does. */
  #look(): void {
    const { scheduler, random, hosts } = this.#world;
    scheduler.after(random.between(200, 1_200), 'app looks', () => {
      this.#look();
      if (scheduler.now < this.#awayUntil) return;
      if (this.#connected && this.#host()) return;
      this.#forget();
      const host = hosts.find((h) => h.application && h.process && !h.process.stopped);
      if (host) this.#subscribe(host.application!, host.process!);
    });
  }

  #subscribe(application: Application, process: Process): void {
    const { scheduler, counters } = this.#world;
    this.#connected = application;
    counters.hit('app.subscribed');
    scheduler.after(
      1,
      'app subscribes',
      () => {
        const subscription = application.subscribeAccepted();
        this.#subscription = subscription;
        this.#readOn(application, subscription, process);
      },
      { owner: process },
    );
  }

  #readOn(application: Application, subscription: AcceptedSubscription, process: Process): void {
    const { scheduler, random } = this.#world;
    void subscription.next().then((set) => {
      if (!set) return;
      const pause = scheduler.now < this.#slowUntil ? random.between(500, 5_000) : random.between(0, 3);
      scheduler.after(
        pause,
        'app reads on',
        () => {
          if (this.#subscription === subscription) this.#readOn(application, subscription, process);
        },
        { owner: process },
      );
      scheduler.after(random.between(0.2, 3), `app hears of ${set.paymentHash.slice(0, 6)}`, () =>
        this.#hear(set),
      );
    });
  }

  #hear(set: AcceptedSet): void {
    const { random, counters, payer } = this.#world;
    const { paymentHash: hash, setId } = set;
    counters.hit('app.heard');
    this.#heard.add(setId);
    if (set.blocksLeft <= 0) counters.hit('app.heardTooLate');
    const intention: Intention = this.#healed
      ? 'settle'
      : (payer.byHash.get(hash)?.plan.intention ?? 'settle');
    if (this.#world.autoSettle) return this.#cancel(hash, setId, random.between(0, 300), 0);
    const soon = () => random.between(0, this.#healed ? 10 : 800);
    switch (intention) {
      case 'settle':
        return this.#settle(hash, setId, soon(), 0);
      case 'settleTwice':
        this.#settle(hash, setId, soon(), 0);
        return this.#settle(hash, setId, soon(), 0);
      case 'cancel':
        return this.#cancel(hash, setId, soon(), 0);
      case 'race':
        this.#cancel(hash, setId, soon(), 0);
        return this.#settle(hash, setId, soon(), 0);
      case 'wrongFirst':
        this.#settle(hash, setId.split('').reverse().join('') as SetId, soon(), 9);
        return this.#settle(hash, setId, 900, 0);
      case 'late':
        return this.#settle(hash, setId, random.between(2_000, 40_000), 0);
      case 'silent':
        counters.hit('app.silent');
    }
  }

  /** `lost`: nobody was there, or no answer came in time. An answer may still come after that. */
  #call<T>(
    label: string,
    delayMs: number,
    ask: (application: Application) => Promise<T>,
    answered: (answer: T) => void,
    lost: () => void,
  ): void {
    const { scheduler, counters } = this.#world;
    scheduler.after(delayMs, `app calls ${label}`, () => {
      const host = this.#host();
      if (!host?.application || !host.process) return lost();
      const { application, process } = host;
      let open = true;
      const call = () =>
        void ask(application).then((answer) => {
          open = false;
          answered(answer);
        });
      scheduler.after(0.5, `${process.name} ${label}`, call, { owner: process });
      scheduler.after(12_000, `app gave up ${label}`, () => {
        if (!open) return;
        counters.hit('app.callLost');
        lost();
      });
    });
  }

  #settle(hash: PaymentHash, setId: SetId, delayMs: number, tries: number): void {
    const { random, counters, ledger, scheduler } = this.#world;
    const again = () => {
      if (tries < 8) this.#settle(hash, setId, random.between(500, 3_000), tries + 1);
    };
    const answered = (answer: SettleResult) => {
      counters.hit(`app.settle.${answer.result}`);
      if (answer.result === 'requested') this.#requested(hash, setId);
      else if (answer.result === 'unknown' || answer.result === 'unavailable') again();
      else this.#refusedToSettle(hash, setId, answer.result, asked);
    };
    const label = `settle ${hash.slice(0, 6)}`;
    let asked = scheduler.now;
    const ask = (app: Application) => {
      asked = scheduler.now;
      ledger.asks(hash, setId);
      return app.settleInvoice(hash, setId);
    };
    this.#call(label, delayMs, ask, answered, again);
  }

  #cancel(hash: PaymentHash, setId: SetId, delayMs: number, tries: number): void {
    const { random, counters } = this.#world;
    const again = () => {
      if (tries < 8) this.#cancel(hash, setId, random.between(500, 3_000), tries + 1);
    };
    const answered = (answer: CancelResult) => {
      counters.hit(`app.cancel.${answer.result}`);
      if (answer.result === 'canceled') this.#canceled(hash, setId);
      else if (answer.result === 'unavailable') again();
    };
    const label = `cancel ${hash.slice(0, 6)}`;
    this.#call(label, delayMs, (app) => app.cancelInvoice(hash, setId), answered, again);
  }

  // --- S10: what the application sees agrees with itself and with what is stored

  #toldOf(hash: PaymentHash, setId: SetId): Told {
    const key = `${hash}${setId}`;
    let told = this.#told.get(key);
    if (!told) {
      told = { requested: false, requestedAt: 0, canceled: false, final: undefined };
      this.#told.set(key, told);
    }
    return told;
  }

  #requested(hash: PaymentHash, setId: SetId): void {
    const { ledger, database, random, scheduler } = this.#world;
    const told = this.#toldOf(hash, setId);
    if (told.canceled) ledger.violate('S10', `${this.#name(hash)}: settle succeeds after cancel did`);
    if (database.invoices.get(hash)?.setId !== setId) {
      ledger.violate('S10', `${this.#name(hash)}: OK for a settle request that is not stored`);
    }
    if (told.requested) return;
    told.requested = true;
    told.requestedAt = scheduler.now;
    if (random.chance(0.2)) this.#cancel(hash, setId, 300, 0);
    const wait = () => this.#waitForEnd(hash, setId);
    scheduler.after(random.between(0, 500), `app waits for ${hash.slice(0, 6)}`, wait);
  }

  #canceled(hash: PaymentHash, setId: SetId): void {
    const { ledger, database } = this.#world;
    const told = this.#toldOf(hash, setId);
    told.canceled = true;
    if (told.requested) ledger.violate('S10', `${this.#name(hash)}: cancel succeeds after settle did`);
    if (database.invoices.get(hash)?.setId === setId) {
      ledger.violate('S10', `${this.#name(hash)}: cancelled, but its settlement is stored`);
    }
  }

  /** `asked`: when the call began. One that overlaps the successful one may have been answered from before it. */
  #refusedToSettle(hash: PaymentHash, setId: SetId, result: string, asked: number): void {
    const { ledger, database } = this.#world;
    const told = this.#toldOf(hash, setId);
    if (!told.requested || asked < told.requestedAt) return;
    const row = database.invoices.get(hash);
    if (result === 'not_found')
      ledger.violate('S10', `${this.#name(hash)}: settle was OK and is not found now`);
    else if (row?.status !== 'FAILED')
      ledger.violate('S10', `${this.#name(hash)}: settle was OK and is refused now`);
  }

  #waitForEnd(hash: PaymentHash, setId: SetId): void {
    const { scheduler, counters, ledger, random } = this.#world;
    const again = () => {
      scheduler.after(random.between(500, 4_000), `app waits again`, () => this.#waitForEnd(hash, setId));
    };
    const answered = (answer: WaitResult) => {
      counters.hit(`app.final.${answer.result}`);
      if (answer.result === 'unavailable') return again();
      if (answer.result === 'not_found') {
        return ledger.violate('S10', `${this.#name(hash)}: requested, and its status is not found`);
      }
      if (answer.result !== 'aborted') this.#ended(hash, setId, answer.result);
    };
    const controller = new AbortController();
    this.#waits.add(controller);
    const ask = async (app: Application) => {
      const wait = { process: scheduler.current!, open: true };
      this.#pending.set(hash, [...(this.#pending.get(hash) ?? []), wait]);
      const answer = await app.waitForFinalStatus(hash, controller.signal);
      wait.open = false;
      return answer;
    };
    this.#call(`status ${hash.slice(0, 6)}`, 0.5, ask, answered, again);
  }

  #ended(hash: PaymentHash, setId: SetId, result: 'settled' | 'failed'): void {
    const { ledger, database } = this.#world;
    const told = this.#toldOf(hash, setId);
    const row = database.invoices.get(hash);
    if (told.final && told.final !== result)
      ledger.violate('S10', `${this.#name(hash)}: ended twice, differently`);
    told.final = result;
    if (row?.status !== (result === 'settled' ? 'SETTLED' : 'FAILED')) {
      ledger.violate('S10', `${this.#name(hash)}: told ${result}, stored ${row?.status}`);
    }
    if (result !== 'settled') return;
    for (const id of ledger.membersOf(hash)) {
      if (!ledger.parts.get(id)?.final?.settled) {
        ledger.violate('S9', `${this.#name(hash)}: goods are delivered, but a part is not settled at lnd`);
      }
    }
  }

  #name(hash: PaymentHash): string {
    return this.#world.payer.byHash.get(hash)?.plan.label ?? hash.slice(0, 8);
  }
}
