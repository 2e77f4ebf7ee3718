import { onTestFinished } from 'vitest';
import { EventTail } from '../../src/actors/eventTail.ts';
import { WebhookMeasures } from '../../src/actors/measures/webhookMeasures.ts';
import type { JournalLine } from '../../src/actors/ports/decisionStore.ts';
import type { InvoiceEvent } from '../../src/actors/ports/invoiceEvents.ts';
import type { JobPaces } from '../../src/adapters/jobs/options.ts';
import { openPostgresStore, type PostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { Secret, type WebhookConfig } from '../../src/daemon/config/load.ts';
import { BackgroundJobs, type BackgroundJobsOptions } from '../../src/daemon/run/backgroundJobs.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import type { PaymentHash } from '../../src/domain/hash.ts';
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts';
import { RecordingLog } from '../support/recordingLog.ts';

export const SECRET = 'canary-of-a-webhook-secret-0123456789';

/** As short as pg-boss allows. */
export const QUICK: JobPaces = {
  poll: 0.5,
  firstRetry: 1,
  longestRetry: 1,
  retries: 30,
  attempt: 3,
  supervise: 1,
};

export const ALL: ReadonlySet<InvoiceEvent['type']> = new Set([
  'accepted',
  'given_back',
  'settle_requested',
  'settled',
  'failed',
]);

export function webhook(url: string, name = 'shop', events = ALL): WebhookConfig {
  return { name, url: new Secret(url), secret: new Secret(SECRET), events };
}

export async function eventually(condition: () => boolean | Promise<boolean>, ms = 30_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('it did not happen in time');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export const hashOf = (number: number) => number.toString(16).padStart(64, '0') as PaymentHash;

const LINES = {
  given_back: { machine: 'htlcSet', from: 'collecting', event: 'set.failed', to: 'failed' },
  settled: { machine: 'invoice', from: 'settleRequested', event: 'htlc.settled', to: 'settled' },
  accepted: { machine: 'htlcSet', from: 'collecting', event: 'part.added', to: 'complete' },
  none: { machine: 'htlcSet', from: 'collecting', event: 'part.added', to: 'collecting' },
} as const;

/** A line of the events table for an invoice of that number. */
export function line(number: number, kind: keyof typeof LINES = 'given_back', at = Date.now()): JournalLine {
  const details =
    kind === 'given_back'
      ? { reason: 'mpp_timeout' }
      : kind === 'settled'
        ? { settledMsat: '9007199254740993' }
        : {};
  return { ...LINES[kind], paymentHash: hashOf(number), setId: undefined, at, details };
}

/** A leader on a database: writes lines, and tells webhooks of them. */
export class Leader {
  readonly tail = new EventTail();
  readonly log = new RecordingLog();
  readonly measures: WebhookMeasures;
  readonly epoch: bigint;
  readonly store: PostgresStore;
  readonly #options: Partial<BackgroundJobsOptions> & { readonly webhooks: readonly WebhookConfig[] };
  jobs: BackgroundJobs | undefined;

  constructor(store: PostgresStore, epoch: bigint, options: Leader['options']) {
    this.store = store;
    this.epoch = epoch;
    this.#options = options;
    this.measures = new WebhookMeasures(options.webhooks.map(({ name }) => name));
  }

  get options() {
    return this.#options;
  }

  /** Starts, and waits until webhooks have their places. */
  async start(): Promise<this> {
    const { store, tail, log, measures, epoch } = this;
    this.jobs = new BackgroundJobs({
      retention: { eventsMs: undefined },
      target: store.target,
      store,
      tail,
      epoch,
      clock: systemClock,
      log,
      measures,
      paces: QUICK,
      ...this.#options,
    });
    await eventually(() => this.jobs!.running);
    return this;
  }

  async write(...lines: readonly JournalLine[]): Promise<bigint> {
    const outcome = await this.store.journal(this.epoch, lines, 0);
    if (outcome.kind !== 'acknowledged') throw new Error(outcome.kind);
    this.tail.advanced(outcome.lastSequence);
    return outcome.lastSequence;
  }

  async stop(): Promise<void> {
    this.tail.close();
    await this.jobs?.stop();
  }
}

/** A database of the test's own, with leaders one after the other. Everything goes at the end of the test. */
export class World {
  readonly database: TestDatabase;
  readonly store: PostgresStore;
  /** In the order in which they took the lead. */
  readonly leaders: Leader[] = [];

  private constructor(database: TestDatabase, store: PostgresStore) {
    this.database = database;
    this.store = store;
  }

  static async open(): Promise<World> {
    const database = await createTestDatabase();
    const store = await openPostgresStore({ target: database.target, log: new RecordingLog() });
    const world = new World(database, store);
    onTestFinished(async () => {
      for (const leader of world.leaders) await leader.stop();
      await store.close();
      await database.drop();
    });
    return world;
  }

  /** Takes the lead away from whoever has it. */
  async epoch(): Promise<bigint> {
    await this.database.query(`UPDATE lnmux.leader SET expires_at = '-infinity'`);
    const lead = await this.store.acquire('test', 3_600_000);
    if (!lead.acquired) throw new Error('not leader');
    return lead.epoch;
  }

  async leader(options: Leader['options']): Promise<Leader> {
    const leader = new Leader(this.store, await this.epoch(), options);
    this.leaders.push(leader);
    return leader.start();
  }

  /** One number that a query gives. */
  async number(sql: string): Promise<number> {
    const [row] = await this.database.query(sql);
    return Number(Object.values(row!)[0]);
  }
}
