import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { createNodeLink } from '../../src/actors/nodeLink/nodeLink.ts';
import type { Clock } from '../../src/actors/ports/clock.ts';
import type { LogFields } from '../../src/actors/ports/log.ts';
import type { FinalHtlc, HtlcOffer, NodeLinkListener } from '../../src/actors/ports/nodeLink.ts';
import { createGrpcLndClient } from '../../src/adapters/lnd/grpcLndClient.ts';
import type { NodeId, PaymentHash } from '../../src/domain/hash.ts';
import type { CircuitKey } from '../../src/domain/htlcKey.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { type SimulatedLnd, startSimulatedLnd } from '../../src/simulator/server/simulatedLnd.ts';
import { memoryLog } from '../nodeLink/rig.ts';

const realClock: Clock = {
  now: () => Date.now(),
  setTimeout: (fn, ms) => setTimeout(fn, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/** Short waits: everything here happens on one machine within milliseconds. */
const LIMITS = {
  interceptorGraceMs: 50,
  backoffFirstMs: 20,
  backoffLongestMs: 100,
  slotRetryMs: 30,
  refusedRetryMs: 30,
  unsyncedCheckMs: 20,
  syncCheckMs: 50,
};

/** A node link with the real adapter, and a listener that writes down what it hears. */
export async function linkedLnd(options: Partial<Parameters<typeof startSimulatedLnd>[0]> = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'simulated-lnd-'));
  const lnd = await startSimulatedLnd({ name: 'alice', dir, ...options });
  const nodeId = lnd.info.pubkey as NodeId;
  const offers: HtlcOffer[] = [];
  const onions: string[] = [];
  const finals: FinalHtlc[] = [];
  const heard: string[] = [];
  const lines: { level: string; message: string; fields: LogFields }[] = [];
  const unresolved: CircuitKey[] = [];
  const listener: NodeLinkListener = {
    offered(_link, offer) {
      offers.push(offer);
      onions.push(Buffer.from(offer.onionBlob).toString('hex'));
    },
    finalised: (_link, final) => void finals.push(final),
    heightChanged: (_link, height) => void heard.push(`height ${height}`),
    connected: () => void heard.push('connected'),
    disconnected: (_link, reason) => void heard.push(`disconnected ${reason}`),
    readinessChanged: (link) => void heard.push(`ready ${link.ready}`),
    unresolved: () => unresolved,
    missing: () => [],
  };
  const client = createGrpcLndClient({
    address: lnd.info.lndUrl,
    tlsCertPath: lnd.info.tlsCertPath,
    macaroonPath: lnd.info.macaroonPath,
  });
  const link = createNodeLink({
    config: { nodeId, network: 'regtest', limits: LIMITS },
    client,
    listener,
    clock: realClock,
    log: memoryLog(lines),
    random: Math.random,
  });
  return {
    lnd,
    link,
    client,
    offers,
    onions,
    finals,
    heard,
    lines,
    unresolved,
    virtualChannel: virtualChannelId(nodeId),
    until: (state: string) => vi.waitFor(() => expectState(link.status().state, state), WAIT),
    async close() {
      await link.stop();
      await lnd.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Longest wait for something that happens by itself; checked often. */
export const WAIT = { timeout: 10_000, interval: 5 };

function expectState(actual: string, wanted: string): void {
  if (actual !== wanted) throw new Error(`the link is ${actual}, not ${wanted}`);
}

/** Sends an HTLC into the node, as a peer would. */
export function receive(lnd: SimulatedLnd, fields: { to: bigint; hash?: PaymentHash; chanId?: bigint }) {
  return lnd.node.receive({
    chanId: fields.chanId ?? 17592186044416000001n,
    paymentHash: fields.hash ?? ('ab'.repeat(32) as PaymentHash),
    incomingAmountMsat: 1_001_000n,
    incomingExpiry: lnd.node.height + 200,
    outgoingAmountMsat: 1_000_000n,
    outgoingExpiry: lnd.node.height + 160,
    outgoingChanId: fields.to,
    onionBlob: new Uint8Array(1366).fill(5),
    sharedSecret: new Uint8Array(0),
  });
}
