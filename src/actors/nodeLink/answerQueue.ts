import type { CircuitKey } from '../../domain/htlcKey.ts';
import type { HtlcAnswer, InterceptorStream } from '../ports/lndClient.ts';

interface Waiting {
  readonly answer: HtlcAnswer;
  readonly autoFailHeight: number;
}

/**
 * Answers on their way to one interceptor stream, in order. While the transport is full they wait here. Each
 * belongs to another HTLC that lnd holds, so the queue can't grow beyond what lnd holds; reading goes on
 * meanwhile, because lnd stops forwarding for a client that doesn't read.
 */
export class AnswerQueue {
  readonly #stream: InterceptorStream;
  #waiting: Waiting[] = [];
  #writable = true;
  #finishing = false;

  constructor(stream: InterceptorStream) {
    this.#stream = stream;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** `autoFailHeight`: the block from which the answer is too late; Infinity where it can't be. */
  put(answer: HtlcAnswer, autoFailHeight: number): void {
    if (this.#writable) this.#writable = this.#stream.answer(answer);
    else this.#waiting.push({ answer, autoFailHeight });
  }

  /** The transport takes more. */
  drained(): void {
    this.#writable = true;
    let next = 0;
    while (this.#writable && next < this.#waiting.length) {
      this.#writable = this.#stream.answer(this.#waiting[next++]!.answer);
    }
    this.#waiting.splice(0, next);
    if (this.#finishing && this.#waiting.length === 0) this.#stream.finish();
  }

  /** Drops what would come too late: lnd ends the stream of a client that answers an HTLC it gave back. */
  forgetUntil(height: number): number {
    const before = this.#waiting.length;
    if (before > 0) this.#waiting = this.#waiting.filter((w) => w.autoFailHeight > height);
    return before - this.#waiting.length;
  }

  /**
   * Drops what waits for an HTLC that has ended, or that lnd offers anew, since its channel was closed: on chain lnd
   * takes neither a fail nor a second settle, and would end the stream for it.
   */
  forget(key: CircuitKey): number {
    const before = this.#waiting.length;
    if (before === 0) return 0;
    this.#waiting = this.#waiting.filter(
      ({ answer }) => answer.key.chanId !== key.chanId || answer.key.htlcId !== key.htlcId,
    );
    return before - this.#waiting.length;
  }

  /** Half-closes the stream once everything is written. */
  finish(): void {
    if (this.#finishing) return;
    this.#finishing = true;
    if (this.#waiting.length === 0) this.#stream.finish();
  }
}
