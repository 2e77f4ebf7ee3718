import { createActorSystem } from '../../src/actors/actorSystem.ts';
import { PACES } from '../../src/actors/supervisor/options.ts';
import { Supervisor } from '../../src/actors/supervisor/supervisor.ts';
import { openPostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { parseDsn } from '../../src/adapters/postgres/dsn.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { IDENTITY_KEY } from '../system/daemon.ts';
import { silentLog } from '../system/silentLog.ts';

/**
 * A program: how long recovery takes by itself, in a process of its own, as a line of JSON. The argument is the DSN;
 * the daemon of that database must not run.
 */
const store = await openPostgresStore({ target: parseDsn(process.argv[2]!), log: silentLog });
const leadership = await store.acquire('bench', 1_000);
if (!leadership.acquired) throw new Error('another process has the lead');
const identityKey = Buffer.from(IDENTITY_KEY, 'hex');
const supervisor = new Supervisor({
  system: createActorSystem(systemClock),
  store,
  epoch: leadership.epoch,
  // No HTLC arrives here.
  peeler: undefined as never,
  deriver: new PreimageDeriver(identityKey),
  clock: systemClock,
  log: silentLog,
  rules: {
    exactAmount: false,
    cltvRejectDelta: 10,
    deadlineMargin: 6,
    maxCltvDelta: 2_016,
    maxPartsPerSet: 483,
    holdMs: 60_000,
    acceptMs: 60_000,
    commitRetryMs: 1_000,
  },
  policy: { feeBaseMsat: 0, feeRatePpm: 0, cltvDelta: 40 },
  limits: { maxHeldHtlcs: 1_000_000, maxHeldHtlcsPerNode: 1_000_000, maxJournalLines: 100_000 },
  autoSettle: false,
  subscriberGraceMs: 30_000,
  paces: PACES,
  callTimeoutMs: 30_000,
  onFenced: () => {},
});
const start = performance.now();
await supervisor.recover();
const recoverMs = performance.now() - start;
process.stdout.write(`${JSON.stringify({ recoverMs, pending: supervisor.stats().dormantInvoices })}\n`);
process.exit(0);
