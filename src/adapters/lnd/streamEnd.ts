import type { EventEmitter } from 'node:events';
import { status } from '@grpc/grpc-js';
import { LndError } from '../../actors/ports/lndClient.ts';
import { lndErrorOf } from './lndErrors.ts';

interface Stream extends EventEmitter {
  cancel(): void;
}

/**
 * The end of a stream, told exactly once. Whether we ended it ourselves is decided by our own {@link abort}, never
 * by the status: a server or proxy may well say CANCELLED.
 */
export class StreamEnd {
  readonly #stream: Stream;
  #ended = false;
  /** Called once, however the stream ends. */
  onEnd: (code: status) => void = () => {};

  constructor(stream: Stream, listener: { closed(error: LndError): void }) {
    this.#stream = stream;
    const ended = (error: LndError, code: status) => {
      if (this.#ended) return;
      this.#ended = true;
      this.onEnd(code);
      listener.closed(error);
    };
    // The error listener stays for good: an error after the end must not become an uncaught exception.
    stream.on('error', (error) => ended(lndErrorOf(error), codeOf(error)));
    stream.on('end', () => ended(new LndError('other', 'stream ended by lnd'), status.OK));
  }

  /** Ends the stream from our side: the listener hears nothing more. */
  abort(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.onEnd(status.CANCELLED);
    this.#stream.cancel();
  }
}

/** The status code of what a call rejects with. */
export function codeOf(error: unknown): status {
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? code : status.UNKNOWN;
}
