import { createApplication } from '../../src/actors/application/applicationService.ts';
import { RouteHints } from '../../src/actors/nodes/routeHints.ts';
import { systemClock } from '../../src/daemon/run/systemClock.ts';
import { nodeIdFromBytes } from '../../src/domain/hash.ts';
import { publicKeyOf } from '../../src/lightning/crypto.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { IDENTITY_KEY } from '../system/daemon.ts';
import { silentLog } from '../system/silentLog.ts';

/**
 * A program: the rate of the function behind AddInvoice in a process of its own, as a line of JSON. Two nodes, so
 * two route hints. The argument is for how many seconds.
 */
const seconds = Number(process.argv[2]);
const identityKey = Buffer.from(IDENTITY_KEY, 'hex');
const nodeOf = (byte: number) => nodeIdFromBytes(publicKeyOf(new Uint8Array(32).fill(byte)))!;
const random = Buffer.alloc(16);
let counter = 0;
const hints = new RouteHints({
  nodes: [nodeOf(1), nodeOf(2)].map((nodeId, i) => ({ nodeId, name: `node ${i}`, priority: 0 })),
  policy: { feeBaseMsat: 0, feeRatePpm: 0, cltvDelta: 40 },
  rule: 'all',
  maxHints: 20,
  log: silentLog,
});
const application = createApplication({
  // Neither is asked for invoices.
  supervisor: undefined as never,
  store: undefined as never,
  clock: systemClock,
  deriver: new PreimageDeriver(identityKey),
  identityKey,
  nodeId: nodeIdFromBytes(publicKeyOf(identityKey))!,
  network: 'regtest',
  nodes: [nodeOf(1), nodeOf(2)],
  hints,
  autoSettle: false,
  random16() {
    random.writeUInt32BE(counter++);
    return random;
  },
});

const request = {
  amountMsat: 1_000_000n,
  description: 'one coffee',
  descriptionHash: undefined,
  expirySecs: 3_600n,
};

function run(ms: number): number {
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < ms) {
    for (let i = 0; i < 100; i++, count++) {
      const result = application.addInvoice(request);
      if (!result.ok) throw new Error(JSON.stringify(result));
    }
  }
  return count / ((performance.now() - start) / 1000);
}

run(1_000);
process.stdout.write(`${JSON.stringify({ perSecond: run(seconds * 1000) })}\n`);
