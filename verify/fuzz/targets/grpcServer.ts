import { Client, credentials, type ServiceError, status } from '@grpc/grpc-js';
import { startGrpcServer } from '../../../src/adapters/grpc/server.ts';
import { ServiceService } from '../../../src/generated/lnmux.ts';
import { concat } from '../../../src/lightning/tlv.ts';
import { noNodes } from '../../../test/support/noNodes.ts';
import { RecordingLog } from '../../../test/support/recordingLog.ts';
import { mutateProtobuf } from '../engine/protobuf.ts';
import type { Random } from '../engine/random.ts';
import { Broken, type LiveTarget, must, type Target } from '../engine/target.ts';
import { application, checkIssued, refusedWith, SEEDS } from './grpcMessages.ts';

/** First byte of an input: which method. */
const PATHS = Object.values(ServiceService).map(({ path }) => path);
const STREAMS: ReadonlySet<string> = new Set(
  Object.values(ServiceService)
    .filter(({ responseStream }) => responseStream)
    .map(({ path }) => path),
);
const WAIT = ServiceService.waitForInvoiceFinalStatus.path;
/** What has said nothing by then stays open, and is cancelled. */
const PATIENCE_MS = 5;
const ADD = ServiceService.addInvoice.path;

const raw = (bytes: Buffer) => bytes;
const pathOf = (input: Uint8Array) => PATHS[(input[0] ?? 0) % PATHS.length] ?? ADD;

/**
 * HTTP/2 itself ends a connection on which too many streams are reset in a short time, as it must (CVE-2023-44487),
 * and whatever is under way on it ends with it. The next connection has to answer.
 */
class FloodEnded extends Error {}
const FLOOD = 'Session closed with error code 2';

function outcomeOf({ code, details }: ServiceError): string {
  if (code === status.INTERNAL && details.includes(FLOOD)) throw new FloodEnded(details);
  // By the gRPC specification a request that is no protobuf at all is INTERNAL, and grpc-js says so by itself.
  if (code === status.INTERNAL && details.startsWith('Error deserializing request')) return 'malformed';
  if (code === status.RESOURCE_EXHAUSTED) return 'too large';
  return refusedWith(code, details);
}

function unary(client: Client, path: string, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const patience = path === WAIT ? setTimeout(() => call.cancel(), PATIENCE_MS) : undefined;
    const call = client.makeUnaryRequest(path, raw, raw, request, (error, response) => {
      clearTimeout(patience);
      try {
        if (error?.code === status.CANCELLED && path === WAIT) return resolve('waits');
        if (!error && path === ADD) checkIssued(request, response!);
        resolve(error ? outcomeOf(error) : 'OK');
      } catch (broken) {
        reject(broken);
      }
    });
  });
}

/** A stream that is taken stays open: once it is, it is cancelled. */
function stream(client: Client, path: string, request: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = client.makeServerStreamRequest(path, raw, raw, request);
    // With no set to tell, headers never come: what is refused is refused within a turn or two.
    const patience = setTimeout(() => call.cancel(), PATIENCE_MS);
    call.on('data', () => call.cancel());
    call.on('error', (error: ServiceError) => {
      clearTimeout(patience);
      try {
        resolve(error.code === status.CANCELLED ? 'stream open' : outcomeOf(error));
      } catch (broken) {
        reject(broken);
      }
    });
  });
}

async function open(): Promise<LiveTarget> {
  const log = new RecordingLog();
  const server = await startGrpcServer({
    application: await application(),
    nodes: noNodes,
    listenAddress: '127.0.0.1:0',
    log,
  });
  const client = new Client(server.address, credentials.createInsecure());
  const run = async (input: Uint8Array) => {
    const path = pathOf(input);
    const request = Buffer.from(input.subarray(1));
    const call = () => (STREAMS.has(path) ? stream(client, path, request) : unary(client, path, request));
    const outcome = await call().catch((error: unknown) => {
      if (error instanceof FloodEnded) return call();
      throw error;
    });
    const errors = log.lines.filter(({ level }) => level === 'error');
    if (errors.length > 0) throw new Broken(`the server logged: ${errors[0]?.message}`);
    must(log.lines.length < 100, 'input does not fill the log');
    return `${path.split('/').at(-1)} ${outcome}`;
  };
  const seeds = Object.entries(SEEDS).flatMap(([name, messages]) => {
    const index = PATHS.indexOf(ServiceService[name as keyof typeof SEEDS].path);
    return messages.map((message) => concat([Uint8Array.of(index), message]));
  });
  const mutate = (input: Uint8Array, random: Random, other: Uint8Array) => {
    const method = random.oneIn(6) ? random.below(PATHS.length) : (input[0] ?? 0);
    // Streams wait for a moment each: rarely.
    const index = STREAMS.has(PATHS[method]!) && !random.oneIn(20) ? 0 : method;
    return concat([Uint8Array.of(index), mutateProtobuf(input.subarray(1), random, other.subarray(1))]);
  };
  return {
    seeds: [...seeds, ...PATHS.map((_path, index) => Uint8Array.of(index))],
    run,
    mutate,
    show: (input) => `${pathOf(input)} ${Buffer.from(input.subarray(1)).toString('hex')}`,
    close: async () => {
      client.close();
      await server.close(0);
    },
  };
}

export const grpcServer: Target = {
  name: 'grpc',
  promise:
    'every method over a socket from raw bytes: a status, never INTERNAL for what is protobuf; it lives',
  maxBytes: 4_000,
  maxMs: 2_000,
  parallel: 64,
  open,
};
