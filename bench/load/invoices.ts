import type { ServiceClient } from '../../src/generated/lnmux.ts';
import { cpuOf } from '../system/processStats.ts';
import { percentilesOf } from './percentiles.ts';

const WARM_UP_CALLS = 5_000;

/** Calls AddInvoice from so many callers at once, each with the next call as soon as it has an answer. */
export async function addInvoices(
  client: ServiceClient,
  daemonPid: number,
  { seconds, concurrency }: { readonly seconds: number; readonly concurrency: number },
) {
  await callers(client, concurrency, (calls) => calls < WARM_UP_CALLS);
  const cpu = cpuOf(daemonPid).totalUs;
  const start = performance.now();
  const end = start + seconds * 1000;
  const times = await callers(client, concurrency, () => performance.now() < end);
  const elapsed = (performance.now() - start) / 1000;
  return {
    perSecond: times.length / elapsed,
    latency: percentilesOf(Float64Array.from(times)),
    daemonUsPerCall: (cpuOf(daemonPid).totalUs - cpu) / times.length,
  };
}

async function callers(
  client: ServiceClient,
  concurrency: number,
  goOn: (calls: number) => boolean,
): Promise<number[]> {
  const times: number[] = [];
  const caller = async () => {
    while (goOn(times.length)) {
      const start = performance.now();
      await addInvoice(client);
      times.push((performance.now() - start) * 1000);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, caller));
  return times;
}

function addInvoice(client: ServiceClient): Promise<void> {
  const request = {
    amtMsat: 1_000_000n,
    description: 'one coffee',
    descriptionHash: Buffer.alloc(0),
    expirySecs: 3_600n,
  };
  return new Promise((done, failed) => {
    client.addInvoice(request, (error, response) => {
      if (error) failed(error);
      else if (!response.paymentRequest.startsWith('lnbcrt')) failed(new Error('no invoice'));
      else done();
    });
  });
}
