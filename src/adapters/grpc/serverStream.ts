import { type ServerWritableStream, status } from '@grpc/grpc-js';
import type { Log } from '../../actors/ports/log.ts';
import { crashed } from './crash.ts';
import type { CallObserver } from './observer.ts';
import { type Outcome, refuse, SHUTTING_DOWN } from './outcome.ts';

/** Where the messages of one stream come from. */
export interface MessageSource<Response> {
  /** The next message, when there is one. A refusal ends the stream with it, undefined ends it with OK. */
  next(): Promise<Outcome<Response> | undefined>;
  /** Ends what is pending and later calls. Safe to call twice. */
  close(): void;
}

export interface ServerStreamOptions<Request, Response> {
  /** Of the method, for observers and the log. */
  readonly name: string;
  readonly log: Log;
  readonly observer: CallObserver | undefined;
  /** How many may be open, and what to say to one more. */
  readonly max: number;
  readonly tooMany: string;
  readonly open: (request: Request) => Outcome<MessageSource<Response>>;
}

/** Resolves when the client has taken what was written, or has left. */
function drained(call: ServerWritableStream<unknown, unknown>): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      call.off('drain', done);
      call.off('cancelled', done);
      call.off('close', done);
      resolve();
    };
    call.on('drain', done);
    call.on('cancelled', done);
    call.on('close', done);
  });
}

/**
 * A method that answers with a stream. Messages are pulled from their source no faster than the client reads: while
 * it does not, they wait where they are kept anyway, and not in a queue of the stream.
 */
export class ServerStream<Request, Response> {
  readonly handle: (call: ServerWritableStream<Request, Response>) => void;
  readonly #options: ServerStreamOptions<Request, Response>;
  readonly #open = new Set<MessageSource<Response>>();
  #stopping = false;

  constructor(options: ServerStreamOptions<Request, Response>) {
    this.#options = options;
    this.handle = (call) => void this.#serve(call);
  }

  /** Ends open streams with UNAVAILABLE, and refuses new ones. */
  stop(): void {
    this.#stopping = true;
    for (const source of this.#open) source.close();
  }

  async #serve(call: ServerWritableStream<Request, Response>): Promise<void> {
    const { name, log, observer } = this.#options;
    const startedAt = performance.now();
    observer?.started(name, 'server_stream');
    const end = await this.#run(call).catch((error: unknown) => crashed(log, name, error));
    let code: status = status.CANCELLED;
    if (end === 'complete') {
      code = status.OK;
      call.end();
    } else if (end !== 'left' && !end.ok) {
      code = end.code;
      call.emit('error', { code, details: end.details });
    }
    observer?.finished(name, 'server_stream', code, performance.now() - startedAt);
  }

  async #run(call: ServerWritableStream<Request, Response>): Promise<Outcome<never> | 'complete' | 'left'> {
    const { max, tooMany, open } = this.#options;
    if (this.#stopping) return refuse(status.UNAVAILABLE, SHUTTING_DOWN);
    if (this.#open.size >= max) return refuse(status.RESOURCE_EXHAUSTED, tooMany);
    const opened = open(call.request);
    if (!opened.ok) return opened;
    const source = opened.response;
    this.#open.add(source);
    call.on('cancelled', () => source.close());
    try {
      return await this.#pump(call, source);
    } finally {
      this.#open.delete(source);
      source.close();
    }
  }

  async #pump(
    call: ServerWritableStream<Request, Response>,
    source: MessageSource<Response>,
  ): Promise<Outcome<never> | 'complete' | 'left'> {
    const { name, observer } = this.#options;
    for (;;) {
      if (call.cancelled || call.destroyed) return 'left';
      const message = await source.next();
      if (call.cancelled || call.destroyed) return 'left';
      if (message === undefined) return 'complete';
      if (!message.ok) return message;
      const room = call.write(message.response);
      observer?.sent(name, 'server_stream');
      if (!room) await drained(call);
    }
  }
}
