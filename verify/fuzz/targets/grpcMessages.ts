import { type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js';
import { createApplication } from '../../../src/actors/application/applicationService.ts';
import type { Application } from '../../../src/actors/ports/application.ts';
import { DEFAULT_GRPC_LIMITS } from '../../../src/adapters/grpc/limits.ts';
import { LnmuxService } from '../../../src/adapters/grpc/service.ts';
import type { NodeId } from '../../../src/domain/hash.ts';
import { AddInvoiceRequest, AddInvoiceResponse, ServiceService } from '../../../src/generated/lnmux.ts';
import { decodeInvoice } from '../../../src/lightning/bolt11.ts';
import { publicKeyOf } from '../../../src/lightning/crypto.ts';
import { PreimageDeriver } from '../../../src/lightning/paymentAddr.ts';
import { concat } from '../../../src/lightning/tlv.ts';
import { startRig } from '../../../test/actors/rig.ts';
import { hex } from '../../../test/lightning/vectors.ts';
import { noNodes } from '../../../test/support/noNodes.ts';
import { ALICE, BOB, IDENTITY_KEY } from '../../../test/support/payments.ts';
import { silentLog } from '../../../test/support/silentLog.ts';
import { mutateProtobuf, varint } from '../engine/protobuf.ts';
import { Broken, type LiveTarget, must, mustEqual, type Target } from '../engine/target.ts';

/** The API on a real supervisor, with a database in memory and no payments. */
export async function application(): Promise<Application> {
  const rig = await startRig();
  return createApplication({
    supervisor: rig.supervisor,
    store: rig.session,
    clock: rig.clock,
    deriver: new PreimageDeriver(IDENTITY_KEY),
    identityKey: IDENTITY_KEY,
    nodeId: hex(publicKeyOf(IDENTITY_KEY)) as NodeId,
    network: 'regtest',
    nodes: [ALICE, BOB],
    hints: { current: [] },
    autoSettle: false,
    random16: () => new Uint8Array(16).fill(7),
  });
}

/** What a caller may be told for bad input. */
const REFUSALS: ReadonlySet<status> = new Set([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.FAILED_PRECONDITION,
  // A place in the events that is none.
  status.OUT_OF_RANGE,
]);

export function refusedWith(code: status, details: string): string {
  if (!REFUSALS.has(code)) throw new Broken(`bad input is answered with ${status[code]}: ${details}`);
  must(details !== '', 'a refusal says why');
  return `${status[code]}: ${details.replace(/\d+/g, '#').slice(0, 40)}`;
}

/** An invoice that was issued can be paid: it decodes to what was asked for. */
export function checkIssued(request: Uint8Array, response: Uint8Array): void {
  const { amtMsat, description, descriptionHash, expirySecs } = AddInvoiceRequest.decode(request);
  const { paymentRequest, hash } = AddInvoiceResponse.decode(response);
  const invoice = decodeInvoice(paymentRequest);
  mustEqual(
    [invoice.amountMsat, BigInt(invoice.expirySecs), invoice.description ?? '', invoice.paymentHash],
    [amtMsat, expirySecs, description, hash],
    'the invoice says what was asked for',
  );
  mustEqual(invoice.descriptionHash ?? new Uint8Array(), descriptionHash, 'and its description hash');
}

const PATIENCE_MS = 5;

type Unary = (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => void;
type UnaryName =
  | 'addInvoice'
  | 'settleInvoice'
  | 'cancelInvoice'
  | 'listInvoices'
  | 'lookupInvoice'
  | 'waitForInvoiceFinalStatus'
  | 'drainNode';

async function openMessage(name: UnaryName): Promise<LiveTarget> {
  const service = new LnmuxService({
    application: await application(),
    nodes: noNodes,
    log: silentLog,
    limits: DEFAULT_GRPC_LIMITS,
    observer: undefined,
    returnPreimage: true,
  });
  const { requestDeserialize, responseSerialize } = ServiceService[name];
  const method = service.methods[name] as unknown as Unary;
  const run = (input: Uint8Array) => {
    let request: unknown;
    try {
      request = requestDeserialize(Buffer.from(input));
    } catch (error) {
      // gRPC itself answers these.
      return `malformed: ${String(error).replace(/\d+/g, '#').slice(0, 60)}`;
    }
    return new Promise<string>((resolve, reject) => {
      let cancel: (() => void) | undefined;
      let hasLeft = false;
      const on = (_event: 'cancelled', listener: () => void) => {
        cancel = listener;
      };
      // Whoever asks to be told later leaves when there was no answer at once.
      if (name === 'waitForInvoiceFinalStatus') {
        setTimeout(() => {
          hasLeft = true;
          cancel?.();
        }, PATIENCE_MS);
      }
      const call = { request, cancelled: false, on } as unknown as ServerUnaryCall<unknown, unknown>;
      method(call, (error, response) => {
        try {
          if (hasLeft && error?.code === status.UNAVAILABLE) resolve('waits');
          else if (error) resolve(refusedWith(error.code ?? status.UNKNOWN, error.details ?? ''));
          else {
            const bytes = responseSerialize(response as never);
            if (name === 'addInvoice') checkIssued(input, bytes);
            resolve('OK');
          }
        } catch (broken) {
          reject(broken);
        }
      });
    });
  };
  return { seeds: SEEDS[name], run, mutate: mutateProtobuf };
}

const field = (number: number, bytes: Uint8Array) =>
  concat([Uint8Array.of((number << 3) | 2), varint(BigInt(bytes.length)), bytes]);
const integer = (number: number, value: bigint) => concat([Uint8Array.of(number << 3), varint(value)]);
const H = new Uint8Array(32).fill(0x11);
const set = concat([field(1, H), field(2, new Uint8Array(32).fill(0x22))]);
const hostile = concat([integer(99, 2n ** 64n - 1n), field(15, H)]);

export const SEEDS: Readonly<Record<UnaryName, readonly Uint8Array[]>> = {
  addInvoice: [
    concat([integer(1, 20_000n), field(2, Buffer.from('hi')), integer(4, 600n)]),
    concat([integer(1, 1n), field(3, H), integer(4, 1n)]),
    concat([integer(1, 1n), field(2, Buffer.alloc(640, 'é')), integer(4, 1n)]),
    concat([integer(1, 2n ** 63n - 1n), integer(4, 2n ** 63n - 1n)]),
    concat([integer(1, 2_100_000_000_000_000_000n), integer(4, 3_155_760_000n), hostile]),
    new Uint8Array(),
  ],
  settleInvoice: [set, concat([set, hostile]), field(1, H), new Uint8Array()],
  cancelInvoice: [set, concat([hostile, set]), field(2, H), new Uint8Array()],
  listInvoices: [
    concat([integer(1, 2n), integer(2, 300n)]),
    concat([integer(1, 2n ** 64n - 1n), integer(2, 2n ** 63n - 1n)]),
    new Uint8Array(),
  ],
  lookupInvoice: [field(1, H), concat([field(1, H), hostile]), new Uint8Array()],
  waitForInvoiceFinalStatus: [
    field(1, H),
    concat([field(1, H), integer(2, 1n)]),
    concat([field(1, H), hostile]),
    new Uint8Array(),
  ],
  drainNode: [field(1, concat([Uint8Array.of(2), H])), field(2, Buffer.from('a')), integer(3, 1n), hostile],
};

export const grpcMessages: readonly Target[] = (Object.keys(SEEDS) as UnaryName[]).map((name) => ({
  name: `grpc.${name}`,
  promise: `${name} from raw bytes: an answer, or a status for bad input; never INTERNAL`,
  maxBytes: 4_000,
  maxMs: 50,
  open: () => openMessage(name),
}));
