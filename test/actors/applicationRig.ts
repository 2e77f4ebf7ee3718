import {
  type ApplicationServiceOptions,
  createApplication,
} from '../../src/actors/application/applicationService.ts';
import type { Application } from '../../src/actors/ports/application.ts';
import type { DecisionStore } from '../../src/actors/ports/decisionStore.ts';
import type { InvoiceReport, InvoiceWatch } from '../../src/actors/ports/invoiceReport.ts';
import type { NodeId, PaymentHash } from '../../src/domain/hash.ts';
import { nodeIdFromBytes } from '../../src/domain/hash.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { publicKeyOf } from '../../src/lightning/crypto.ts';
import { PreimageDeriver } from '../../src/lightning/paymentAddr.ts';
import { ALICE, BOB, IDENTITY_KEY } from '../support/payments.ts';
import type { Rig } from './rig.ts';

export const POLICY = { feeBaseMsat: 1_000, feeRatePpm: 10_000, cltvDelta: 40 };

export const hintsOf = (nodes: readonly NodeId[]) =>
  nodes.map((nodeId) => ({ nodeId, chanId: virtualChannelId(nodeId), ...POLICY }));

export function optionsOf(rig: Rig): ApplicationServiceOptions {
  let random = 0;
  return {
    supervisor: rig.supervisor,
    store: rig.session,
    clock: rig.clock,
    deriver: new PreimageDeriver(IDENTITY_KEY),
    identityKey: IDENTITY_KEY,
    nodeId: nodeIdFromBytes(publicKeyOf(IDENTITY_KEY))!,
    network: 'regtest',
    nodes: [ALICE, BOB],
    nodeNames: new Map([
      [ALICE, 'alice'],
      [BOB, 'bob'],
    ]),
    hints: { current: hintsOf([ALICE, BOB]) },
    autoSettle: false,
    random16: () => new Uint8Array(16).fill(++random),
  };
}

/** The application's side of a rig. Its store may be another view of the rig's, a slow one say. */
export const applicationOf = (rig: Rig, store: DecisionStore = rig.session): Application =>
  createApplication({ ...optionsOf(rig), store });

/** What is found of an invoice; a test that looks for nothing fails. */
export async function lookup(app: Application, hash: PaymentHash): Promise<InvoiceReport> {
  const looked = await app.lookupInvoice(hash);
  if (looked.result !== 'found') throw new Error(`lookup: ${looked.result}`);
  return looked.report;
}

/** Reads a watch as fast as it can. */
export function follow(watch: InvoiceWatch) {
  const reports: InvoiceReport[] = [];
  const end = Promise.withResolvers<string>();
  let ended = false;
  void (async () => {
    for (;;) {
      const next = await watch.next();
      if (next.result === 'report') {
        reports.push(next.report);
        continue;
      }
      ended = true;
      return end.resolve(next.result);
    }
  })();
  return { reports, states: () => reports.map(({ state }) => state), end: end.promise, ended: () => ended };
}
