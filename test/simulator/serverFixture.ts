import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ClientDuplexStream, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { onTestFinished } from 'vitest';
import { nodeIdFromText } from '../../src/domain/hash.ts';
import { virtualChannelId } from '../../src/domain/virtualChannel.ts';
import { LightningClient } from '../../src/generated/lnd/lightning.ts';
import {
  type ForwardHtlcInterceptRequest,
  type ForwardHtlcInterceptResponse,
  RouterClient,
} from '../../src/generated/lnd/router.ts';
import { createInvoice, type RouteHint } from '../../src/lightning/bolt11.ts';
import { publicKeyOf, sha256 } from '../../src/lightning/crypto.ts';
import { encodeFailure } from '../../src/lightning/failureOnion.ts';
import { decodeFinalPayload } from '../../src/lightning/finalPayload.ts';
import { peelOnion } from '../../src/lightning/onion.ts';
import { NodeControl } from '../../src/simulator/control/nodeControl.ts';
import {
  type SimulatedLnd,
  type SimulatedLndInfo,
  type SimulatedLndOptions,
  startSimulatedLnd,
} from '../../src/simulator/server/simulatedLnd.ts';

export type InterceptorStream = ClientDuplexStream<ForwardHtlcInterceptResponse, ForwardHtlcInterceptRequest>;

/** A directory that goes when the test is over. */
export function temporaryDirectory(): string {
  const dir = mkdtempSync(join(tmpdir(), 'simulator-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

/** A node in this process and its control client; both end with the test. */
export async function startNode(
  options: Partial<SimulatedLndOptions> = {},
): Promise<{ lnd: SimulatedLnd; info: SimulatedLndInfo; control: NodeControl }> {
  const lnd = await startSimulatedLnd({ name: 'alice', dir: temporaryDirectory(), ...options });
  const control = controlOf(lnd.info);
  onTestFinished(() => lnd.stop());
  return { lnd, info: lnd.info, control };
}

export function controlOf(info: SimulatedLndInfo): NodeControl {
  const control = new NodeControl(info.controlUrl);
  onTestFinished(() => control.close());
  return control;
}

/** The macaroon as lnd's clients send it. */
export function macaroonOf(info: SimulatedLndInfo): Metadata {
  const metadata = new Metadata();
  metadata.set('macaroon', readFileSync(info.macaroonPath, 'hex'));
  return metadata;
}

type AnyClient<T> = new (
  address: string,
  creds: ReturnType<typeof credentials.createSsl>,
  options: object,
) => T;

/** A client of one of lnd's services that trusts the node's certificate only. */
export function lndClient<T extends { close(): void }>(Client: AnyClient<T>, info: SimulatedLndInfo): T {
  const creds = credentials.createSsl(readFileSync(info.tlsCertPath));
  const options = { 'grpc.initial_reconnect_backoff_ms': 20, 'grpc.max_reconnect_backoff_ms': 100 };
  const client = new Client(info.lndUrl, creds, options);
  onTestFinished(() => client.close());
  return client;
}

export const lightning = (info: SimulatedLndInfo) => lndClient(LightningClient, info);
export const router = (info: SimulatedLndInfo) => lndClient(RouterClient, info);

/** The error that ends a stream. */
export function streamError(stream: {
  on(event: 'error', listener: (error: ServiceError) => void): unknown;
}) {
  return new Promise<ServiceError>((resolve) => stream.on('error', resolve));
}

/** Waits until a condition holds, looking at every turn of the event loop. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error('condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const PREIMAGE = new Uint8Array(32).fill(9);
const PAYMENT_ADDR = new Uint8Array(32).fill(5);
export const IDENTITY_KEY = new Uint8Array(32).fill(42);
const FINAL_CLTV_DELTA = 40;

/** The invoice that the fake lnmux settles. */
export function invoiceFor(nodes: readonly SimulatedLndInfo[], amountMsat: bigint, hintChanges = {}): string {
  const hints: RouteHint[] = nodes.map(({ pubkey }) => {
    const nodeId = nodeIdFromText(pubkey)!;
    return {
      ...{ nodeId, chanId: virtualChannelId(nodeId), feeBaseMsat: 1_000, feeRatePpm: 250, cltvDelta: 40 },
      ...hintChanges,
    };
  });
  return createInvoice({
    ...{ network: 'regtest', identityKey: IDENTITY_KEY, timestamp: 1_700_000_000, expirySecs: 3_600 },
    ...{ amountMsat, paymentHash: sha256(PREIMAGE), paymentAddr: PAYMENT_ADDR, hints },
    finalCltvDelta: FINAL_CLTV_DELTA,
  });
}

export const PAYEE = publicKeyOf(IDENTITY_KEY);
export const PREIMAGE_HEX = Buffer.from(PREIMAGE).toString('hex');

/** What the fake lnmux does with a part: hold it for the set, or fail it with a message. */
export type Policy = (request: ForwardHtlcInterceptRequest, node: SimulatedLndInfo) => Uint8Array | undefined;

/** As much of lnmux as a payer can see: peels, collects a set, settles it all at once. */
export class FakeMux {
  readonly received: ForwardHtlcInterceptRequest[] = [];
  policy: Policy = () => undefined;
  private parts: { stream: InterceptorStream; request: ForwardHtlcInterceptRequest }[] = [];

  async connect(info: SimulatedLndInfo): Promise<InterceptorStream> {
    const stream = router(info).htlcInterceptor(macaroonOf(info));
    stream.on('error', () => {});
    stream.on('data', (request: ForwardHtlcInterceptRequest) => this.take(stream, request, info));
    onTestFinished(() => stream.cancel());
    const control = controlOf(info);
    await until(async () => (await control.getState()).interceptorConnected);
    return stream;
  }

  private take(
    stream: InterceptorStream,
    request: ForwardHtlcInterceptRequest,
    info: SimulatedLndInfo,
  ): void {
    this.received.push(request);
    if (request.outgoingRequestedChanId !== virtualChannelId(nodeIdFromText(info.pubkey)!)) {
      respond(stream, request, { action: 2 });
      return;
    }
    const { sharedSecret, payload } = peelOnion({
      identityKey: IDENTITY_KEY,
      onionBlob: new Uint8Array(request.onionBlob),
      paymentHash: new Uint8Array(request.paymentHash),
    });
    const message = this.policy(request, info);
    if (message) {
      const failureMessage = Buffer.from(encodeFailure(sharedSecret, message));
      respond(stream, request, { action: 1, failureMessage });
      return;
    }
    const final = decodeFinalPayload(payload);
    this.parts.push({ stream, request });
    const sum = this.parts.reduce((total, part) => total + part.request.outgoingAmountMsat, 0n);
    if (sum < final.paymentData!.totalMsat) return;
    for (const part of this.parts) {
      respond(part.stream, part.request, { action: 0, preimage: Buffer.from(PREIMAGE) });
    }
    this.parts = [];
  }
}

export function respond(
  stream: InterceptorStream,
  { incomingCircuitKey }: Pick<ForwardHtlcInterceptRequest, 'incomingCircuitKey'>,
  answer: Partial<ForwardHtlcInterceptResponse>,
): void {
  const nothing = Buffer.alloc(0);
  stream.write({
    incomingCircuitKey,
    action: 0,
    preimage: nothing,
    failureMessage: nothing,
    failureCode: 0,
    ...answer,
  });
}
