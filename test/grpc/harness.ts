import { type CallOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach } from 'vitest';
import type { Log, LogFields } from '../../src/actors/ports/log.ts';
import { type GrpcServer, type GrpcServerOptions, startGrpcServer } from '../../src/adapters/grpc/server.ts';
import { ServiceClient } from '../../src/generated/lnmux.ts';
import { FakeApplication } from './fakeApplication.ts';
import { FakeNodes } from './fakeNodes.ts';

/** Keeps every line as text. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];
  #write(level: string, fields: LogFields, message: string): void {
    this.lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  }
  debug(fields: LogFields, message: string): void {
    this.#write('debug', fields, message);
  }
  info(fields: LogFields, message: string): void {
    this.#write('info', fields, message);
  }
  warn(fields: LogFields, message: string): void {
    this.#write('warn', fields, message);
  }
  error(fields: LogFields, message: string): void {
    this.#write('error', fields, message);
  }
  child(): Log {
    return this;
  }
}

export interface Running {
  readonly application: FakeApplication;
  readonly nodes: FakeNodes;
  readonly log: RecordingLog;
  readonly server: GrpcServer;
  readonly client: ServiceClient;
}

const open: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

export function closeAfterTest(close: () => Promise<void> | void): void {
  open.push(close);
}

/** A server on a free port with a client of its own; both are closed after the test. */
export async function running(options: Partial<GrpcServerOptions> = {}): Promise<Running> {
  const application = new FakeApplication();
  const nodes = new FakeNodes();
  const log = new RecordingLog();
  const server = await startGrpcServer({ application, nodes, listenAddress: '127.0.0.1:0', log, ...options });
  closeAfterTest(() => server.close(0));
  const client = new ServiceClient(server.address, credentials.createInsecure());
  closeAfterTest(() => client.close());
  return { application, nodes, log, server, client };
}

type UnaryMethod<Request, Response> = (
  request: Request,
  metadata: Metadata,
  options: Partial<CallOptions>,
  callback: (error: ServiceError | null, response: Response) => void,
) => unknown;

/** Calls a unary method of the client as a promise. */
export function ask<Request, Response>(
  client: ServiceClient,
  method: UnaryMethod<Request, Response>,
  request: Request,
  options: Partial<CallOptions> = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    method.call(client, request, new Metadata(), options, (error, response) =>
      error ? reject(error) : resolve(response),
    );
  });
}

/** The code and text with which a call was refused. */
export async function refusal(call: Promise<unknown>): Promise<{ code: number; details: string }> {
  try {
    await call;
  } catch (error) {
    const { code, details } = error as ServiceError;
    return { code, details };
  }
  throw new Error('the call was not refused');
}

/** Polls a condition that another process or socket brings about. */
export async function eventually(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 2_000; i += 1) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('the condition did not come true within 10 s');
}
