import type { NodeId } from '../../domain/hash.ts';
import { isPayableMsat } from '../../domain/msat.ts';
import { createInvoice } from '../../lightning/bolt11.ts';
import { sha256 } from '../../lightning/crypto.ts';
import type { Network } from '../../lightning/networks.ts';
import { encodePaymentAddr, type PreimageDeriver } from '../../lightning/paymentAddr.ts';
import type { RouteHints } from '../nodes/routeHints.ts';
import type { AddInvoice, AddInvoiceResult, Application, ApplicationInfo } from '../ports/application.ts';
import type { Clock } from '../ports/clock.ts';
import type { DecisionStore } from '../ports/decisionStore.ts';
import type { UnresolvedPart } from '../ports/unresolved.ts';
import { EventReader } from '../reports/eventReader.ts';
import { InvoiceReports } from '../reports/invoiceReports.ts';
import { ReportWatch } from '../reports/invoiceWatch.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

/** Longest expiry an invoice may have: a hundred years keeps every later sum far from its limits. */
const MAX_EXPIRY_SECS = 100n * 365n * 24n * 3600n;
const MAX_DESCRIPTION_BYTES = 639;
const ALL_DRAINED = 'every lnd node is being drained, so no invoice could be paid: undrain one of them';

export interface ApplicationServiceOptions {
  readonly supervisor: Supervisor;
  readonly store: DecisionStore;
  readonly clock: Clock;
  readonly deriver: PreimageDeriver;
  readonly identityKey: Uint8Array;
  readonly nodeId: NodeId;
  readonly network: Network;
  readonly nodes: readonly NodeId[];
  readonly hints: Pick<RouteHints, 'current'>;
  /** Names for people; the first 10 digits of the key where there is none. */
  readonly nodeNames?: ReadonlyMap<NodeId, string>;
  readonly autoSettle: boolean;
  /** Sixteen unpredictable bytes; anyone who can guess them can make up payment addresses for our hashes. */
  readonly random16: () => Uint8Array;
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const nameOfNode = (names: ReadonlyMap<NodeId, string> | undefined) => (nodeId: NodeId) =>
  names?.get(nodeId) ?? nodeId.slice(0, 10);

function reportsOf({ supervisor, store, nodeNames }: ApplicationServiceOptions): InvoiceReports {
  return new InvoiceReports({
    store,
    nodeName: nameOfNode(nodeNames),
    known: (hash) => supervisor.memory.known(hash),
    link: (nodeId) => supervisor.memory.link(nodeId),
    height: () => supervisor.memory.height,
    deadlineMargin: () => supervisor.memory.deadlineMargin,
    timeLeft: (set) => supervisor.memory.timeLeft(set),
    feeMsat: (part) => supervisor.memory.feeMsat(part),
  });
}

/** The application's side of the core. */
export function createApplication(options: ApplicationServiceOptions): Application {
  const { supervisor, store } = options;
  const reports = reportsOf(options);
  const nameOf = nameOfNode(options.nodeNames);
  const addInvoice = invoiceIssuer(options);
  const info: ApplicationInfo = {
    nodeId: options.nodeId,
    network: options.network,
    nodes: options.nodes,
    autoSettle: options.autoSettle,
  };
  return {
    info: () => info,
    addInvoice,
    settleInvoice: (hash, setId) => supervisor.settle(hash, setId),
    cancelInvoice: (hash, setId) => supervisor.cancel(hash, setId),
    subscribeAccepted: () => supervisor.accepted.subscribe(),
    async waitForFinalStatus(hash, signal, fromIssue = false) {
      // Registered before the row is read: an invoice that becomes final in between is not missed.
      const stop = new AbortController();
      const waiting = supervisor.finalStatus.wait(hash, AbortSignal.any([signal, stop.signal]));
      try {
        const [row] = await store.invoicesByHash([hash]);
        if (row?.status === 'SETTLE_REQUESTED') return await waiting;
        if (row?.status === 'SETTLED') return { result: 'settled' };
        if (row) return { result: 'failed', reason: row.cause ?? 'parts_failed' };
        return fromIssue ? await waiting : { result: 'not_found' };
      } catch (error) {
        return { result: 'unavailable', reason: textOf(error) };
      } finally {
        stop.abort();
      }
    },
    async lookupInvoice(hash) {
      try {
        const { report, known } = await reports.of(hash);
        return known ? { result: 'found', report } : { result: 'not_found' };
      } catch (error) {
        return { result: 'unavailable', reason: textOf(error) };
      }
    },
    watchInvoice: (hash) => new ReportWatch(hash, reports, supervisor.changes),
    subscribeEvents: (start) =>
      new EventReader({ store, tail: supervisor.events, clock: options.clock }, start),
    listUnresolved({ all, max }) {
      const found: UnresolvedPart[] = [];
      for (const part of supervisor.unresolvedHtlcs.all()) {
        const configured = options.nodes.includes(part.key.nodeId);
        if (configured && !all) continue;
        if (found.length >= max) break;
        found.push({ ...part, configured, nodeName: nameOf(part.key.nodeId) });
      }
      return found;
    },
    async finalizePart({ key, settled, evenIfConfigured }) {
      if (options.nodes.includes(key.nodeId) && !evenIfConfigured) {
        const reason = `node ${nameOf(key.nodeId)} is configured and reports the end itself; if it never will, say so (even_if_configured)`;
        return { result: 'refused', reason };
      }
      return supervisor.unresolvedHtlcs.finalize(key, settled);
    },
    async listInvoices(query) {
      try {
        return { ok: true, invoices: await store.listInvoices(query) };
      } catch (error) {
        return { ok: false, reason: textOf(error) };
      }
    },
  };
}

/** Issues stateless invoices: everything that must be remembered is in the payment address. */
function invoiceIssuer(options: ApplicationServiceOptions): (request: AddInvoice) => AddInvoiceResult {
  const { clock, deriver, identityKey, network } = options;
  return (request) => {
    const problem = problemOf(request);
    if (problem) return { ok: false, problem };
    const hints = options.hints.current;
    if (hints === undefined) return { ok: false, unavailable: ALL_DRAINED };
    const timestamp = Math.floor(clock.now() / 1000);
    const expirySecs = Number(request.expirySecs);
    const paymentAddr = encodePaymentAddr({
      random16: options.random16(),
      expiresAt: timestamp + expirySecs,
      amountMsat: request.amountMsat,
    });
    const preimage = deriver.preimage(paymentAddr);
    const paymentHash = sha256(preimage);
    try {
      const paymentRequest = createInvoice({
        network,
        identityKey,
        timestamp,
        expirySecs,
        amountMsat: request.amountMsat,
        ...(request.descriptionHash
          ? { descriptionHash: request.descriptionHash }
          : { description: request.description }),
        paymentHash,
        paymentAddr,
        hints,
      });
      return { ok: true, paymentRequest, preimage, paymentHash };
    } catch (error) {
      if (error instanceof RangeError) return { ok: false, problem: error.message };
      throw error;
    }
  };
}

function problemOf(request: AddInvoice): string | undefined {
  if (request.expirySecs <= 0n) return 'expiry_secs not specified';
  if (request.expirySecs > MAX_EXPIRY_SECS) return `expiry_secs must be at most ${MAX_EXPIRY_SECS}`;
  if (request.amountMsat <= 0n) return 'amt_msat not specified';
  if (!isPayableMsat(request.amountMsat)) return 'amt_msat is more than all bitcoin there is';
  const { descriptionHash } = request;
  if (descriptionHash && descriptionHash.length !== 32) {
    return `invalid desc hash: invalid hash length of ${descriptionHash.length}, want 32`;
  }
  if (descriptionHash && request.description !== '') return 'both description and description hash set';
  const bytes = Buffer.byteLength(request.description);
  if (bytes > MAX_DESCRIPTION_BYTES) {
    return `description is ${bytes} bytes long, ${MAX_DESCRIPTION_BYTES} fit into an invoice; use description_hash`;
  }
  return undefined;
}
