/** A leader that a test can kill: tells one webhook of what is written. Arguments: DSN, epoch, URL, secret. */
import { EventTail } from '../../src/actors/eventTail.ts';
import { WebhookMeasures } from '../../src/actors/measures/webhookMeasures.ts';
import { openPostgresStore } from '../../src/adapters/postgres/decisionStore.ts';
import { parseDsn } from '../../src/adapters/postgres/dsn.ts';
import { Secret } from '../../src/daemon/config/load.ts';
import { BackgroundJobs } from '../../src/daemon/run/backgroundJobs.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { silentLog } from '../support/silentLog.ts';

const [dsn, epoch, url, secret] = process.argv.slice(2) as [string, string, string, string];
const store = await openPostgresStore({ target: parseDsn(dsn), log: silentLog });
const events = new Set(['given_back'] as const);
const jobs = new BackgroundJobs({
  webhooks: [{ name: 'shop', url: new Secret(url), secret: new Secret(secret), events }],
  retention: { eventsMs: undefined },
  target: store.target,
  store,
  tail: new EventTail(),
  epoch: BigInt(epoch),
  clock: systemClock,
  log: silentLog,
  measures: new WebhookMeasures(['shop']),
  paces: { poll: 0.5, firstRetry: 1, longestRetry: 1, retries: 30, attempt: 3, supervise: 60 },
});
while (!jobs.running) await new Promise((resolve) => setTimeout(resolve, 20));
process.stdout.write('running\n');
// The feed looks for lines by itself every five seconds: nobody tells it of them here.
setInterval(() => {}, 60_000);
